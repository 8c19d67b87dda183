"""The AutoMod of a channel, and the clock of Twitch, in memory."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from attrs import define

from showtime_core.errors import Refused, Unavailable


@define
class MemoryAutoMod:
    """Lets words pass that have none of these in them; see `showtime_core.ports.AutoMod`."""

    forbidden: Collection[str] = ("demon",)
    failure: Unavailable | Refused | None = None
    """What is raised in place of an answer."""

    async def permits(self, words: str) -> bool:
        """Tell whether it would let words pass."""
        if self.failure:
            raise self.failure
        return not any(word in words for word in self.forbidden)


@define
class MemoryTwitchClock:
    """A clock that is so far ahead of ours; see `showtime_core.ports.TwitchClock`."""

    ahead: timedelta = timedelta(0)
    is_away: bool = False

    async def read(self) -> datetime:
        """Tell the time in whole seconds."""
        if self.is_away:
            raise Unavailable("Twitch is away")
        return (datetime.now(UTC) + self.ahead).replace(microsecond=0)
