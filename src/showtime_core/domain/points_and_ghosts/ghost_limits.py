"""How many ghosts there may be: no viewer is to keep all others waiting, and each image costs real money."""

from collections.abc import Mapping
from datetime import timedelta

from attrs import evolve, frozen

from showtime_core.domain.events import Cheer, EntryRetried, GhostRequested
from showtime_core.domain.points_and_ghosts.ghosts import find_subject
from showtime_core.domain.points_and_ghosts.points import BITS_PER_GHOST
from showtime_core.domain.viewers import Viewer

DAY = timedelta(hours=24)
"""Images are counted over the last 24 hours, not by date."""


@frozen
class GhostLimits:
    """The limits of a channel; None: there is none."""

    waiting: int | None = None
    """How many ghosts of one viewer may be under way at once, from 1."""
    painted: int | None = None
    """How many images may be painted within 24 hours, whoever asks for them, from 1."""

    @property
    def are_none(self) -> bool:
        """Whether nothing has to be counted."""
        return self.waiting is None and self.painted is None


@frozen
class GhostLoad:
    """How many ghosts there are, as it is counted under the channel's lock."""

    waiting: Mapping[str, int] = {}
    """Under way, by the viewer's id: not on the screen yet, and not failed. What is parked is under way."""
    painted: int = 0
    """Painted by a try that began within the last 24 hours, or still to be painted."""
    falls_in: timedelta | None = None
    """How long until the oldest image no longer counts; None: none is painted."""

    def plus(self, viewer: Viewer) -> "GhostLoad":
        """Count one more, which is still to be painted."""
        waiting = {**self.waiting, viewer.id: self.waiting.get(viewer.id, 0) + 1}
        return evolve(self, waiting=waiting, painted=self.painted + 1)


@frozen
class Denial:
    """Why a ghost that a viewer asked for is not made."""

    reason: str
    """For people: the viewer who asked, and the operator."""
    limit: str = ""
    """Which one: `viewer` or `day`."""
    retry_after: timedelta | None = None
    """How long to wait at least; None: it is not known."""


def deny(viewer: Viewer, load: GhostLoad, limits: GhostLimits) -> Denial | None:
    """Tell why a viewer may not have another ghost now; None: it may be made."""
    if limits.waiting is not None and load.waiting.get(viewer.id, 0) >= limits.waiting:
        count = "a ghost" if limits.waiting == 1 else f"{limits.waiting} ghosts"
        return Denial(f"you have {count} waiting already: ask again when one is on the screen", "viewer")
    if limits.painted is not None and load.painted >= limits.painted:
        reason = "no more ghosts are made for now, since there were so many within 24 hours: try again later"
        return Denial(reason, "day", load.falls_in)
    return None


def requested_subject(cheer: Cheer) -> str | None:
    """Find what a cheer asks a ghost of; None: it asks for none, or has too few bits."""
    return find_subject(cheer.message) if cheer.bits >= BITS_PER_GHOST else None


def ghost_requester(content: object) -> Viewer | None:
    """Tell which viewer asks for a ghost with what an entry says; None: nobody does."""
    match content:
        case GhostRequested(viewer):
            return viewer
        case Cheer(viewer) if requested_subject(content):
            return viewer
        case EntryRetried(_, event):
            return ghost_requester(event)
        case _:
            return None
