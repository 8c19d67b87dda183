"""What a channel in memory has kept, as a replay reads it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from attrs import asdict, evolve, frozen

from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import Broadcast, BroadcastRows, ChannelState, Snapshot
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.testing.twins.unit_of_work import Memory
from showtime_core.use_cases.replay.recorded import JournalPage, Shown


@frozen
class MemoryRecordedShow:
    """A recorded show whose entries are all on one page; nothing of it was pruned."""

    memory: Memory

    async def began_at(self) -> datetime | None:
        return min((one.entry.sent_at or one.now for one in self.memory.records), default=None)

    async def pages(self) -> AsyncIterator[JournalPage]:
        remarks = {name: verdict.remark for name, verdict in self.memory.verdicts.items()}
        records = [evolve(one, remark=remarks[one.entry.id]) for one in self.memory.records]
        shown = [(item.entry_id, self.shown(item.content)) for item in self.memory.feed_items]
        yield JournalPage(tuple(records), tuple(shown))

    async def entry(self, entry_id: str) -> Entry | None:
        return self.memory.journal.get(entry_id)

    async def first_reports(self, keys: Collection[str]) -> Mapping[str, str]:
        return {key: name for key, name in self.memory.first_reports.items() if key in keys}

    async def effects(self, entry_ids: Collection[str]) -> Mapping[str, PlannedEffect]:
        return {key: one for key, one in self.memory.effects.items() if one.entry_id in entry_ids}

    async def payments(self, entry_ids: Collection[str]) -> Sequence[Payment]:
        raise NotImplementedError("nothing is pruned", entry_ids)

    async def state_before(self, moment: datetime, *, only_ended: bool) -> ChannelState:
        assert only_ended, moment
        return ChannelState()

    async def broadcasts(self, after: int) -> Sequence[Broadcast]:
        return [row for number, row in sorted(self.memory.broadcasts.items()) if number > after]

    async def screenings(self, broadcast_ids: Collection[int]) -> BroadcastRows:
        broadcasts = [row for row in self.memory.broadcasts.values() if row.id in broadcast_ids]
        screenings = [one for one in self.memory.screenings.values() if one.broadcast_id in broadcast_ids]
        return BroadcastRows(tuple(broadcasts), tuple(screenings))

    async def state(self) -> ChannelState:
        return self.memory.state

    def shown(self, content: Alert | AlertTest | Snapshot) -> Shown:
        if isinstance(content, Snapshot):
            return {"isLive": content.is_live, "tape": content.screening_tape_id}
        return {"type": type(content).__name__, "data": asdict(content)}
