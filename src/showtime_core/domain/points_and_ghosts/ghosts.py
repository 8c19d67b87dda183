"""Ghosts: a viewer names something, and its ghostly image appears over the tape.

    summoned ─▶ reserved ─▶ painted ─▶ stored ─▶ paid ─▶ shown ─▶ posted
        │           └──────────┴─────────┤
        ▼                                ▼
     refused                          refunded

Between reserved and painted it may wait for the host: awaiting approval, and then approved or refunded.

Nothing is taken from a viewer before there is something to show, and nothing is shown that is not paid: a
ghost that fails before it is paid gives back what was reserved, and one that is paid is finished in the end.
What it costs is said in `points`, how many there may be in `ghost_limits`.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

from attrs import field, frozen

from showtime_core.domain.points_and_ghosts.cheermotes import without_cheermotes
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused
from showtime_core.texts import clean, trim

MAX_SUBJECT_CHARACTERS = 120
"""How long the name of what is to appear may be."""
SAME_REQUEST_FOR = timedelta(minutes=10)
"""For so long after a ghost was shown, its viewer's request for the same ghost is a repetition: a viewer
whose answer was lost asks again, and must not pay twice."""

_NAMESPACE = UUID("c66b32cb-4df0-4cf3-9ffb-7d2a4e5a0f61")

# Spelt out rather than compared in lower case: letters such as Ⱥ and İ change their length when lowered, and
# a position found in the one text is wrong in the other.
_REQUEST = re.compile(r"[Gg][Hh][Oo][Ss][Tt] [Oo][Ff]\s(.*)", re.DOTALL)


@frozen
class GhostRequest:
    """A viewer's request for a ghost, and the screening over which it was made."""

    viewer: Viewer
    subject: str
    screening_id: UUID | None
    """The tape that is on."""


class GhostStep(StrEnum):
    """How far a ghost has come."""

    RESERVED = "reserved"
    """The viewer's points are set aside."""
    AWAITING_APPROVAL = "awaiting-approval"
    """It waits for the host, before it is painted."""
    APPROVED = "approved"
    """The host lets it be painted."""
    PAINTED = "painted"
    STORED = "stored"
    """The image has its public URL, which nobody has been told yet."""
    PAID = "paid"
    SHOWN = "shown"
    POSTED = "posted"
    REFUSED = "refused"
    """It never began: nothing was taken."""
    REFUNDED = "refunded"
    """It failed: the points are back."""


class GhostTask(StrEnum):
    """What is to be done for a ghost whose points are reserved."""

    PAINT = "paint-ghost"
    STORE = "store-ghost"
    PAY = "accept-points"
    REFUND = "reject-points"
    SHOW = "show-ghost"
    POST = "post-ghost"


class GhostRefusal(StrEnum):
    """Why there is no ghost."""

    POINTS = "not-enough-points"
    CONTENT = "content"
    """The painter will not paint this: the reason is told to the viewer."""
    FAILURE = "failure"
    """Something did not work: the reason is the operator's."""


@frozen
class Ghost:
    """A ghost, for which points were reserved or could not be."""

    id: UUID
    viewer: Viewer
    subject: str
    screening_id: UUID | None
    step: GhostStep
    flow_id: UUID | None = None
    """The ledger's transaction that pays for it."""
    url: str | None = None
    refusal: GhostRefusal | None = None
    """Set as soon as it has failed, before the points are back."""
    reason: str | None = None
    jpeg: bytes | None = field(default=None, repr=False)
    """The image, until it is stored and posted."""

    @property
    def is_finished(self) -> bool:
        """Whether the viewer has the ghost on the screen, or the points back."""
        return self.step in {GhostStep.SHOWN, GhostStep.POSTED, GhostStep.REFUSED, GhostStep.REFUNDED}

    @property
    def is_waited_for(self) -> bool:
        """Whether it is still to come on the screen."""
        return not self.is_finished and self.refusal is None


@frozen
class GhostProgress:
    """How far a ghost has come, as everybody may know it: without the operator's reasons."""

    id: UUID
    step: GhostStep | None
    """How far it has come; None: it waits to begin."""
    refusal: GhostRefusal | None = None
    """Why there is no ghost, once the points are back."""
    reason: str | None = None
    """The painter's words, where it will not paint this."""

    @classmethod
    def of(cls, id: UUID, step: GhostStep | None, refusal: GhostRefusal | None, reason: str | None) -> Self:  # noqa: A002
        """Tell the progress of a ghost; a failure is told once the viewer's points are no longer reserved."""
        if step not in {GhostStep.REFUSED, GhostStep.REFUNDED}:
            return cls(id, step)
        return cls(id, step, refusal, reason if refusal is GhostRefusal.CONTENT else None)


_NEXT_TASKS = {
    GhostStep.RESERVED: GhostTask.PAINT,
    GhostStep.AWAITING_APPROVAL: GhostTask.PAINT,
    GhostStep.APPROVED: GhostTask.PAINT,
    GhostStep.PAINTED: GhostTask.STORE,
    GhostStep.STORED: GhostTask.PAY,
    GhostStep.PAID: GhostTask.SHOW,
    GhostStep.SHOWN: GhostTask.POST,
}
_BEFORE_PAID = {
    GhostStep.RESERVED,
    GhostStep.AWAITING_APPROVAL,
    GhostStep.APPROVED,
    GhostStep.PAINTED,
    GhostStep.STORED,
}


def next_task(ghost: Ghost) -> GhostTask | None:
    """Tell what comes next in the life of a ghost; None: it is over."""
    if ghost.refusal and ghost.step in _BEFORE_PAID:
        return GhostTask.REFUND
    return _NEXT_TASKS.get(ghost.step)


def ghost_id_of(entry_id: str) -> UUID:
    """Derive the id of the ghost that an entry asks for: always the same, so that no entry makes two."""
    return uuid5(_NAMESPACE, entry_id)


def prompt(subject: str) -> str:
    """Write the prompt for the painter."""
    return f"a ghostly image of {subject}, with glitchy VHS artifacts, dark background"


def parse_subject(text: str) -> str:
    """Check and clean a subject, dropping what no database or JSON can hold, and what no painter should read.

    Raises Refused for an empty one, and for more than 120 characters: nothing was spent on it yet.
    """
    subject = _painted(clean(text))
    if not subject:
        raise Refused("'subject' is required")
    if len(subject) > MAX_SUBJECT_CHARACTERS:
        raise Refused(f"'subject' must be <= {MAX_SUBJECT_CHARACTERS} characters")
    return subject


def image_key(ghost: Ghost) -> str:
    """Name the place of a ghost's image in the bucket."""
    return f"{ghost.id}/{ghost.id}-00.jpg"


def without_request(message: str) -> str:
    """Remove the request for a ghost from a message that is shown without one."""
    found = _REQUEST.search(message)
    return message[: found.start()].rstrip() if found else message


def find_subject(message: str) -> str | None:
    """Find what a message asks a ghost of: what follows "ghost of ", at most 120 characters of it.

    None if it asks for none, or names nothing. A longer subject is cut, for its viewer has already cheered.
    """
    found = _REQUEST.search(message)
    subject = trim(_painted(found[1])[:MAX_SUBJECT_CHARACTERS]) if found else ""
    return subject or None


def _painted(subject: str) -> str:
    """Leave out of a subject its cheermotes, and what nobody sees at its edges."""
    return trim(without_cheermotes(subject))
