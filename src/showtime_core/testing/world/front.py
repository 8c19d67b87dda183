"""What stands in front of an instance: it takes only what Twitch has signed, and has sent a moment ago."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from showtime_core.domain.journal import Entry

TOLERANCE = timedelta(minutes=10)
"""How old a message may be; Twitch's rule."""


class Recorder(Protocol):
    """Where messages go that are taken."""

    async def submit(self, entry: Entry, /) -> None:
        """Return once the entry is durable; raises Unavailable if it may not be."""

    async def is_known(self, entry_id: str, /) -> bool:
        """Tell whether an entry of this id is there; raises Unavailable if nobody can tell."""


class Front(Protocol):
    """Takes messages as they come."""

    async def receive(self, entry: Entry, *, is_forged: bool) -> bool:
        """Tell whether a message was answered as taken."""


MakeFront = Callable[[Recorder, Callable[[], datetime]], Front]
"""Puts one in front of an inbox; the clock is that of its instance."""


@frozen
class MemoryFront:
    """Judges by what it is told, and not by a signature."""

    inbox: Recorder
    clock: Callable[[], datetime]

    async def receive(self, entry: Entry, *, is_forged: bool) -> bool:
        """Take what is not forged, and recent or known."""
        if is_forged:
            return False
        if entry.sent_at is None or abs(self.clock() - entry.sent_at) > TOLERANCE:
            return await self.inbox.is_known(entry.id)
        await self.inbox.submit(entry)
        return True
