"""What becomes of a ghost that waits for the host before it is painted.

Its points stay reserved, and are given back when the host refuses it, or has not decided within an hour;
those that its own cheer has earned stay credited.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.outbox import EffectStatus, Job, Settlement, settle_ghost_step
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep
from showtime_core.domain.viewers import Viewer

APPROVAL_TIME = timedelta(hours=1)
"""How long a ghost waits for the host."""


class GhostApproval(StrEnum):
    """Which ghosts wait for the host."""

    OFF = "off"
    ON = "on"
    """Every one."""
    AUTOMOD = "automod"
    """Those that the channel's AutoMod does not let pass, or cannot be asked about."""


@frozen
class AwaitingGhost:
    """A ghost that waits for the host."""

    id: UUID
    viewer: Viewer
    subject: str
    reason: str
    """Why it waits."""
    since: datetime
    until: datetime
    """When its points are given back."""


def settle_awaiting(job: Job, reason: str) -> Settlement:
    """Let a ghost wait for the host; painting it is due again when it has waited for too long."""
    waiting = evolve(_ghost(job), step=GhostStep.AWAITING_APPROVAL)
    return Settlement(EffectStatus.DUE, reason, APPROVAL_TIME, ghost=waiting)


def settle_approval(job: Job, *, is_approved: bool) -> Settlement:
    """Give the settlement that the host's decision makes of painting a ghost."""
    if is_approved:
        return Settlement(EffectStatus.DUE, ghost=evolve(_ghost(job), step=GhostStep.APPROVED))
    reason = "the host does not want it on the screen"
    refused = evolve(_ghost(job), refusal=GhostRefusal.CONTENT, reason=reason)
    return settle_ghost_step(job, refused, EffectStatus.REFUSED, reason)


def _ghost(job: Job) -> Ghost:
    assert job.ghost, "a ghost that is to be painted has begun"
    return job.ghost
