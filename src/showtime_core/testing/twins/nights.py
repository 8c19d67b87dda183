"""Nights in memory, as they are looked at afterwards: what a unit of work and a history have kept."""

from attrs import define, evolve

from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.journal import JournalRecord
from showtime_core.domain.nights.recorded import AROUND, RecordedGhost, RecordedNight
from showtime_core.errors import NotFound
from showtime_core.testing.twins.history import MemoryHistory, StoredGhost


@define
class MemoryNights:
    """All that is recorded of a night, in memory; see `showtime_core.ports.Nights`."""

    history: MemoryHistory

    async def numbers(self, limit: int, before: int | None = None) -> list[int]:
        """List broadcasts, the latest first."""
        every = sorted(self._broadcasts(), key=_place, reverse=True)
        if before is not None:
            limit_of = next((_place(row) for row in every if row.id == before), None)
            if limit_of is None:
                raise NotFound("no such broadcast")
            every = [row for row in every if _place(row) < limit_of]
        return [row.id for row in every[:limit]]

    async def night(self, broadcast_id: int | None) -> RecordedNight:
        """Read one night, or the one on the air."""
        units = self.history.units
        row = next((row for row in self._broadcasts() if _is_meant(row, broadcast_id)), None)
        if row is None:
            raise NotFound("no broadcast is currently live" if broadcast_id is None else "no such broadcast")
        on = sorted(
            (each for each in units.memory.screenings.values() if each.broadcast_id == row.id), key=_place
        )
        names = {each.id for each in on}
        ghosts = [each for each in self.history.ghosts if each.is_paid and each.screening_id in names]
        return RecordedNight(
            row.id,
            row.started_at,
            row.ended_at,
            self.history.vod_urls.get(row.id, ""),
            units.clock(),
            tuple(on),
            tuple(sorted(map(_ghost, ghosts), key=lambda ghost: (ghost.paid_at, ghost.id))),
            tuple(self._remarked(record) for record in units.memory.records if _is_around(record, row)),
            units.memory.records[0].now if units.memory.records else None,
        )

    def _remarked(self, record: JournalRecord) -> JournalRecord:
        return evolve(record, remark=self.history.units.memory.verdicts[record.entry.id].remark)

    def _broadcasts(self) -> list[Broadcast]:
        return [*self.history.units.memory.broadcasts.values()]


def _is_meant(row: Broadcast, broadcast_id: int | None) -> bool:
    return row.ended_at is None if broadcast_id is None else row.id == broadcast_id


def _is_around(record: JournalRecord, night: Broadcast) -> bool:
    is_after = night.ended_at is not None and record.now > night.ended_at + AROUND
    return record.now >= night.started_at - AROUND and not is_after


def _ghost(ghost: StoredGhost) -> RecordedGhost:
    assert ghost.finished_at, "it is paid for"
    viewer = ghost.viewer
    return RecordedGhost(ghost.id, viewer.id, viewer.display_name, ghost.subject, ghost.finished_at)


def _place(row: Broadcast | Screening) -> tuple[object, int]:
    return row.started_at, int(row.id)
