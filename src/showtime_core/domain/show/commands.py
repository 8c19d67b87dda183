"""What changes the show with the journal: the host's commands, and ads."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.events import AlertTested, ShowCommanded, ShowCommandName
from showtime_core.domain.show.leading import drop_missed
from showtime_core.domain.show.queue import (
    Modes,
    Pause,
    QueuedAlert,
    Show,
    Showing,
    ShowingState,
    end_leases,
    first_showing,
)
from showtime_core.errors import NotFound, Refused

BY_THE_HOST = "by the host"
"""Why an alert is not played that the host has skipped."""


@frozen
class AdsBegan:
    """The channel's ads run: nothing is taken meanwhile."""

    until: datetime


ShowChange = ShowCommanded | AlertTested | AdsBegan
"""What changes the show from outside: what the host commands, and what Twitch tells."""


def apply_change(show: Show, change: ShowChange, named: QueuedAlert | None = None) -> Show:
    """Change the show; `named` is the alert that a command names, if it is kept.

    Raises Refused for a command that cannot be followed, and NotFound for an alert that is not kept. Ads of a
    channel without a queue change nothing.
    """
    if show.cursor is None:
        if isinstance(change, AdsBegan):
            return show
        raise Refused("there is no queue: make an overlay secret first")
    show = drop_missed(end_leases(show))
    match change:
        case AdsBegan(until):
            latest = max(until, show.modes.ads_until or until)
            return evolve(show, modes=evolve(show.modes, ads_until=latest))
        case AlertTested():
            return show  # it comes by the feed, as every alert does
        case ShowCommanded(command_id, name, alert_id):
            if alert_id is not None and named is None:
                raise NotFound("no such alert")
            return _commanded(show, name, command_id, named).advanced()
        case _:
            assert_never(change)


def _commanded(  # noqa: PLR0911 - one table
    show: Show, name: ShowCommandName, command_id: UUID, named: QueuedAlert | None
) -> Show:
    match name:
        case ShowCommandName.PAUSE | ShowCommandName.RESUME:
            return evolve(show, modes=_paused(show, is_paused=name is ShowCommandName.PAUSE))
        case ShowCommandName.MUTE | ShowCommandName.UNMUTE:
            return evolve(show, modes=evolve(show.modes, is_muted=name is ShowCommandName.MUTE))
        case ShowCommandName.SAFE_MODE | ShowCommandName.END_SAFE_MODE:
            return evolve(show, modes=evolve(show.modes, is_safe=name is ShowCommandName.SAFE_MODE))
        case ShowCommandName.CLEAR:
            waiting = [*show.in_state(ShowingState.WAITING), *_arrived(show)]
            return _skipped(show, waiting, "cleared")
        case ShowCommandName.SKIP:
            return _skip(show, named)
        case ShowCommandName.HOLD:
            held = evolve(_waiting(show, _require(named)), state=ShowingState.HELD)
            return show.with_showings(held)
        case ShowCommandName.RELEASE:
            return _release(show, _require(named))
        case ShowCommandName.SHOW_AGAIN:
            return show.with_showings(_again(show, command_id, named))
        case _:
            assert_never(name)


def _paused(show: Show, *, is_paused: bool) -> Modes:
    modes = show.modes
    if is_paused:
        return evolve(modes, paused_since=modes.paused_since or show.now)
    if modes.paused_since is None:
        return modes
    return evolve(modes, paused_since=None, pauses=(*modes.pauses, Pause(modes.paused_since, show.now)))


def _skip(show: Show, named: QueuedAlert | None) -> Show:
    """Skip what plays, or the alert that is named."""
    if named is None:
        if not show.playing:
            raise Refused("nothing is playing")
        return _skipped(show, [show.playing], BY_THE_HOST)
    found = _open(show, named)
    return _skipped(show, [found or _waiting(show, named)], BY_THE_HOST)


def _skipped(show: Show, showings: Sequence[Showing], reason: str) -> Show:
    over = [
        evolve(each, state=ShowingState.SKIPPED, ended_at=show.now, reason=reason, leased_until=None)
        for each in showings
    ]
    began = [each for each in over if each.began_at]
    return evolve(show.with_showings(*over), latest=began[0] if began else show.latest)


def _release(show: Show, named: QueuedAlert) -> Show:
    found = _open(show, named)
    if not found or found.state is not ShowingState.HELD:
        raise Refused("it is not held")
    return show.with_showings(evolve(found, state=ShowingState.WAITING, waiting_since=show.now))


def _again(show: Show, command_id: UUID, named: QueuedAlert | None) -> Showing:
    """Make another showing of an alert that was decided about, or of the one that was played last."""
    latest = show.latest
    if named is None and latest is None:
        raise Refused("nothing was played yet")
    alert = named or (latest and latest.alert)
    assert alert, "one of them is there"
    open_one = _open(show, alert)
    if (open_one and open_one.state is ShowingState.WAITING) or _has_arrived(show, alert):
        raise Refused("it waits already")
    if open_one and open_one.state is ShowingState.HELD:
        raise Refused("it is held: release it")
    before = [each for each in show.showings.values() if each.alert.id == alert.id]
    joined = max((each.joined for each in before), key=len, default=())
    return Showing(command_id, alert, ShowingState.WAITING, show.now, joined, is_again=True)


def _waiting(show: Show, named: QueuedAlert) -> Showing:
    """Give the showing of an alert that waits; raises Refused if it does not."""
    found = _open(show, named)
    if found and found.state is ShowingState.WAITING:
        return found
    if not _has_arrived(show, named):
        raise Refused("it does not wait")
    return first_showing(named, ShowingState.WAITING)


def _open(show: Show, named: QueuedAlert) -> Showing | None:
    """Find the showing that something may yet become of."""
    return next((each for each in show.showings.values() if each.is_open and named.id in each.covers), None)


def _has_arrived(show: Show, alert: QueuedAlert) -> bool:
    return any(each.id == alert.id for each in show.arrivals)


def _arrived(show: Show) -> list[Showing]:
    return [first_showing(alert, ShowingState.WAITING) for alert in show.arrivals]


def _require(named: QueuedAlert | None) -> QueuedAlert:
    if named is None:
        raise Refused("name the alert")
    return named
