"""A client of the streams: reads server-sent events as they are on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from attrs import define, field, frozen

_BEGUN_SECONDS = 20.0


@frozen
class Block:
    """One block of a stream: what stands between two blank lines."""

    lines: tuple[str, ...]

    def value(self, name: str) -> str | None:
        return next((line[len(name) + 2 :] for line in self.lines if line.startswith(f"{name}: ")), None)

    @property
    def id(self) -> str | None:
        return self.value("id")

    @property
    def data(self) -> Any:
        text = self.value("data")
        return None if text is None else json.loads(text)


@define
class Stream:
    """An open stream."""

    response: httpx.Response
    chunks: AsyncIterator[str]
    _rest: str = field(default="")
    _reading: asyncio.Future[str] | None = None
    """Survives a time-out: what comes later is read later."""

    async def block(self, seconds: float = 5.0) -> Block:
        """Read the next block; raises TimeoutError, or EOFError when the server ended the stream."""
        async with asyncio.timeout(seconds):
            while "\n\n" not in self._rest:
                try:
                    self._rest += await self._more()
                except httpx.TransportError as end:
                    raise EOFError from end
        text, self._rest = self._rest.split("\n\n", 1)
        return Block(tuple(text.split("\n")))

    async def _more(self) -> str:
        self._reading = self._reading or asyncio.ensure_future(anext(self.chunks, ""))
        more = await asyncio.shield(self._reading)
        self._reading = None
        if not more:
            raise EOFError
        return more

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def event(self, seconds: float = 5.0) -> Block:
        """Read the next block with data."""
        while (block := await self.block(seconds)).data is None:
            pass
        return block

    async def events(self, count: int, seconds: float = 20.0) -> list[Block]:
        """Read so many blocks with data."""
        return [await self.event(seconds) for _ in range(count)]


@asynccontextmanager
async def listening(url: str, last_event_id: str | None = None, **headers: str) -> AsyncIterator[Stream]:
    """Open a stream."""
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(10, read=None)) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        stream = Stream(response, response.aiter_text())
        try:
            yield stream
        finally:
            await stream.close()


@asynccontextmanager
async def asking(port: int, request: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request as it stands, and read the answer as it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def begun(stream: Stream) -> str:
    """Read the beginning of a stream with ids; returns the id that it gives.

    One that has just begun may not have reached the database: a comment and the retry come first, then.
    """
    while not (block := await stream.block(_BEGUN_SECONDS)).id:
        assert block.lines in {(":",), ("retry: 3000",)}
    assert block.lines == (f"id: {block.id}", "retry: 3000")
    return block.id
