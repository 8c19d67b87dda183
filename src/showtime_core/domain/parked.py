"""What a person may decide about an effect that is parked, and what follows from that."""

from enum import StrEnum
from typing import assert_never

from attrs import evolve

from showtime_core.domain.outbox import Job, Settlement, Status, advanced
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    Effect,
    SummonGhost,
    kind,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, Refusal, Step, Task
from showtime_core.errors import Refused


class Decision(StrEnum):
    """What a person decides about what is parked."""

    RETRY = "retry"
    """It is tried again, as if nothing had been given up; what may have been done is looked for first."""
    DISMISS = "dismiss"
    """It is let go: what waits for it does not happen, and what was set aside for it is given back."""
    DONE = "done"
    """It has happened: a person has seen it, or has seen to it."""


def choices(effect: Effect) -> tuple[Decision, ...]:
    """Tell what may be decided.

    Points that are to go back must go back, and a ghost that is paid must be shown: neither is let go. That
    points were reserved cannot be taken on trust, since whoever accepts them must know the transaction.
    """
    match effect:
        case SummonGhost() | AdvanceGhost(_, _, Task.PAINT | Task.STORE | Task.PAY):
            return Decision.RETRY, Decision.DISMISS
        case AdvanceGhost(_, _, Task.REFUND) | CheckForDouble():
            return Decision.RETRY, Decision.DONE
        case AdvanceGhost(_, _, Task.SHOW):
            return (Decision.RETRY,)
        case _:
            return Decision.RETRY, Decision.DISMISS, Decision.DONE


def decide(job: Job, decision: Decision) -> Settlement:
    """Tell what follows from a decision; raises Refused for one that may not be taken."""
    possible = choices(job.effect)
    if decision not in possible:
        raise Refused(f"{kind(job.effect)} has no {decision}: choose {' or '.join(possible)}")
    match decision:
        case Decision.RETRY:
            # Whether a post is there only a person can see; whether points were moved is seen by looking.
            return Settlement(Status.DUE, is_sure=_task(job) is Task.POST)
        case Decision.DISMISS:
            return _dismiss(job)
        case Decision.DONE:
            return _take_as_done(job)
        case _:
            assert_never(decision)


def abandon(job: Job) -> Settlement:
    """Tell what becomes of an effect that has waited for one that was dismissed: its ghost is refused."""
    assert isinstance(job.effect, SummonGhost), "nothing else waits for another effect"
    refused = job.effect.refuse(Refusal.FAILURE, "the points of its cheer were dismissed")
    return advanced(job, refused, Status.REFUSED, refused.reason)


def _dismiss(job: Job) -> Settlement:
    reason = "it was dismissed"
    match job.effect:
        case SummonGhost():
            return advanced(job, job.effect.refuse(Refusal.FAILURE, reason), Status.DISMISSED)
        case AdvanceGhost(_, _, Task.PAINT | Task.STORE | Task.PAY):
            failed = evolve(_ghost(job), refusal=Refusal.FAILURE, reason=reason)
            return advanced(job, failed, Status.DISMISSED)
        case _:
            return Settlement(Status.DISMISSED)


def _take_as_done(job: Job) -> Settlement:
    match _task(job):
        case Task.REFUND:
            return advanced(job, evolve(_ghost(job), step=Step.REFUNDED))
        case Task.POST:
            return advanced(job, evolve(_ghost(job), step=Step.POSTED))
        case _:
            return Settlement(Status.DONE)


def _task(job: Job) -> Task | None:
    return job.effect.task if isinstance(job.effect, AdvanceGhost) else None


def _ghost(job: Job) -> Ghost:
    assert job.ghost, "a ghost that advances has begun"
    return job.ghost
