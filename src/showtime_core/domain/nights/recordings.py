"""The recordings of a night: Twitch makes one of each stream, and a resumed night may have several."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.timeline import Fact, Timeline, WentOffAir, WentOnAir, in_order


@frozen
class DropOut:
    """A time within a night in which no stream was on the air."""

    started_at: datetime
    ended_at: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.ended_at - self.started_at


@frozen
class Recording:
    """What Twitch recorded of one stream; its times count from the stream's start, drop-outs included."""

    stream_id: str
    """Twitch's id of the stream; empty: not known."""
    started_at: datetime
    ended_at: datetime | None = None
    """None: it goes on."""
    drop_outs: tuple[DropOut, ...] = ()
    """Those after which the same stream came back."""

    def holds(self, moment: datetime) -> bool:
        """Tell whether the stream was on the air at a moment."""
        if moment < self.started_at or (self.ended_at and moment > self.ended_at):
            return False
        return not any(out.started_at < moment < out.ended_at for out in self.drop_outs)


@frozen
class Airtime:
    """When a night was on the air."""

    recordings: tuple[Recording, ...]
    """In order; one at least."""
    drop_outs: tuple[DropOut, ...] = ()
    is_known: bool = True
    """Whether Twitch's messages tell it from the beginning of the night on."""


def airtime(facts: Iterable[Fact], started_at: datetime, ended_at: datetime | None) -> Airtime:
    """Work out when a night was on the air, from what Twitch said around its time.

    What is not told of its beginning counts as one stream without an id.
    """
    moments = [
        (moment, fact)
        for moment, fact in in_order(Timeline(facts=frozenset(facts)))
        if started_at <= moment and (ended_at is None or moment <= ended_at)
        # What goes on the air as a night ends begins the next one.
        if isinstance(fact, WentOffAir) or moment == started_at or moment != ended_at
    ]
    is_known = bool(moments) and moments[0][0] == started_at and isinstance(moments[0][1], WentOnAir)
    found = Airtime((Recording("", started_at),), is_known=is_known)
    for moment, fact in moments:
        found = _off(found, moment, fact) if isinstance(fact, WentOffAir) else _on(found, moment, fact)
    if ended_at and not found.recordings[-1].ended_at:
        found = _with_last(found, evolve(found.recordings[-1], ended_at=ended_at))
    return found


def _off(found: Airtime, moment: datetime, fact: WentOffAir) -> Airtime:
    last = found.recordings[-1]
    is_other = fact.ended_stream_id and last.stream_id and fact.ended_stream_id != last.stream_id
    if last.ended_at or is_other:
        return found
    return _with_last(found, evolve(last, ended_at=moment))


def _on(found: Airtime, moment: datetime, fact: WentOnAir) -> Airtime:
    last = found.recordings[-1]
    if not last.ended_at:
        if not last.stream_id:
            return _with_last(found, evolve(last, stream_id=fact.stream_id))
        if last.stream_id == fact.stream_id:
            return found
        return _begun(_with_last(found, evolve(last, ended_at=moment)), moment, fact)
    out = DropOut(last.ended_at, moment)
    found = evolve(found, drop_outs=(*found.drop_outs, out))
    if last.stream_id == fact.stream_id:
        return _with_last(found, evolve(last, ended_at=None, drop_outs=(*last.drop_outs, out)))
    return _begun(found, moment, fact)


def _begun(found: Airtime, moment: datetime, fact: WentOnAir) -> Airtime:
    return evolve(found, recordings=(*found.recordings, Recording(fact.stream_id, moment)))


def _with_last(found: Airtime, last: Recording) -> Airtime:
    return evolve(found, recordings=(*found.recordings[:-1], last))


def total(drop_outs: Sequence[DropOut]) -> timedelta:
    """Add up how long they lasted."""
    return sum((out.length for out in drop_outs), timedelta())
