"""Who plays: one overlay that is painting leads, and the others mirror it.

OBS stops painting a source that is hidden, and freezes without telling: the page goes on, and so do its
requests. So an overlay counts the frames that it paints, and only a growing count proves that it does.
"""

from datetime import datetime, timedelta

from attrs import evolve

from showtime_core.domain.show.queue import Modes, OverlayReport, Pause, Show, ShowingState, first_showing

PROOF = timedelta(seconds=1)
"""The count of frames must have grown within this time."""
LEADER_GONE_AFTER = timedelta(seconds=3)
"""When another overlay takes the place of a leader that has not proved that it paints."""
MISSED_AFTER = timedelta(minutes=10)
"""How long an alert waits while no overlay is painting, pauses not counted."""
_FORGET_AFTER = timedelta(hours=1)


def report(show: Show, overlay: str, frames: int) -> Show:
    """Note the report of an overlay, and decide which overlay leads."""
    before = show.overlays.get(overlay)
    now, proved_at = show.now, before.painted_at if before else None
    if before and frames > before.frames and now - before.seen_at <= PROOF:
        proved_at = now
    kept = {name: each for name, each in show.overlays.items() if now - each.seen_at < _FORGET_AFTER}
    overlays = {**kept, overlay: OverlayReport(frames, now, proved_at)}
    if not (proved_at and now - proved_at <= PROOF):
        return evolve(show, overlays=overlays)
    modes, leader, leader_at = _without_old_pauses(show.modes, now), show.leader, show.leader_at
    if show.leader in {None, overlay} or not is_led(show):
        leader, leader_at = overlay, now
    return evolve(show, overlays=overlays, leader=leader, leader_at=leader_at, painted_at=now, modes=modes)


def is_painting(show: Show, overlay: str) -> bool:
    """Tell whether an overlay has proved within the last second that it paints."""
    known = show.overlays.get(overlay)
    return bool(known and known.painted_at and show.now - known.painted_at <= PROOF)


def is_led(show: Show) -> bool:
    """Tell whether the overlay that leads is there."""
    return bool(show.leader and show.leader_at and show.now - show.leader_at < LEADER_GONE_AFTER)


def has_painted_since_report(show: Show, overlay: str, frames: int) -> bool:
    """Tell whether an overlay went on painting since its last report: at least a frame a second."""
    before = show.overlays.get(overlay)
    if before is None:
        return frames > 0
    grown = frames - before.frames
    return grown > 0 and grown >= (show.now - before.seen_at).total_seconds()


def drop_missed(show: Show) -> Show:
    """Drop what has waited for ten minutes while no overlay was painting; call it before `report`."""
    if show.painted_at and show.now - show.painted_at < MISSED_AFTER:
        return show
    reason = "no overlay was painting for ten minutes"
    missed = [
        first_showing(alert, ShowingState.MISSED, reason)
        for alert in show.arrivals
        if _is_missed(show, alert.at)
    ]
    missed += [
        evolve(each, state=ShowingState.MISSED, reason=reason)
        for each in show.in_state(ShowingState.WAITING)
        if _is_missed(show, each.waiting_since)
    ]
    ended = [evolve(each, ended_at=show.now) for each in missed]
    return show.with_showings(*ended)


def _is_missed(show: Show, waiting_since: datetime) -> bool:
    since = max(waiting_since, show.painted_at or waiting_since)
    return show.now - since - _paused_within(show, since) >= MISSED_AFTER


def _paused_within(show: Show, since: datetime) -> timedelta:
    """Add up how long it was paused from a moment until now."""
    modes = show.modes
    pauses = modes.pauses + ((Pause(modes.paused_since, show.now),) if modes.paused_since else ())
    lengths = (each.until - max(each.since, since) for each in pauses)
    return sum((length for length in lengths if length > timedelta(0)), timedelta(0))


def _without_old_pauses(modes: Modes, painted_at: datetime) -> Modes:
    """Forget the pauses that are not counted any more, now that an overlay has painted."""
    if not modes.pauses:
        return modes
    return evolve(modes, pauses=tuple(each for each in modes.pauses if each.until > painted_at))
