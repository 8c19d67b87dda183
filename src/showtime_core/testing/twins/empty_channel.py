"""An empty channel in memory that a night is imported into."""

from collections.abc import AsyncIterator
from uuid import UUID

from attrs import define, evolve

from showtime_core.domain.events import GhostPaid, GhostRequested
from showtime_core.domain.journal import JournalRecord, Outcome
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.domain.reactions import Policy
from showtime_core.ports import PlanChanges
from showtime_core.testing.twins.history import MemoryHistory, StoredGhost


@define
class MemoryEmptyChannel:
    """An empty channel in memory; see `showtime_core.use_cases.transfer.EmptyChannel`."""

    history: MemoryHistory

    async def recorded(self) -> AsyncIterator[str]:
        """Give the ids of the entries that it has, in their order."""
        for record in self.history.units.memory.records:
            yield record.entry.id

    async def broadcasts(self) -> int:
        """Count its broadcasts."""
        return len(self.history.units.memory.broadcasts)

    async def record(self, record: JournalRecord, plan: PlanChanges, policy: Policy) -> None:
        """Record an entry at its time, with all that follows."""
        units, entry = self.history.units, record.entry
        if isinstance(entry.content, GhostRequested) and record.outcome is not Outcome.REPEATED:
            kept = {key: name for key, name in units.memory.first_reports.items() if key != entry.dedup_key}
            units.memory = evolve(units.memory, first_reports=kept)
        units.clock = lambda: record.now
        await units.record([entry], policy, plan)

    async def keep_ghost(self, paid: JournalRecord) -> None:
        """Keep a ghost for which was paid, for the history."""
        content, ghost_id = paid.entry.content, UUID(paid.entry.id.removeprefix("ghost:"))
        assert isinstance(content, GhostPaid), "it is paid"
        if any(ghost.id == ghost_id for ghost in self.history.ghosts):
            return
        planned = (each.effect for each in self.history.units.memory.effects.values())
        summons = next((each for each in planned if getattr(each, "ghost_id", None) == ghost_id), None)
        on = summons.screening_id if isinstance(summons, SummonGhost) else None
        ghost = StoredGhost(
            ghost_id, content.viewer, on, content.subject, paid.now, paid.now, urls=(content.url,)
        )
        self.history.ghosts.append(ghost)
