"""The recordings of a night: one for each stream of Twitch, with the drop-outs between."""

from datetime import datetime

from hypothesis import given

from showtime_core.domain.broadcasts.broadcast import ChannelState, apply_fact
from showtime_core.domain.broadcasts.timeline import Fact, WentOffAir, WentOnAir, fact_of
from showtime_core.domain.nights.recordings import DropOut, Recording, airtime
from showtime_core.testing.entries import at
from showtime_core.testing.strategies import transmissions


def on(stream: str, minutes: float, *, since: float | None = None) -> WentOnAir:
    return WentOnAir(stream, at(minutes if since is None else since), at(minutes))


def off(minutes: float, stream: str | None = None) -> WentOffAir:
    return WentOffAir(at(minutes), stream)


def spans(facts: list[Fact], start: datetime, end: datetime | None) -> list[tuple[str, datetime, object]]:
    return [(one.stream_id, one.started_at, one.ended_at) for one in airtime(facts, start, end).recordings]


def test_a_night_of_one_stream_has_one_recording():
    """A night of one stream has one recording, from the start of the stream to its end, and no drop-out."""
    air = airtime([on("a", 1, since=0), off(90, "a")], at(0), at(90))
    assert air.recordings == (Recording("a", at(0), at(90)),)
    assert (air.drop_outs, air.is_known) == ((), True)


def test_a_night_resumed_by_another_stream_has_two_recordings():
    """A second stream begins a second recording, and the time between the two is a drop-out."""
    air = airtime([on("a", 0), off(40, "a"), on("b", 45), off(90, "b")], at(0), at(90))
    assert air.recordings == (Recording("a", at(0), at(40)), Recording("b", at(45), at(90)))
    assert air.drop_outs == (DropOut(at(40), at(45)),)


def test_the_same_stream_again_is_the_same_recording():
    """A stream that comes back under its id goes on in its recording, with a hole in it."""
    air = airtime([on("a", 0), off(40, "a"), on("a", 41, since=0), off(90, "a")], at(0), at(90))
    out = DropOut(at(40), at(41))
    assert air.recordings == (Recording("a", at(0), at(90), (out,)),)
    assert air.drop_outs == (out,)
    assert [air.recordings[0].holds(at(minute)) for minute in (39, 40, 40.5, 41, 90, 91)] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def test_the_end_of_another_stream_ends_nothing():
    """The late end of the first stream does not end the second."""
    facts: list[Fact] = [on("a", 0), off(40, "a"), on("b", 45), off(50, "a")]
    assert spans(facts, at(0), None) == [("a", at(0), at(40)), ("b", at(45), None)]


def test_a_night_on_the_air_goes_on():
    """The last recording of a night on the air has no end; one whose end was not told ends with its night."""
    assert spans([on("a", 0)], at(0), None) == [("a", at(0), None)]
    assert spans([on("a", 0)], at(0), at(90)) == [("a", at(0), at(90))]


def test_what_was_said_of_other_nights_is_left_out():
    """Facts from before and after a night are those of others."""
    facts: list[Fact] = [off(-20), on("a", 0), off(90, "a"), on("b", 110), off(130)]
    assert spans(facts, at(0), at(90)) == [("a", at(0), at(90))]


def test_a_beginning_that_nobody_told_is_a_stream_without_an_id():
    """Where the beginning is not in the journal, the night counts from its start, and that is said."""
    air = airtime([], at(0), at(90))
    assert (air.recordings, air.is_known) == ((Recording("", at(0), at(90)),), False)
    air = airtime([off(40), on("b", 45), off(90)], at(0), at(90))
    assert air.recordings == (Recording("", at(0), at(40)), Recording("b", at(45), at(90)))
    assert not air.is_known


@given(said=transmissions())
def test_recordings_and_drop_outs_fill_each_night(said):
    """Whatever Twitch says: recordings and drop-outs follow each other, and lie within their night."""
    state = ChannelState()
    kept = [fact_of(event) for event in said]
    for fact in kept:
        state = apply_fact(state, fact)
    for night in state.timeline.nights:
        air = airtime(kept, night.started_at, night.ended_at)
        assert air.recordings[0].started_at == night.started_at
        assert (air.recordings[-1].ended_at is None) == night.is_live
        moments = [night.started_at]
        for recording in air.recordings:
            moments += [recording.started_at]
            moments += [time for out in recording.drop_outs for time in (out.started_at, out.ended_at)]
            moments += [recording.ended_at] if recording.ended_at else []
        moments += [night.ended_at] if night.ended_at else []
        assert moments == sorted(moments)
        assert {one.stream_id for one in air.recordings} == set(night.streams)
