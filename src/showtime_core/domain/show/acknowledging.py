"""How a lease is kept, and how a showing is acknowledged: after it was painted and played."""

from datetime import timedelta
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.show.leading import drop_missed, has_painted_since_report, is_painting, report
from showtime_core.domain.show.queue import (
    LEASE,
    MAX_ATTEMPTS,
    Show,
    Showing,
    ShowingState,
    end_leases,
    next_showing_id,
)
from showtime_core.errors import NotFound, ShowingOver

_TOLERANCE = 0.9
"""The part of its time that it must have played: a page counts by its own clock, from a later moment."""


@frozen
class Renewal:
    """How a lease stands."""

    holds_for: timedelta
    is_renewed: bool
    """False: its overlay is not painting."""


def renew(show: Show, showing_id: UUID, overlay: str, frames: int) -> tuple[Show, Renewal]:
    """Renew a lease while its overlay is painting.

    Raises NotFound, or ShowingOver with the reason.
    """
    show = report(drop_missed(end_leases(show)), overlay, frames)
    showing = _showing_of(show, showing_id, overlay)
    if showing.state is not ShowingState.PLAYING:
        raise _over(showing)
    assert showing.leased_until, "what plays is leased"
    if not is_painting(show, overlay):
        return show.advanced(), Renewal(showing.leased_until - show.now, is_renewed=False)
    renewed = evolve(showing, leased_until=show.now + LEASE)
    return show.with_showings(renewed).advanced(), Renewal(LEASE, is_renewed=True)


def acknowledge(show: Show, showing_id: UUID, overlay: str, frames: int) -> Show:
    """Record that a showing was painted and played, once; the second time changes nothing.

    Late as well, while nobody has taken the alert again. Raises NotFound, or ShowingOver with the reason.
    """
    has_painted = has_painted_since_report(show, overlay, frames) or is_painting(show, overlay)
    show = report(drop_missed(end_leases(show)), overlay, frames)
    showing = _showing_of(show, showing_id, overlay)
    if showing.state is ShowingState.SHOWN:
        return show.advanced()
    if showing.state is not ShowingState.PLAYING:
        show = _taken_back(show, showing)
    assert showing.began_at, "what was taken has begun"
    if (show.now - showing.began_at).total_seconds() < showing.seconds * _TOLERANCE:
        raise ShowingOver(f"too early: it plays for {showing.seconds:g} seconds")
    if not has_painted:
        raise ShowingOver("it was not painted: the count of frames has not grown")
    played_until = min(show.now, showing.began_at + timedelta(seconds=showing.seconds))
    shown = evolve(showing, state=ShowingState.SHOWN, ended_at=played_until, reason=None)
    return evolve(show.with_showings(shown), latest=shown).advanced()


def _showing_of(show: Show, showing_id: UUID, overlay: str) -> Showing:
    """Give a showing that this overlay has, or had."""
    showing = show.showings.get(showing_id)
    if showing is None or showing.overlay is None:
        raise NotFound("no such showing")
    if showing.overlay != overlay:
        raise ShowingOver("another overlay has it")
    return showing


def _taken_back(show: Show, showing: Showing) -> Show:
    """Take back what was put back when the lease of a showing ended, unless somebody has taken it since."""
    is_given_up = showing.state is ShowingState.MISSED and showing.attempt >= MAX_ATTEMPTS
    if is_given_up:
        return show
    if showing.state is not ShowingState.INTERRUPTED:
        raise _over(showing)
    following = show.showings.get(next_showing_id(showing.id))
    if following is None:
        return show
    if following.began_at:
        raise ShowingOver("the alert was taken again")
    if following.state not in {ShowingState.WAITING, ShowingState.MISSED}:  # the host has decided about it
        raise _over(following)
    return show.without(following.id)


def _over(showing: Showing) -> ShowingOver:
    why = f": {showing.reason}" if showing.reason else ""
    return ShowingOver(f"the showing is over: {showing.state}{why}")
