"""What every list of ghosts that wait for the host keeps to: to be mixed in beside `OutboxContract`.

Needs pytest-asyncio in auto mode.
"""

from datetime import timedelta
from uuid import UUID

import pytest

from showtime_core.domain.events import GhostRequested
from showtime_core.domain.ghost_approval import settle_awaiting
from showtime_core.domain.outbox import settle_ghost_step
from showtime_core.domain.points_and_ghosts.ghosts import GhostRefusal, GhostStep, ghost_id_of
from showtime_core.errors import NotFound
from showtime_core.testing.contracts.outbox import ALL, OutboxStage, reserved
from showtime_core.testing.entries import BOB

REASON = "every ghost waits for the host"


async def let_wait(stage: OutboxStage) -> tuple[str, UUID]:
    """Let a viewer ask for a ghost, and let it wait; gives its entry and its id."""
    [name] = await stage.record(GhostRequested(BOB, "a fax machine"))
    [summons] = await stage.outbox.lease(ALL, 100)
    await stage.outbox.settle(summons, settle_ghost_step(summons, reserved(summons)))
    [painting] = await stage.outbox.lease(ALL, 100)
    assert painting.key == f"{name}:paint-ghost"
    await stage.outbox.settle(painting, settle_awaiting(painting, REASON))
    return name, ghost_id_of(name)


class GhostApprovalsContract:
    """The rules of `showtime_core.ports.GhostApprovals`."""

    async def test_a_ghost_waits_for_the_host(self, stage: OutboxStage) -> None:
        """A ghost that waits is listed with why and until when, and nothing of it is performed meanwhile."""
        _, ghost_id = await let_wait(stage)
        [waiting] = await stage.approvals.list_awaiting()
        assert (waiting.id, waiting.viewer, waiting.subject) == (ghost_id, BOB, "a fax machine")
        assert waiting.reason == REASON
        assert timedelta(minutes=59) < waiting.until - waiting.since < timedelta(minutes=61)
        assert await stage.lease() == []
        assert (await stage.ghosts.progress(ghost_id)).step is GhostStep.AWAITING_APPROVAL

    async def test_what_is_approved_is_painted(self, stage: OutboxStage) -> None:
        """An approved ghost is painted next, on whichever instance, and is decided about once."""
        name, ghost_id = await let_wait(stage)
        await stage.approvals.decide(ghost_id, is_approved=True)
        [painting] = await stage.other.lease(ALL, 100)
        assert painting.key == f"{name}:paint-ghost"
        assert painting.ghost
        assert painting.ghost.step is GhostStep.APPROVED
        assert await stage.approvals.list_awaiting() == []
        with pytest.raises(NotFound, match="no such ghost waits"):
            await stage.approvals.decide(ghost_id, is_approved=False)

    async def test_what_is_refused_gives_its_points_back(self, stage: OutboxStage) -> None:
        """A refused ghost is never painted: its points are given back next, and its viewer is told why."""
        name, ghost_id = await let_wait(stage)
        await stage.approvals.decide(ghost_id, is_approved=False)
        [refund] = await stage.outbox.lease(ALL, 100)
        assert refund.key == f"{name}:reject-points"
        assert refund.ghost
        assert refund.ghost.refusal is GhostRefusal.CONTENT
        assert await stage.approvals.list_awaiting() == []

    async def test_a_ghost_that_nobody_decides_about_comes_up_after_an_hour(self, stage: OutboxStage) -> None:
        """After an hour it is due as it waits: whoever performs it gives its points back."""
        name, _ = await let_wait(stage)
        await stage.wait(timedelta(minutes=61))
        [painting] = await stage.outbox.lease(ALL, 100)
        assert painting.key == f"{name}:paint-ghost"
        assert painting.ghost
        assert painting.ghost.step is GhostStep.AWAITING_APPROVAL
        assert await stage.approvals.list_awaiting() == []

    async def test_a_ghost_that_waits_counts_as_under_way(self, stage: OutboxStage) -> None:
        """Who asks again for what waits for the host gets the same, and nothing else is decided about."""
        await let_wait(stage)
        with pytest.raises(NotFound, match="no such ghost waits"):
            await stage.approvals.decide(UUID(int=4), is_approved=True)
        await stage.record(GhostRequested(BOB, "a fax machine"))
        assert await stage.lease() == []
