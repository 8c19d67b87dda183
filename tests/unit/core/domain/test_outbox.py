"""What comes of a job."""

from uuid import UUID

from attrs import evolve

from showtime_core.domain.outbox import Job, Status, advanced
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, SummonGhost, key
from showtime_core.domain.points_and_ghosts.ghosts import Step, Task
from showtime_core.testing.entries import MARGE

SUMMON = SummonGhost(UUID(int=1986), MARGE, "a fax machine", None)
GHOST = SUMMON.begin(UUID(int=7))
JOB = Job(key("m-1", SUMMON), "m-1", SUMMON, attempts=1)


def test_a_step_of_a_ghost_is_settled_with_the_next_one():
    """In one: no instance that dies in between leaves a ghost without a future."""
    settled = advanced(JOB, GHOST)
    next_step = AdvanceGhost(GHOST.id, MARGE, Task.PAINT)
    assert (settled.status, settled.ghost) == (Status.DONE, GHOST)
    assert settled.then is not None
    assert (settled.then.effect, settled.then.key, settled.then.entry_id) == (
        next_step,
        key("m-1", next_step),
        "m-1",
    )
    assert settled.then.status is Status.DUE


def test_after_the_last_step_of_a_ghost_nothing_is_planned():
    """It is posted, or refunded: its life is over, and the remark stays."""
    for last in (Step.POSTED, Step.REFUNDED, Step.REFUSED):
        settled = advanced(JOB, evolve(GHOST, step=last), Status.REFUSED, "no violence")
        assert (settled.then, settled.status, settled.remark) == (None, Status.REFUSED, "no violence")
