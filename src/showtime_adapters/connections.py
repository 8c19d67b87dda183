"""Connections to a neighbour: one for each request, kept for the next, or closed where that is broken off.

httpx has one pool for all. Where a request is cancelled that was just given a connection, nobody gets that
one back or closes it; once that has happened often enough, nothing is sent any more until a restart
(httpcore 1.0; encode/httpcore, issue 1093). So here nobody shares a pool.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
from attrs import define, field

_WAIT_SECONDS = 3.0
"""How long a request waits for others to end."""


@define
class Connections(httpx.AsyncBaseTransport):
    """Sends so many requests at once, each on a connection that no other uses meanwhile."""

    connect: Callable[[], httpx.AsyncBaseTransport]
    """Gives a connection, which is opened when it is used."""
    most: int = 20
    kept: int = 5
    """How many stay open while nobody uses them."""
    _idle: list[httpx.AsyncBaseTransport] = field(factory=list)
    _turns: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Let so many in."""
        self._turns = asyncio.Semaphore(self.most)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its connection is free when the answer is closed. Raises httpx.PoolTimeout."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("too many requests are under way", request=request) from None
        connection = self._idle.pop() if self._idle else self.connect()

        async def end(*, is_whole: bool) -> None:
            try:
                if is_whole and len(self._idle) < self.kept:
                    self._idle.append(connection)
                else:
                    await connection.aclose()
            finally:
                self._turns.release()

        try:
            answer = await connection.handle_async_request(request)
        except BaseException:
            await end(is_whole=False)
            raise
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        answer.stream = _Body(answer.stream, end)
        return answer

    async def aclose(self) -> None:
        """Close what nobody uses; the others follow when their requests end."""
        self.kept = 0
        while self._idle:
            await self._idle.pop().aclose()


@define
class _Body(httpx.AsyncByteStream):
    """The body of an answer, which tells when it is closed, and whether it was read to its end."""

    parts: httpx.AsyncByteStream
    end: Callable[..., Awaitable[None]]
    is_whole: bool = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.parts:
            yield part
        self.is_whole = True

    async def aclose(self) -> None:
        try:
            await self.parts.aclose()
        finally:
            await self.end(is_whole=self.is_whole)
