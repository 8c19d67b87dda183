"""The ghosts that wait for the host, in memory."""

from collections.abc import Sequence
from uuid import UUID

from attrs import define

from showtime_core.domain.ghost_approval import AwaitingGhost, settle_approval
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost
from showtime_core.domain.points_and_ghosts.ghosts import GhostStep, GhostTask
from showtime_core.errors import NotFound
from showtime_core.testing.twins.outbox import MemoryOutboxTable, OutboxRow


@define
class MemoryGhostApprovals:
    """What the host decides about the ghosts of a channel; see `showtime_core.ports.GhostApprovals`."""

    table: MemoryOutboxTable

    async def list_awaiting(self) -> Sequence[AwaitingGhost]:
        """List those that wait."""
        return [
            AwaitingGhost(
                ghost.id,
                ghost.viewer,
                ghost.subject,
                row.remark or "",
                row.leased_at or row.due_at,
                row.due_at,
            )
            for row in self.table.rows.values()
            if (ghost := self.table.job(row).ghost) and self._is_awaiting(row)
        ]

    async def decide(self, ghost_id: UUID, *, is_approved: bool) -> None:
        """Let one be painted, or give its points back."""
        for row in [*self.table.rows.values()]:
            ghost = self.table.job(row).ghost
            if ghost and ghost.id == ghost_id and self._is_awaiting(row):
                return self.table.settle(row, settle_approval(self.table.job(row), is_approved=is_approved))
        raise NotFound("no such ghost waits")

    def _is_awaiting(self, row: OutboxRow) -> bool:
        effect, ghost = row.planned.effect, self.table.job(row).ghost
        is_painting = isinstance(effect, AdvanceGhost) and effect.task is GhostTask.PAINT
        is_asked = bool(ghost and ghost.step is GhostStep.AWAITING_APPROVAL)
        return is_painting and is_asked and row.status is EffectStatus.DUE
