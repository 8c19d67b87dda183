"""The broadcast compared with what Twitch's API says of the stream: for messages that were lost on the way.

The API's answer is cached, and may miss a stream that has just begun, or still list one that has just ended.
A listed stream is believed to be live at once, unless we were told that it has ended. A stream that is not
listed is believed to be over only after it was missing for long.
"""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.timeline import WentOnAir
from showtime_core.domain.events import StreamFound, StreamMissed

LISTED_AFTER_END = timedelta(minutes=5)
"""How long a stream may be listed after its end."""
MISSING_FOR = timedelta(minutes=10)
"""How long a stream must be missed, at the least, before its broadcast counts as over."""
MISSING_CHECKS = 3
"""How many checks must have missed it by then."""


@frozen
class ListedStream:
    """A live stream, as Twitch's API lists it (`GET /streams`)."""

    id: str
    started_at: datetime


@frozen
class StreamListing:
    """What Twitch's API says of the channel at one moment."""

    stream: ListedStream | None
    """None: nothing is live."""
    at: datetime
    """When, by Twitch's clock."""


@frozen
class MissingStream:
    """A broadcast that is live here while Twitch's API does not list its stream."""

    broadcast_id: int
    since: datetime
    checks: int = 1
    """How often it was missed."""


@frozen
class Comparison:
    """What follows from a listing."""

    event: StreamFound | StreamMissed | None = None
    """What to record; None: nothing."""
    missing: MissingStream | None = None
    """What to remember for the next listing."""


def compare(state: ChannelState, listing: StreamListing, missing: MissingStream | None) -> Comparison:
    """Work out what a listing proves, given for how long the stream has been missing before.

    A listed stream that is unknown is a StreamFound; one that was missing in three checks within ten minutes
    is a StreamMissed. Twitch caches listings for minutes, so one alone proves nothing.
    """
    if listing.stream:
        found = StreamFound(listing.stream.id, listing.stream.started_at, listing.at)
        return Comparison(found if changes_state(state, found) else None)
    return _compare_missing(state, listing.at, missing)


def changes_state(state: ChannelState, found: StreamFound) -> bool:
    """Tell whether recording this listed stream would change the state."""
    nights = state.timeline.nights
    if not nights:
        return True
    last = nights[-1]
    if last.ended_at is None:
        return found.stream_id not in last.streams and found.started_at > last.started_at
    return found.started_at > last.ended_at or found.seen_at - last.ended_at >= LISTED_AFTER_END


def _compare_missing(state: ChannelState, at: datetime, missing: MissingStream | None) -> Comparison:
    live = state.timeline.live
    if not live:
        return Comparison()
    if not missing or missing.broadcast_id != live.id or _is_confirmed_since(state, missing.since):
        return Comparison(missing=MissingStream(live.id, since=at))
    missing = evolve(missing, checks=missing.checks + 1)
    if missing.checks >= MISSING_CHECKS and at - missing.since >= MISSING_FOR:
        return Comparison(StreamMissed(missing.since, at, live.streams[-1] if live.streams else None))
    return Comparison(missing=missing)


def _is_confirmed_since(state: ChannelState, since: datetime) -> bool:
    """Tell whether Twitch has said since then that a stream is live."""
    return any(isinstance(fact, WentOnAir) and fact.sent_at > since for fact in state.timeline.facts)
