"""The outbox: what is to be done outside, each time it is tried, and what comes of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from attrs import frozen

from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, Effect, effect_key, why_impossible
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, next_task


class EffectStatus(StrEnum):
    """What becomes of an effect."""

    DUE = "due"
    WAITING = "waiting"
    """For another effect to be done."""
    LEASED = "leased"
    """An instance performs it."""
    DONE = "done"
    REFUSED = "refused"
    """For good: there is no ghost."""
    PARKED = "parked"
    """It waits for the operator."""
    DISMISSED = "dismissed"
    SKIPPED = "skipped"
    """Its feature was off, or it was over a limit."""


@frozen
class PlannedEffect:
    """An effect to perform later, or, where its feature is off, to record as skipped."""

    key: str
    """Unique for ever: the entry's id and the kind of the effect."""
    entry_id: str
    effect: Effect
    is_skipped: bool = False
    after: str | None = None
    """The key of the effect that must be done before."""
    denied: str | None = None
    """Why it is skipped, unless for its feature."""

    @property
    def remark(self) -> str | None:
        """Why it is skipped, or can never succeed; None: it may."""
        return self.denied or why_impossible(self.effect)

    @property
    def status(self) -> EffectStatus:
        """The status that it begins with: an effect that can never succeed is parked, and holds up nobody."""
        if self.is_skipped:
            return EffectStatus.SKIPPED
        if self.remark:
            return EffectStatus.PARKED
        return EffectStatus.WAITING if self.after else EffectStatus.DUE


CHECK_AFTER = timedelta(minutes=10)
"""How long after an effect that was in doubt is done we look whether it was made twice."""


@frozen
class Job:
    """An effect that is to be performed now, by whoever has leased it and nobody else."""

    key: str
    entry_id: str
    effect: Effect
    attempts: int
    """How often it was tried, this time included."""
    ghost: Ghost | None = None
    """The ghost that it is about, once that has begun."""
    in_doubt_for: timedelta | None = None
    """How long ago the first attempt began that may have been performed; None: there was no such attempt."""
    answered_for: timedelta | None = None
    """How long ago the ledger first answered after the last of these; None: it has not answered since."""

    @property
    def begun_ghost(self) -> Ghost:
        """The ghost that it is about, where that has begun."""
        assert self.ghost, "a ghost that advances has begun"
        return self.ghost


@frozen
class Settlement:
    """What came of a job: written in one step with all that follows."""

    status: EffectStatus
    remark: str | None = None
    """Why, for the operator."""
    delay: timedelta = timedelta(0)
    """How long to wait before it is tried again, if it is due again."""
    in_doubt: bool = False
    """Whether this attempt may have been performed, although its answer was lost."""
    has_answered: bool = False
    """Whether the ledger has answered, after an attempt that may have been performed."""
    check_after: timedelta | None = None
    """How long to wait before looking whether it was made twice; None: it cannot have been."""
    clears_doubt: bool = False
    """Whether a person says that no attempt in doubt was performed."""
    flow_id: UUID | None = None
    """The ledger's transaction that it made: nothing else may claim it."""
    ghost: Ghost | None = None
    """The ghost as it is now, if it has changed."""
    next_effect: PlannedEffect | None = None
    """What is to be done next."""


def settle_ghost_step(
    job: Job, ghost: Ghost, status: EffectStatus = EffectStatus.DONE, remark: str | None = None
) -> Settlement:
    """Settle a step in the life of a ghost, and plan the next one with it."""
    task = next_task(ghost)
    if task is None:
        return Settlement(status, remark, ghost=ghost)
    effect = AdvanceGhost(ghost.id, ghost.viewer, task)
    next_effect = PlannedEffect(effect_key(job.entry_id, effect), job.entry_id, effect)
    return Settlement(status, remark, ghost=ghost, next_effect=next_effect)


@frozen
class ParkedEffect:
    """An effect that waits for the operator."""

    job: Job
    reason: str
    since: datetime
    """When the try that led to parking it began."""
