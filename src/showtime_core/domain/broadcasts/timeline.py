"""Broadcasts: nights on the air, worked out from what Twitch said, in the order of Twitch's own clock.

Twitch promises no order of delivery, so nothing here is decided by the order of arrival. The facts of the
recent hours are kept as a set, and the nights are a fold over them, sorted by when they happened: whichever
way the same facts arrive, the same nights come out, also where a late fact joins two nights or parts one.
Facts that no older one can join any more are compacted: the last night that they came to is kept as the
base, and they are forgotten.
"""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import assert_never

from attrs import evolve, frozen

from showtime_core.domain.events import StreamFound, StreamMissed, StreamOffline, StreamOnline
from showtime_core.errors import Refused

RESUME_WITHIN = timedelta(minutes=15)
"""A stream that returns sooner than this continues its broadcast."""
COMPACTED_AFTER = timedelta(hours=1)
"""Twitch delivers within minutes, and nothing older than ten is accepted: an hour is ample."""


@frozen
class WentOnAir:
    """Twitch said that a stream is live."""

    stream_id: str
    started_at: datetime
    sent_at: datetime


@frozen
class WentOffAir:
    """Twitch said that a stream is over."""

    sent_at: datetime
    # Not `stream_id`: by that name, the version before tells the other kind of fact in a kept state.
    ended_stream_id: str | None = None
    """Which one; None: whichever is on the air."""


Fact = WentOnAir | WentOffAir
"""What the nights are worked out from."""


def fact_of(event: StreamOnline | StreamOffline | StreamFound | StreamMissed) -> Fact:
    """Give what an event says of the stream; a stream that is not of kind `live` is no matter of nights."""
    match event:
        case StreamOnline():
            return WentOnAir(event.stream_id, event.started_at, event.sent_at)
        case StreamFound():
            return WentOnAir(event.stream_id, event.started_at, event.seen_at)
        case StreamOffline():
            return WentOffAir(event.sent_at, event.stream_id)
        case StreamMissed():
            return WentOffAir(event.since, event.stream_id)
        case _:
            assert_never(event)


@frozen
class Night:
    """One broadcast, folded from what Twitch said, with times by Twitch's clock."""

    started_at: datetime
    ended_at: datetime | None = None
    streams: tuple[str, ...] = ()
    """Its streams, the latest last; none are known of a night that the predecessor recorded."""
    id: int = 0
    """The number of the broadcast; 0 until it is given one."""

    @property
    def is_live(self) -> bool:
        """Whether it is on the air."""
        return self.ended_at is None

    def may_be_on(self, stream_id: str | None) -> bool:
        """Tell whether this may be its latest stream: also where either of the two is not known."""
        return not stream_id or not self.streams or self.streams[-1] == stream_id


@frozen
class Timeline:
    """The facts of the last hours, and the nights that they come to."""

    base: Night | None = None
    """The last night of the compacted facts; no fact can come before it any more."""
    base_until: datetime | None = None
    """The moment of the last compacted fact."""
    facts: frozenset[Fact] = frozenset()
    nights: tuple[Night, ...] = ()
    """The base and the nights after it, in order: always what the fields above come to."""

    @property
    def live(self) -> Night | None:
        """The night that is on the air."""
        return self.nights[-1] if self.nights and self.nights[-1].is_live else None


def add_fact(timeline: Timeline, fact: Fact, last_id: int) -> Timeline:
    """Add a fact, and work out the nights again; new nights are numbered upwards from `last_id` + 1.

    Raises Refused for a fact from before `base_until`: a night that has ended is not restarted.
    """
    # Compacted before, not after: the nights that this fact changes are all in the answer.
    known = _compact(timeline)
    if known.base_until and fact.sent_at < known.base_until:
        raise Refused(
            f"Twitch sent this at {fact.sent_at:%Y-%m-%dT%H:%M:%SZ}, but the nights are settled until "
            f"{known.base_until:%Y-%m-%dT%H:%M:%SZ}: it changes nothing"
        )
    facts = known.facts | {fact}
    moment = _moment_after_all(known, fact)
    if moment:
        nights = _fold(known.nights, [(moment, fact)])
    else:
        grown = Timeline(known.base, known.base_until, facts)
        nights = _fold((known.base,) if known.base else (), in_order(grown))
    return Timeline(known.base, known.base_until, facts, _numbered(nights, known.nights, last_id))


def _moment_after_all(timeline: Timeline, fact: Fact) -> datetime | None:
    """Tell when a fact happened that comes after all others: it continues the fold. None: it does not."""
    is_new = not any(
        isinstance(other, WentOnAir) and isinstance(fact, WentOnAir) and other.stream_id == fact.stream_id
        for other in timeline.facts
    )
    moment = _moment(timeline, fact) if is_new else fact.sent_at
    # No fact happened later than it was sent.
    return moment if all(moment > other.sent_at for other in timeline.facts) else None


def in_order(timeline: Timeline) -> list[tuple[datetime, Fact]]:
    """Sort the facts by the moment at which they happened."""
    first: dict[str, WentOnAir] = {}
    for fact in timeline.facts:
        if isinstance(fact, WentOnAir):
            first[fact.stream_id] = min(first.get(fact.stream_id, fact), fact, key=_sending)
    begins = set(first.values())
    moments = [(_moment(timeline, fact) if fact in begins else fact.sent_at, fact) for fact in timeline.facts]
    return sorted(moments, key=_place)


def _moment(timeline: Timeline, fact: Fact) -> datetime:
    """Tell when the first fact of a stream happened: at the stream's start.

    A later fact of the same stream counts from when it was sent, since the same stream id comes once more
    when a stream returns after a short drop-out. A stream that started before `base_until` is no new stream:
    it has been heard of, or should have been.
    """
    if isinstance(fact, WentOffAir) or (timeline.base and fact.stream_id in timeline.base.streams):
        return fact.sent_at
    if timeline.base_until and fact.started_at < timeline.base_until:
        return fact.sent_at
    return min(fact.started_at, fact.sent_at)


def _sending(fact: WentOnAir) -> tuple[datetime, datetime]:
    return fact.sent_at, fact.started_at


def _place(entry: tuple[datetime, Fact]) -> tuple[object, ...]:
    """Give what happened at one moment an order, the same whichever came first: ends before beginnings."""
    moment, fact = entry
    if isinstance(fact, WentOffAir):
        return moment, False, fact.ended_stream_id is None, fact.ended_stream_id
    return moment, True, fact.stream_id, fact.started_at, fact.sent_at


def _fold(nights: tuple[Night, ...], moments: list[tuple[datetime, Fact]]) -> tuple[Night, ...]:
    for moment, fact in moments:
        nights = _off(nights, moment, fact) if isinstance(fact, WentOffAir) else _on(nights, moment, fact)
    return nights


def _off(nights: tuple[Night, ...], moment: datetime, fact: WentOffAir) -> tuple[Night, ...]:
    """The stream ended: so does the live night, if it is on that stream. Else nothing changes."""
    if not nights or not nights[-1].is_live or not nights[-1].may_be_on(fact.ended_stream_id):
        return nights
    return (*nights[:-1], evolve(nights[-1], ended_at=moment))


def _on(nights: tuple[Night, ...], moment: datetime, fact: WentOnAir) -> tuple[Night, ...]:
    """A stream is live: the night it belongs to goes on, is resumed, or begins."""
    begun = Night(moment, streams=(fact.stream_id,))
    if not nights:
        return (begun,)
    *before, last = nights
    if last.ended_at is None:
        if _is_stream_of(last, fact):
            return (*before, _with_stream(last, fact.stream_id))
        return (*before, evolve(last, ended_at=moment), begun)  # the message that it ended was lost
    if moment - last.ended_at < RESUME_WITHIN:
        return (*before, _with_stream(last, fact.stream_id))
    return (*nights, begun)


def _with_stream(night: Night, stream_id: str) -> Night:
    """Let a night go on with a stream, which is its latest from now on."""
    streams = night.streams
    if stream_id in streams:
        streams = tuple(known for known in streams if known != stream_id)
    return evolve(night, ended_at=None, streams=(*streams, stream_id))


def _is_stream_of(night: Night, fact: WentOnAir) -> bool:
    if not night.streams:  # the predecessor began it, when told of the stream: just after the stream's start
        return fact.started_at <= night.started_at
    return night.streams[-1] == fact.stream_id


def _numbered(nights: tuple[Night, ...], before: tuple[Night, ...], last_id: int) -> tuple[Night, ...]:
    """Give each night the number it had, known by its streams; a night that had none takes the next."""
    taken = {night.id for night in nights}
    numbered = []
    for night in nights:
        number = night.id
        if not number:
            known = (
                old.id for old in before if old.id not in taken and set(old.streams) & set(night.streams)
            )
            number = next(known, 0)
        if not number:
            number = last_id = last_id + 1
        taken.add(number)
        numbered.append(night if number == night.id else evolve(night, id=number))
    return tuple(numbered)


def _compact(timeline: Timeline) -> Timeline:
    """Drop facts that no late fact can precede; the last night that they came to stays as the base."""
    sent = [fact.sent_at for fact in timeline.facts]
    if not sent or max(sent) - min(sent) <= COMPACTED_AFTER:
        return timeline
    moments = in_order(timeline)
    horizon = moments[-1][0] - COMPACTED_AFTER
    old = list(takewhile(lambda entry: max(entry[0], entry[1].sent_at) < horizon, moments))
    if not old:
        return timeline
    final = _fold((timeline.base,) if timeline.base else (), old)
    # A fold only adds nights, so they stand where they stood.
    nights = timeline.nights[max(len(final) - 1, 0) :]
    return Timeline(
        base=evolve(final[-1], id=nights[0].id) if final else None,
        base_until=old[-1][0],
        facts=timeline.facts - {fact for _, fact in old},
        nights=nights,
    )
