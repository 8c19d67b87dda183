"""The queue of what is on the screen, as pages read it."""

import json
from typing import Annotated, Any

from msgspec import Struct

from showtime_app.web.openapi.descriptions import says
from showtime_app.web.times import DATE_TIME, Time, TimeField
from showtime_core.domain.show.leading import LEADER_GONE_AFTER
from showtime_core.domain.show.queue import Show, Showing, ShowingState, ShowView
from showtime_core.domain.show.taking import as_it_stands, leader_of

_MOST_WAITING = 100
_MOST_RECENT = 50


class ToldAlert(Struct):
    """An alert of the feed."""

    id: Annotated[int, says("Its place in the feed: commands name it.")]
    type: Annotated[str, says("As on `/alerts`.")]
    data: Annotated[dict[str, Any], says("As on `/alerts`.")]
    at: Annotated[Time, says("When it was told.", **DATE_TIME)]


class QueueItem(Struct, rename="camel"):
    """An alert in the queue, and what becomes of it."""

    alert: ToldAlert
    more: Annotated[int, says("How many others became one with it.")]
    state: Annotated[str, says("What becomes of it.", enum=[*ShowingState])]
    reason: Annotated[str | None, says("Why it is not played, or was not to its end.")]
    showing: Annotated[str | None, says("Names one showing of it; null: it waits for its first.")]
    attempt: Annotated[int, says("Counts the showings that follow each other, from 1.")]
    is_again: Annotated[bool, says("Whether the host has it shown again.")]
    is_test: Annotated[bool, says("Whether the host tries it out: nobody has done it, and it pays nobody.")]
    seconds: Annotated[float, says("How long it plays.")]
    began_at: Annotated[TimeField | None, says("When it was taken; null: it was not.")]
    ended_at: Annotated[TimeField | None, says("When it was over; null: it is not.")]


class QueueDocument(Struct, rename="camel"):
    """The queue of what is on the screen."""

    mode: Annotated[str, says("`streamed`: there is no queue.", enum=["queued", "streamed"])]
    is_paused: bool = False
    paused_since: Annotated[TimeField | None, says("Since when it is paused; null: it is not.")] = None
    is_muted: bool = False
    is_safe: bool = False
    ads_until: Annotated[TimeField | None, says("Until when ads run; null: none do.")] = None
    leader: Annotated[str | None, says("The overlay that plays; null: none is painting.")] = None
    overlays: Annotated[int, says("How many report.")] = 0
    is_also_streamed: Annotated[bool, says("Whether somebody reads `/alerts` as well.")] = False
    playing: QueueItem | None = None
    waiting: Annotated[list[QueueItem], says("In the order of playing; 100 at most.")] = []
    waiting_count: int = 0
    held: list[QueueItem] = []
    recent: Annotated[list[QueueItem], says("What is over, the newest first; 50 at most.")] = []


def describe_queue(view: ShowView, *, is_also_streamed: bool) -> QueueDocument:
    """Describe the queue as it stands: what has ended by now has ended, though nobody has noted it yet."""
    if view.show.cursor is None:
        return QueueDocument("streamed")
    queue = as_it_stands(view.show)
    show, modes = queue.show, queue.show.modes
    waiting = queue.waiting
    noted = view.show.showings
    ended = [each for key, each in show.showings.items() if each.ended_at and noted.get(key) != each]
    recent = {each.id: each for each in (*ended, *view.recent)}
    return QueueDocument(
        "queued",
        is_paused=modes.paused_since is not None,
        paused_since=Time.of(modes.paused_since) if modes.paused_since else None,
        is_muted=modes.is_muted,
        is_safe=modes.is_safe,
        ads_until=Time.of(modes.ads_until) if modes.ads_until and modes.ads_until > show.now else None,
        leader=leader_of(show),
        overlays=sum(show.now - each.seen_at < LEADER_GONE_AFTER for each in show.overlays.values()),
        is_also_streamed=is_also_streamed,
        playing=describe_showing(show.playing, show) if show.playing else None,
        waiting=[describe_showing(each, show) for each in waiting[:_MOST_WAITING]],
        waiting_count=len(waiting),
        held=[describe_showing(each, show) for each in show.in_state(ShowingState.HELD)],
        recent=[describe_showing(each, show) for each in list(recent.values())[:_MOST_RECENT]],
    )


def describe_showing(showing: Showing, show: Show | None = None) -> QueueItem:
    """Describe one alert; how long it will play is told by the rules of the show, where it is given."""
    is_kept = show is None or showing.id in show.showings or not showing.is_open
    alert = showing.alert
    seconds = showing.seconds or (show.rule(alert.kind).seconds if show and showing.is_open else 0.0)
    return QueueItem(
        ToldAlert(alert.id, alert.kind, json.loads(alert.payload).get("data", {}), Time.of(alert.at)),
        more=len(showing.joined),
        state=showing.state.value,
        reason=showing.reason,
        showing=str(showing.id) if is_kept else None,
        attempt=showing.attempt,
        is_again=showing.is_again,
        is_test=alert.is_test,
        seconds=seconds,
        began_at=Time.of(showing.began_at) if showing.began_at else None,
        ended_at=Time.of(showing.ended_at) if showing.ended_at else None,
    )
