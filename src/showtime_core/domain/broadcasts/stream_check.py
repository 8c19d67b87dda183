"""The broadcast compared with what Twitch's API says of the stream: for messages that were lost on the way.

The API's answer is cached, and may miss a stream that has just begun, or still list one that has just ended.
That a stream is live is believed at once, unless it is the one that we were told has ended; that it is not,
only after it was missed for long.
"""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.timeline import WentOnAir
from showtime_core.domain.events import StreamFound, StreamMissed

STALE_FOR = timedelta(minutes=5)
"""How long a stream may be listed after its end."""
DOUBTED_FOR = timedelta(minutes=10)
MISSED_TIMES = 3


@frozen
class Stream:
    """A live stream as the API lists it."""

    id: str
    started_at: datetime


@frozen
class Listing:
    """What the API says of the channel."""

    stream: Stream | None
    """None: nothing is live."""
    at: datetime
    """When, by Twitch's clock."""


@frozen
class Doubt:
    """A broadcast is live here, and its stream is not listed."""

    broadcast_id: int
    since: datetime
    times: int = 1
    """How often it was missed."""


@frozen
class Comparison:
    """What follows from a listing."""

    event: StreamFound | StreamMissed | None = None
    """What to record; None: nothing."""
    doubt: Doubt | None = None
    """What to remember for the next listing."""


def compare(state: ChannelState, listing: Listing, doubt: Doubt | None) -> Comparison:
    """Tell what follows from a listing and from what was doubted before."""
    if listing.stream:
        found = StreamFound(listing.stream.id, listing.stream.started_at, listing.at)
        return Comparison(found if is_news(state, found) else None)
    return _missed(state, listing.at, doubt)


def is_news(state: ChannelState, found: StreamFound) -> bool:
    """Tell whether a stream that is listed changes anything."""
    nights = state.timeline.nights
    if not nights:
        return True
    last = nights[-1]
    if last.ended_at is None:
        return found.stream_id not in last.streams and found.started_at > last.started_at
    return found.started_at > last.ended_at or found.seen_at - last.ended_at >= STALE_FOR


def _missed(state: ChannelState, at: datetime, doubt: Doubt | None) -> Comparison:
    live = state.timeline.live
    if not live:
        return Comparison()
    if not doubt or doubt.broadcast_id != live.id or _is_heard_of(state, doubt.since):
        return Comparison(doubt=Doubt(live.id, since=at))
    doubt = evolve(doubt, times=doubt.times + 1)
    if doubt.times >= MISSED_TIMES and at - doubt.since >= DOUBTED_FOR:
        return Comparison(StreamMissed(doubt.since, at, live.streams[-1] if live.streams else None))
    return Comparison(doubt=doubt)


def _is_heard_of(state: ChannelState, since: datetime) -> bool:
    """Tell whether Twitch has said since then that a stream is live."""
    return any(isinstance(fact, WentOnAir) and fact.sent_at > since for fact in state.timeline.facts)
