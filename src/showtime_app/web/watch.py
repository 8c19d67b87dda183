"""Tells open streams of what changes as a whole: read once for all of them, and told where it has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from attrs import define, field


@define
class Watch:
    """A document as it was read last, and who is to be told of the next one."""

    read: Callable[[], Awaitable[str]]
    """Gives it as JSON; raises Unavailable."""
    document: str = ""
    """Empty: it was not read yet."""
    _reading: asyncio.Lock = field(factory=asyncio.Lock)
    _watching: set[asyncio.Event] = field(factory=set)

    def is_watched(self) -> bool:
        """Tell whether anybody is to be told."""
        return bool(self._watching)

    async def look(self) -> None:
        """Read it, and tell of it if it has changed; raises Unavailable."""
        async with self._reading:  # what was read first is told first
            document = await self.read()
        if document != self.document:
            self.document = document
            for changed in self._watching:
                changed.set()

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Give an event that is set with every change, for as long as the context is open."""
        changed = asyncio.Event()
        self._watching.add(changed)
        try:
            yield changed
        finally:
            self._watching.remove(changed)


def watch_of(read: Callable[[], Awaitable[object]]) -> Watch:
    """Watch what a function reads; it raises Unavailable."""

    async def document() -> str:
        return msgspec.json.encode(await read(), enc_hook=str).decode()

    return Watch(document)
