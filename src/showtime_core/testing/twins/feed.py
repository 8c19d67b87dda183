"""The feed in memory: what is added is handed on to all who follow it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import Factory, define

from showtime_core.domain.feed import FeedEntry, FeedPosition

_NOT_LIVE = '{"isLive":false}'


@define
class MemoryFeed:
    """Entries in the order in which they were added; one event loop has all who follow."""

    clock: Callable[[], datetime]
    entries: list[FeedEntry] = Factory(list)
    times: list[datetime] = Factory(list)
    _followers: set[asyncio.Event] = Factory(set)

    def add(self, stream: str, payload: str) -> None:
        """Add an entry, and wake all who follow."""
        self.entries.append(FeedEntry(len(self.entries) + 1, stream, payload))
        self.times.append(self.clock())
        for each in self._followers:
            each.set()

    def position(self) -> FeedPosition:
        """Tell how far it has come."""
        states = [each.payload for each in self.entries if each.stream == "state"]
        return FeedPosition("memory", len(self.entries), states[-1] if states else _NOT_LIVE)

    def follow(
        self, publish: Callable[[FeedPosition, Sequence[FeedEntry]], None], is_watched: Callable[[], bool]
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """Make the work that hands on what is new, until it is cancelled."""

        async def work() -> None:
            news, reached = asyncio.Event(), len(self.entries)
            self._followers.add(news)
            try:
                publish(self.position(), [])
                while True:
                    await news.wait()
                    news.clear()
                    fresh, reached = self.entries[reached:], len(self.entries)
                    publish(self.position(), fresh if is_watched() else [])
            finally:
                self._followers.remove(news)

        return work

    async def missed(self, since: timedelta, after: int, until: int) -> Sequence[FeedEntry]:
        """Read the alerts after one id and up to another that are not older than this."""
        oldest = self.clock() - since
        return [
            each
            for each, at in zip(self.entries, self.times, strict=True)
            if after < each.id <= until and each.stream == "alerts" and at >= oldest
        ]
