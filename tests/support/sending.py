"""Twitch on a busy night: many connections at full speed, and whatever is not answered 2xx comes again."""

import asyncio
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence

from attrs import define, field

from support.twitch import Message

_ANSWER_SECONDS = 10.0
"""As long as Twitch waits."""
_PAUSE_SECONDS = 0.02
_ALL_SECONDS = 600.0


@define
class Connection:
    """One HTTP/1.1 connection that is opened when it is needed; as lean as can be, to send at full speed."""

    port: int
    path: str = "/callback"
    tls: ssl.SSLContext | None = None
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, message: Message) -> int:
        """Send a message and return the status; without one raises OSError, EOFError or TimeoutError."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._post(message)
        except BaseException:
            self.close()
            raise

    async def _post(self, message: Message) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        reader, writer = self._streams
        head = {"Host": "localhost", "Content-Length": str(len(message.body))} | message.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + message.body)
        first, *answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in answer if line)
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return int(first.split()[1])

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def all_at_once(port: int, messages: Sequence[Message]) -> list[int]:
    """Send each message on a connection of its own, and return the statuses."""
    connections = [Connection(port) for _ in messages]
    try:
        sent = zip(connections, messages, strict=True)
        return await asyncio.gather(*(connection.post(message) for connection, message in sent))
    finally:
        for connection in connections:
            connection.close()


@define
class Sender:
    """Sends to one instance until every message is answered 2xx."""

    port: int
    connections: int = 32
    path: str = "/callback"
    tls: ssl.SSLContext | None = None
    answered: dict[str, float] = field(factory=dict)
    """Message id → when it was answered 2xx, by the monotonic clock."""
    refused: Counter[object] = field(factory=Counter)
    """What came instead: another status, or the name of the error without any."""
    open: int = 0
    """How many messages are sent and not answered."""

    @property
    def last_answer(self) -> float:
        return max(self.answered.values(), default=0.0)

    async def deliver(self, messages: Iterable[Message]) -> None:
        """Send messages, roughly in order, and return once each is answered 2xx; raises TimeoutError."""
        waiting = deque(messages)
        async with asyncio.timeout(_ALL_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._work(waiting))

    async def until_answered(self, count: int, seconds: float = 120.0) -> None:
        async with asyncio.timeout(seconds):
            while len(self.answered) < count:  # noqa: ASYNC110 - as often as possible, to be in the middle
                await asyncio.sleep(0.001)

    async def _work(self, waiting: deque[Message]) -> None:
        connection = Connection(self.port, self.path, self.tls)
        try:
            while waiting:
                await self._insist(connection, waiting.popleft())
        finally:
            connection.close()

    async def _insist(self, connection: Connection, message: Message) -> None:
        retry = 0
        while not await self._is_taken(connection, message.again(retry)):
            retry += 1
            await asyncio.sleep(_PAUSE_SECONDS)
        self.answered[message.id] = time.monotonic()

    async def _is_taken(self, connection: Connection, message: Message) -> bool:
        self.open += 1
        try:
            status = await connection.post(message)
        except (OSError, EOFError, TimeoutError) as reason:
            self.refused[type(reason).__name__] += 1
            return False
        finally:
            self.open -= 1
        if status // 100 != 2:
            self.refused[status] += 1
        return status // 100 == 2
