"""Which alert is taken next, and what an overlay is answered that asks for it."""

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from showtime_core.domain.show.kind_rules import IfBusy, KindRule
from showtime_core.domain.show.leading import drop_missed, is_led, is_painting, report
from showtime_core.domain.show.queue import (
    JOIN_AFTER,
    LEASE,
    QueuedAlert,
    Show,
    Showing,
    ShowingState,
    end_leases,
    first_showing,
)

ASK_AGAIN_AFTER = timedelta(seconds=0.5)
"""How soon an overlay that gets nothing asks again."""


class OverlayRole(StrEnum):
    """What an overlay is among those that are connected."""

    LEADER = "leader"
    MIRROR = "mirror"
    NONE = "none"
    """It has not shown that it paints."""


class Wait(StrEnum):
    """Why an overlay that asks gets nothing to play."""

    NOTHING = "nothing"
    PAUSED = "paused"
    ADS = "ads"
    GATHERING = "gathering"
    """Those of a joined kind are taken ten seconds after their first."""
    PLAYING = "playing"
    """Another overlay has an alert, whose lease has not ended."""
    MIRRORING = "mirroring"
    NOT_PAINTING = "not-painting"


@frozen
class NextAnswer:
    """The answer to an overlay that asks for the next alert."""

    role: OverlayRole
    playing: Showing | None
    """What the leader is to play, or what the others mirror."""
    wait: Wait | None = None
    """None: play it."""
    elapsed: timedelta = timedelta(0)
    """How long ago what plays began."""


@frozen
class Sorted:
    """What waits: in which order, and what of it can be taken."""

    show: Show
    """Without what its rules drop."""
    ready: tuple[Showing, ...]
    """What can be taken now, the next first."""
    gathering: tuple[Showing, ...]
    """What is still being joined."""

    @property
    def waiting(self) -> list[Showing]:
        """All of it, in the order of playing as far as is known."""
        return sorted((*self.ready, *self.gathering), key=_place)


def take_next(show: Show, overlay: str, frames: int) -> tuple[Show, NextAnswer]:
    """Note what an overlay reports, and give it what it is to play."""
    after, answer = _answered(show, overlay, frames)
    began_at = answer.playing.began_at if answer.playing else None
    return after.advanced(), evolve(answer, elapsed=show.now - (began_at or show.now))


def _answered(show: Show, overlay: str, frames: int) -> tuple[Show, NextAnswer]:
    before = show
    show = drop_missed(end_leases(show))
    is_behind = show.is_truncated and len(show.arrivals) < len(before.arrivals)
    show = report(show, overlay, frames)
    if is_behind:  # alerts that were not read yet have waited as long, from the same moment
        show = evolve(show, painted_at=before.painted_at, modes=before.modes)
        return show, NextAnswer(OverlayRole.NONE, show.playing, Wait.NOT_PAINTING)
    if not is_painting(show, overlay):
        return show, NextAnswer(OverlayRole.NONE, show.playing, Wait.NOT_PAINTING)
    if show.leader != overlay:
        return show, NextAnswer(OverlayRole.MIRROR, show.playing, Wait.MIRRORING)
    show, playing, wait = _taken_by_leader(show, overlay)
    return show, NextAnswer(OverlayRole.LEADER, playing, wait)


def _taken_by_leader(show: Show, overlay: str) -> tuple[Show, Showing | None, Wait | None]:
    playing = show.playing
    if playing and playing.overlay == overlay:  # the answer may have been lost
        renewed = evolve(playing, leased_until=show.now + LEASE)
        return show.with_showings(renewed), renewed, None
    if playing:
        return show, None, Wait.PLAYING
    if show.modes.paused_since:
        return show, None, Wait.PAUSED
    if show.modes.ads_until and show.now < show.modes.ads_until:
        return show, None, Wait.ADS
    queue = sort_out(show)
    if not queue.ready:
        return queue.show, None, Wait.GATHERING if queue.gathering else Wait.NOTHING
    taken = evolve(
        queue.ready[0],
        state=ShowingState.PLAYING,
        seconds=show.rule(queue.ready[0].alert.kind).seconds,
        overlay=overlay,
        began_at=show.now,
        leased_until=show.now + LEASE,
    )
    return queue.show.with_showings(taken), taken, None


def sort_out(show: Show) -> Sorted:
    """Drop what the rules drop, join what they join, and put the rest in order."""
    ready = list(show.in_state(ShowingState.WAITING))
    gathering: list[Showing] = []
    dropped: list[Showing] = []
    joined: set[tuple[str, bool]] = set()
    for alert in show.arrivals:
        rule = show.rule(alert.kind)
        if (alert.kind, alert.is_test) in joined and not _has_too_few_bits(alert, rule):
            continue
        is_busy = bool(ready or gathering) or _was_busy(show, alert.at)
        if reason := _why_dropped(alert, rule, is_busy=is_busy, is_safe=show.modes.is_safe):
            over = first_showing(alert, ShowingState.SKIPPED, reason)
            dropped.append(evolve(over, ended_at=show.now))
        elif not rule.joins(is_safe=show.modes.is_safe):
            ready.append(first_showing(alert, ShowingState.WAITING))
        else:
            joined.add((alert.kind, alert.is_test))
            together = _joined(show, alert, rule)
            (ready if show.now - alert.at >= JOIN_AFTER else gathering).append(together)
    return Sorted(show.with_showings(*dropped), tuple(sorted(ready, key=_place)), tuple(gathering))


def as_it_stands(show: Show) -> Sorted:
    """Tell what waits by now; leases that have ended and alerts that are missed are not recorded by it."""
    return sort_out(drop_missed(end_leases(show)))


def _joined(show: Show, first: QueuedAlert, rule: KindRule) -> Showing:
    """Make one of all that waits of a kind."""
    others = (
        each.id
        for each in show.arrivals
        if (each.kind, each.is_test) == (first.kind, first.is_test)
        and each.id > first.id
        and not _has_too_few_bits(each, rule)
    )
    return first_showing(first, ShowingState.WAITING, joined=tuple(others))


def _place(showing: Showing) -> tuple[bool, int]:
    """Tell where it stands: what the host has shown again comes first."""
    return (not showing.is_again, showing.alert.id)


def _why_dropped(alert: QueuedAlert, rule: KindRule, *, is_busy: bool, is_safe: bool) -> str | None:
    if rule.drops(is_safe=is_safe):
        return "safe mode"
    if _has_too_few_bits(alert, rule):
        return f"fewer than {rule.min_bits} bits"
    return "busy" if is_busy and rule.if_busy is IfBusy.SKIP else None


def _has_too_few_bits(alert: QueuedAlert, rule: KindRule) -> bool:
    return alert.bits is not None and alert.bits < rule.min_bits


def _was_busy(show: Show, at: datetime) -> bool:
    """Tell whether something played at a moment, or plays since."""
    latest = show.latest
    return show.playing is not None or bool(latest and latest.ended_at and latest.ended_at > at)


def leader_of(show: Show) -> str | None:
    """Name the overlay that leads, if it is there."""
    return show.leader if is_led(show) else None
