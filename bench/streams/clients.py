"""Clients of the streams, as lean as can be, in a process of their own: `clients.py PORT COUNT`.

Asked on standard input, it answers on standard output, a line of JSON each: `open` opens all that are closed,
`close` closes all, `settle` waits until nothing more comes, `count` counts the open ones, `stats` tells what
they were told since the last time. A client whose stream ends comes again after a while with the id it has,
as a browser does.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from typing import cast

_HEAD = "GET /alerts HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: 10.{}.{}.{}\r\n{}\r\n"
_AGAIN_SECONDS = 3.0
"""Within so long a client that was cut off comes again: they do not all come at once."""
_OPENED_AT_ONCE = 200
_SETTLED_SECONDS = 1.5


class Client(asyncio.Protocol):
    """One client: keeps the number of the alert it was told last, and nothing else."""

    __slots__ = ("fleet", "last_id", "number", "rest", "transport")

    def __init__(self, fleet: "Fleet", number: int) -> None:
        self.fleet, self.number, self.last_id, self.rest = fleet, number, b"", b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        again = f"Last-Event-ID: {self.last_id.decode()}\r\n" if self.last_id else ""
        number = self.number
        head = _HEAD.format(number >> 16 & 255, number >> 8 & 255, number & 255, again)
        self.transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """Take what is whole of it."""
        now = time.time()
        *events, self.rest = (self.rest + data).split(b"\n\n")
        for event in events:
            self._take(event, now)

    def _take(self, event: bytes, now: float) -> None:
        told = 0.0
        for line in event.split(b"\n"):
            if line.startswith(b"id:"):
                self.last_id = line[3:].strip()
            elif line.startswith(b"data:") and (at := line.find(b"at=")) >= 0:
                told = float(line[at + 3 :].split(b";", 1)[0])
        if b"HTTP/1.1 200" in event:
            self.fleet.open.add(self.number)
        if told:
            self.fleet.delays.append(now - told)
            self.fleet.told[told] += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        """Come again, if that is wanted."""
        self.transport, self.rest = None, b""
        self.fleet.open.discard(self.number)
        if self.fleet.wanted:
            asyncio.get_running_loop().call_later(
                random.uniform(0.1, _AGAIN_SECONDS), self.fleet.come_again, self
            )


class Fleet:
    """All clients, and what they were told."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.clients = port, [Client(self, number) for number in range(count)]
        self.open: set[int] = set()
        self.delays: list[float] = []
        self.told: Counter[float] = Counter()
        self.wanted = False
        self.slots = asyncio.Semaphore(_OPENED_AT_ONCE)
        self.tasks: set[asyncio.Task[None]] = set()

    def come_again(self, client: Client) -> None:
        """Let a client connect."""
        task = asyncio.create_task(self._connect(client))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _connect(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        while self.wanted and client.transport is None:
            try:
                async with self.slots:
                    await loop.create_connection(lambda: client, "127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(random.uniform(0.1, _AGAIN_SECONDS))

    async def _until_open(self, count: int) -> int:
        while len(self.open) != count:  # noqa: ASYNC110 - a client that tells would cost each of ten thousand
            await asyncio.sleep(0.05)
        return count

    async def answer(self, asked: str) -> object:
        """Do what is asked for."""
        match asked:
            case "open":
                self.wanted = True
                await asyncio.gather(*map(self._connect, self.clients))
                return await self._until_open(len(self.clients))
            case "close":
                self.wanted = False
                for client in self.clients:
                    if client.transport:
                        client.transport.close()
                return await self._until_open(0)
            case "settle":  # what is on its way has come once nothing came for a while
                known = -1
                while known != len(self.delays):
                    known = len(self.delays)
                    await asyncio.sleep(_SETTLED_SECONDS)
                return known
            case "stats":
                delays, told = sorted(self.delays), dict(self.told)
                self.delays, self.told = [], Counter()
                return {"open": len(self.open), "delays": delays, "told": sorted(told.items())}
            case _:
                return len(self.open)


async def main(port: int, count: int) -> None:
    """Answer what is asked for, until nothing is asked any more."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    fleet = Fleet(port, count)
    while asked := (await reader.readline()).decode().strip():
        print(json.dumps(await fleet.answer(asked)), flush=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    import uvloop

    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
