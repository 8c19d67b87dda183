"""A client of a stream as browsers are: it connects again whenever it must, and resumes by the last id.

And how to wait for what is seen later.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Any, TypeVar

import httpx
from attrs import define, field

from support.sse import Block, Stream, listening

T = TypeVar("T")

_SILENCE_SECONDS = 60.0
_OPEN_SECONDS = 10.0
_PAUSE_SECONDS = 0.05


@define
class Follower:
    """What a client has seen so far, over all its connections."""

    urls: Iterator[str]
    """Where to connect, each time anew."""
    hop_after: int | None = None
    """After how many events to connect elsewhere; None: never of its own accord."""
    last_id: str | None = None
    events: list[Block] = field(factory=list)
    connections: int = 0
    is_open: asyncio.Event = field(factory=asyncio.Event)
    """Set once the first block with an id or with data is there: from here on nothing may be missed."""

    @property
    def ids(self) -> list[int]:
        return [int((event.id or "").rpartition("-")[2]) for event in self.events]

    @property
    def data(self) -> list[Any]:
        return [event.data for event in self.events]

    async def run(self) -> None:
        while True:
            try:
                async with listening(next(self.urls), self.last_id) as stream:
                    self.connections += 1
                    await self._read(stream, len(self.events))
            except (EOFError, httpx.TransportError):
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, stream: Stream, before: int) -> None:
        while self.hop_after is None or len(self.events) < before + self.hop_after:
            block = await stream.block(_SILENCE_SECONDS)
            self.last_id = block.id or self.last_id
            if block.data is not None:
                self.events.append(block)
            if block.id or block.data is not None:
                self.is_open.set()


@asynccontextmanager
async def following(*urls: str, hop_after: int | None = None) -> AsyncIterator[Follower]:
    """Follow a stream, from now on."""
    follower = Follower(cycle(urls), hop_after)
    task = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            await follower.is_open.wait()
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


_MOST_SECONDS = 0.1
"""So long is waited between two looks at the most: what is looked for may be over soon."""


async def until(condition: Callable[[], object], seconds: float = 60.0, every: float = 0.01) -> None:
    """Wait until something holds; look at first so often, and then the more rarely the longer it takes."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(max(every, min((clock() - began) / 10, _MOST_SECONDS)))


def await_some(look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """Wait until there is something, where no event loop runs; returns it."""
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        assert waited < seconds, "it does not come"
        time.sleep(max(0.01, min(waited / 10, _MOST_SECONDS)))
    return found
