"""What a person may decide about an effect that is parked, and what follows from that.

Which failure parks an effect is said in `retries`; what parks a message, in `use_cases.receive`.
"""

from enum import StrEnum

from attrs import evolve

from showtime_core.domain.outbox import EffectStatus, Job, Settlement, settle_ghost_step
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    Effect,
    SummonGhost,
    effect_kind,
)
from showtime_core.domain.points_and_ghosts.ghosts import GhostRefusal, GhostStep, GhostTask
from showtime_core.errors import Refused

_DISMISSED = "it was dismissed"


class Decision(StrEnum):
    """What a person decides about what is parked."""

    RETRY = "retry"
    """It is tried again, as if nothing had been given up; what may have been done is looked for first."""
    DISMISS = "dismiss"
    """It is let go: what waits for it does not happen, and what was set aside for it is given back."""
    DONE = "done"
    """A person has seen that it happened, or has done it by hand."""


def allowed_decisions(effect: Effect) -> tuple[Decision, ...]:
    """Tell what may be decided about a parked effect.

    Points that are to go back must go back, and a ghost that is paid must be shown: neither can be dismissed.
    A reservation cannot be declared done, since nobody could pay with it without the id of its transaction.
    """
    match effect:
        case SummonGhost() | AdvanceGhost(_, _, GhostTask.PAINT | GhostTask.STORE | GhostTask.PAY):
            return Decision.RETRY, Decision.DISMISS
        case AdvanceGhost(_, _, GhostTask.REFUND) | CheckForDouble():
            return Decision.RETRY, Decision.DONE
        case AdvanceGhost(_, _, GhostTask.SHOW):
            return (Decision.RETRY,)
        case _:
            return Decision.RETRY, Decision.DISMISS, Decision.DONE


def settle_decision(job: Job, decision: Decision) -> Settlement:
    """Give the settlement that a decision makes of an effect; raises Refused for one that is not allowed."""
    possible = allowed_decisions(job.effect)
    if decision not in possible:
        raise Refused(f"{effect_kind(job.effect)} has no {decision}: choose {' or '.join(possible)}")
    match decision, job.effect:
        case Decision.RETRY, _:
            # Whether a post is there only a person can see; whether points were moved is seen by looking.
            is_post = isinstance(job.effect, AdvanceGhost) and job.effect.task is GhostTask.POST
            return Settlement(EffectStatus.DUE, clears_doubt=is_post)
        case Decision.DISMISS, SummonGhost() as summons:
            return settle_ghost_step(
                job, summons.refuse(GhostRefusal.FAILURE, _DISMISSED), EffectStatus.DISMISSED
            )
        case Decision.DISMISS, AdvanceGhost(_, _, GhostTask.PAINT | GhostTask.STORE | GhostTask.PAY):
            failed = evolve(job.begun_ghost, refusal=GhostRefusal.FAILURE, reason=_DISMISSED)
            return settle_ghost_step(job, failed, EffectStatus.DISMISSED)
        case Decision.DISMISS, _:
            return Settlement(EffectStatus.DISMISSED)
        case Decision.DONE, AdvanceGhost(_, _, (GhostTask.REFUND | GhostTask.POST) as task):
            step = GhostStep.REFUNDED if task is GhostTask.REFUND else GhostStep.POSTED
            return settle_ghost_step(job, evolve(job.begun_ghost, step=step))
        case _:
            return Settlement(EffectStatus.DONE)


def settle_abandoned(job: Job) -> Settlement:
    """Give the settlement of an effect that has waited for one that was dismissed: its ghost is refused."""
    assert isinstance(job.effect, SummonGhost), "nothing else waits for another effect"
    refused = job.effect.refuse(GhostRefusal.FAILURE, "the points of its cheer were dismissed")
    return settle_ghost_step(job, refused, EffectStatus.REFUSED, refused.reason)
