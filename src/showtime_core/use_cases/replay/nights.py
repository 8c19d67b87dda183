"""Nights with their tapes: compared once no entry can change them any more, and then forgotten."""

from uuid import UUID

from attrs import field, mutable

from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.journal import JournalChanges
from showtime_core.use_cases.replay.differences import Tell, compare
from showtime_core.use_cases.replay.recorded import RecordedShow
from showtime_core.use_cases.replay.replayed import ReplayedChannel


@mutable
class NightComparison:
    """The rows of broadcasts and screenings that the replay has made."""

    recorded: RecordedShow
    tell: Tell
    compared: int = 0
    _broadcasts: dict[int, Broadcast] = field(factory=dict)
    _screenings: dict[UUID, Screening] = field(factory=dict)
    _seen: set[int] = field(factory=set)

    def note(self, changes: JournalChanges) -> None:
        """Take over what changes of them."""
        self._broadcasts |= {row.id: row for row in changes.broadcasts}
        self._screenings |= {row.id: row for row in changes.screenings}
        for merged in changes.merged_broadcasts:
            self._broadcasts.pop(merged, None)

    async def compare_forgotten(self, channel: ReplayedChannel) -> None:
        """Compare the nights that the state has forgotten."""
        recent = {night.id for night in channel.state.timeline.nights}
        await self._compare({number for number in self._broadcasts if number not in recent}, channel)

    async def finish(self, channel: ReplayedChannel) -> None:
        """Compare those that are left, and tell which were recorded and do not follow from the journal."""
        await self._compare(set(self._broadcasts), channel)
        if channel.lost_at:
            return  # the nights that were recorded since began before it was known what was on
        after = channel.compared_after
        while rows := await self.recorded.broadcasts(after):
            for row in rows:
                if row.id not in self._seen:
                    compare(self.tell, "broadcast", str(row.id), row, None)
            after = rows[-1].id

    async def _compare(self, numbers: set[int], channel: ReplayedChannel) -> None:
        self._seen |= numbers
        replayed = {number: self._broadcasts.pop(number) for number in numbers}
        tapes = {one.id: one for one in self._screenings.values() if one.broadcast_id in numbers}
        for screening_id in tapes:
            del self._screenings[screening_id]
        known = {number for number in numbers if number > channel.compared_after}
        if not known:
            return
        rows = await self.recorded.screenings(known)
        broadcasts = {row.id: row for row in rows.broadcasts}
        for number in sorted(known):
            compare(self.tell, "broadcast", str(number), broadcasts.get(number), replayed[number])
        self.compared += len(known)
        self._compare_tapes(
            {one.id: one for one in rows.screenings},
            {name: one for name, one in tapes.items() if one.broadcast_id in known},
        )

    def _compare_tapes(self, recorded: dict[UUID, Screening], replayed: dict[UUID, Screening]) -> None:
        for name in {**recorded, **replayed}:
            compare(self.tell, "screening", str(name), recorded.get(name), replayed.get(name))
