"""What comes of a job."""

from uuid import UUID

from attrs import evolve

from showtime_core.domain.outbox import EffectStatus, Job, settle_ghost_step
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, SummonGhost, effect_key
from showtime_core.domain.points_and_ghosts.ghosts import GhostStep, GhostTask
from showtime_core.testing.entries import MARGE

SUMMON = SummonGhost(UUID(int=1986), MARGE, "a fax machine", None)
GHOST = SUMMON.begin(UUID(int=7))
JOB = Job(effect_key("m-1", SUMMON), "m-1", SUMMON, attempts=1)


def test_a_step_of_a_ghost_is_settled_with_the_next_one():
    """In one: no instance that dies in between leaves a ghost without a future."""
    settled = settle_ghost_step(JOB, GHOST)
    next_step = AdvanceGhost(GHOST.id, MARGE, GhostTask.PAINT)
    assert (settled.status, settled.ghost) == (EffectStatus.DONE, GHOST)
    assert settled.next_effect is not None
    assert (settled.next_effect.effect, settled.next_effect.key, settled.next_effect.entry_id) == (
        next_step,
        effect_key("m-1", next_step),
        "m-1",
    )
    assert settled.next_effect.status is EffectStatus.DUE
    assert settle_ghost_step(JOB, GHOST, remark="in time").remark == "in time"


def test_after_the_last_step_of_a_ghost_nothing_is_planned():
    """It is posted, or refunded: its life is over, and the remark stays."""
    for last in (GhostStep.POSTED, GhostStep.REFUNDED, GhostStep.REFUSED):
        settled = settle_ghost_step(JOB, evolve(GHOST, step=last), EffectStatus.REFUSED, "no violence")
        assert (settled.next_effect, settled.status, settled.remark) == (
            None,
            EffectStatus.REFUSED,
            "no violence",
        )
