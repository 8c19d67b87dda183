"""HTTP/1.1 to the byte: what is sent is what is written here, in the pieces in which it is written."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import h11
from attrs import frozen

ANSWER_SECONDS = 15.0
_PIECE_SECONDS = 0.3
_READ_BYTES = 65_536


@frozen
class Answer:
    """What came back for one request."""

    status: int
    """0: no answer came."""
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes
    seconds: float
    """From the last byte that was sent to the head of the answer."""
    trouble: str = ""
    """Why no answer came."""

    @property
    def is_success(self) -> bool:
        """Whether it is any 2xx, which is all that Twitch asks of most answers."""
        return 200 <= self.status < 300  # noqa: PLR2004 - as it says

    @property
    def is_refusal(self) -> bool:
        """Whether it is any 4xx."""
        return 400 <= self.status < 500  # noqa: PLR2004 - as it says

    def __str__(self) -> str:
        """Say it in a word or two."""
        return str(self.status) if self.status else self.trouble


@frozen
class Place:
    """Where a receiver is."""

    host: str
    port: int
    target: str
    is_secure: bool

    @classmethod
    def read(cls, url: str) -> "Place":
        """Read an address; raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url} is no address of a receiver: it must begin with http:// or https://")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        is_secure = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if is_secure else 80), target, is_secure)

    async def exchange(self, *pieces: bytes, answers: int = 1) -> list[Answer]:
        """Send these bytes, with a pause between pieces, over one connection; give so many answers."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS + _PIECE_SECONDS * len(pieces)):
                context = ssl.create_default_context() if self.is_secure else None
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=context)
                try:
                    return await _exchange(reader, writer, pieces, answers)
                finally:
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
        except TimeoutError:
            return [_nothing(f"no answer in {ANSWER_SECONDS:g} s")]
        except OSError as reason:
            return [_nothing(f"no connection: {reason}")]

    async def send_and_leave(self, data: bytes) -> None:
        """Send these bytes, and hang up before an answer can come."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.write(data)
            await writer.drain()
            writer.transport.abort()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: Sequence[bytes], answers: int
) -> list[Answer]:
    for number, piece in enumerate(pieces):
        if number:
            await asyncio.sleep(_PIECE_SECONDS)
        writer.write(piece)
        with suppress(OSError):  # it may have answered and closed before it has read all
            await writer.drain()
    parser = h11.Connection(h11.CLIENT)
    return [await _read(reader, parser, is_last=number == answers) for number in range(1, answers + 1)]


async def _read(reader: asyncio.StreamReader, parser: h11.Connection, *, is_last: bool) -> Answer:
    """Read one answer; the parser is told of a request that it has not seen."""
    began = time.monotonic()
    parser.send(
        h11.Request(method="POST", target="/", headers=[("host", "receiver"), ("content-length", "0")])
    )
    parser.send(h11.EndOfMessage())
    head, body, seconds = None, b"", 0.0
    try:
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(await reader.read(_READ_BYTES))
            elif isinstance(event, h11.Response):
                head, seconds = event, time.monotonic() - began
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                break
            elif isinstance(event, h11.ConnectionClosed):
                return _nothing("closed without an answer")
        if not is_last:
            parser.start_next_cycle()
    except (h11.RemoteProtocolError, h11.LocalProtocolError, OSError) as reason:
        if head is None:
            return _nothing(f"no HTTP: {reason}" if str(reason) else "closed without an answer")
    assert head, "it has ended with a head"
    headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
    return Answer(head.status_code, headers, body, seconds)


def _nothing(trouble: str) -> Answer:
    return Answer(0, {}, b"", 0.0, trouble)
