"""What becomes of a ghost that waits for the host."""

from datetime import timedelta
from uuid import UUID

from attrs import evolve

from showtime_core.domain.ghost_approval import settle_approval, settle_awaiting
from showtime_core.domain.outbox import EffectStatus, Job
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep, GhostTask
from showtime_core.testing.entries import BOB

GHOST = Ghost(UUID(int=1), BOB, "a fax machine", None, GhostStep.RESERVED, UUID(int=2))
JOB = Job("e:paint-ghost", "e", AdvanceGhost(GHOST.id, BOB, GhostTask.PAINT), 1, GHOST)


def test_a_ghost_waits_for_an_hour():
    """Painting a ghost that waits is due in an hour, and its points stay reserved."""
    settlement = settle_awaiting(JOB, "why")
    assert (settlement.status, settlement.delay) == (EffectStatus.DUE, timedelta(hours=1))
    assert settlement.ghost == evolve(GHOST, step=GhostStep.AWAITING_APPROVAL)
    assert settlement.next_effect is None


def test_the_host_decides():
    """What is approved is painted at once; what is refused gives its points back, and is never painted."""
    approved = settle_approval(JOB, is_approved=True)
    assert (approved.status, approved.delay) == (EffectStatus.DUE, timedelta(0))
    assert approved.ghost.step is GhostStep.APPROVED
    refused = settle_approval(JOB, is_approved=False)
    assert (refused.status, refused.ghost.refusal) == (EffectStatus.REFUSED, GhostRefusal.CONTENT)
    assert refused.next_effect.effect.task is GhostTask.REFUND
