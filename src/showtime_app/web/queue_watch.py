"""Tells open streams of the queue: read once for all of them, and told where it has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from attrs import define, field

from showtime_app.web.queue_document import describe_queue
from showtime_core.domain.show.queue import ShowView


@define
class QueueWatch:
    """The queue as it was read last, and who is to be told of the next one."""

    read: Callable[[], Awaitable[ShowView]]
    """Raises Unavailable."""
    is_streamed: Callable[[], bool]
    """Tells whether somebody reads the alerts without the queue."""
    document: str = ""
    """JSON; empty: it was not read yet."""
    _reading: asyncio.Lock = field(factory=asyncio.Lock)
    _watching: set[asyncio.Event] = field(factory=set)

    def is_watched(self) -> bool:
        """Tell whether anybody is to be told."""
        return bool(self._watching)

    async def look(self) -> None:
        """Read the queue, and tell of it if it has changed; raises Unavailable."""
        async with self._reading:  # what was read first is told first
            view = await self.read()
        queue = describe_queue(view, is_also_streamed=self.is_streamed())
        document = msgspec.json.encode(queue, enc_hook=str).decode()
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
