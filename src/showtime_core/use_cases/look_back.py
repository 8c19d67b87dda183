"""Use case: look at a night afterwards, or while it is on the air; and compare it with others."""

import asyncio
from collections.abc import Sequence

from attrs import evolve, frozen

from showtime_core.domain.nights.recorded import RecordedNight
from showtime_core.domain.nights.timeline import COUNTED, NightTimeline, night_timeline
from showtime_core.ports import Nights
from showtime_core.use_cases.read_content import Parse, read_content


@frozen
class LookBack:
    """Works out timelines from what is recorded."""

    nights: Nights
    parse: Parse

    async def timeline(self, broadcast_id: int | None) -> NightTimeline:
        """Give the timeline of a night, or of the one on the air (None); raises NotFound, Unavailable."""
        night = await self.nights.night(broadcast_id)
        # Thousands of bodies take tenths of a second, in which messages of Twitch are to be answered.
        return await asyncio.to_thread(lambda: night_timeline(self._read(night)))

    async def latest(self, limit: int, before: int | None = None) -> Sequence[NightTimeline]:
        """Give so many at most, the latest first, each worked out by itself: those before one, or the latest.

        Raises NotFound if `before` is no broadcast, or Unavailable.
        """
        numbers = await self.nights.numbers(limit, before)
        return [await self.timeline(number) for number in numbers]

    def _read(self, night: RecordedNight) -> RecordedNight:
        """Read what the entries say that count."""
        entries = (
            evolve(one, entry=read_content(one.entry, self.parse))
            if one.outcome in COUNTED and one.entry.type != "entry.retry"
            else one
            for one in night.entries
        )
        return evolve(night, entries=tuple(entries))
