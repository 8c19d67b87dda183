"""Nights are worked out from Twitch's clock, whatever the order of delivery."""

from datetime import timedelta
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.broadcasts.timeline import Night, Timeline, WentOffAir, WentOnAir, add_fact
from showtime_core.domain.events import StreamOnline
from showtime_core.errors import Refused
from showtime_core.testing import strategies as some
from showtime_core.testing.entries import at

NOTHING = Timeline()


def on(stream, minutes, *, said=None):
    return WentOnAir(stream, at(minutes), at(minutes if said is None else said))


def off(minutes, stream=None):
    return WentOffAir(at(minutes), stream)


def told(*facts, since=NOTHING):
    """The timeline after these facts, told in this order."""
    timeline = since
    for fact in facts:
        last_id = max((night.id for night in timeline.nights), default=0)
        timeline = add_fact(timeline, fact, last_id)
    return timeline


def nights(*facts, since=NOTHING):
    """Start and end of each night, in minutes; None: it is live."""
    return [
        (minutes(night.started_at), night.ended_at and minutes(night.ended_at))
        for night in told(*facts, since=since).nights
    ]


def minutes(time):
    return (time - at(0)).total_seconds() / 60


def shape(timeline):
    """Nights without their numbers, which depend on who was known first."""
    return [evolve(night, id=0) for night in timeline.nights]


def as_fact(event):
    if isinstance(event, StreamOnline):
        return WentOnAir(event.stream_id, event.started_at, event.sent_at)
    return WentOffAir(event.sent_at, event.stream_id)


WITHIN_AN_HOUR = some.stream_events(some.before(at(60), timedelta(minutes=50))).map(as_fact)


# --- one stream --------------------------------------------------------------------------------------


def test_a_night_lasts_from_the_streams_start_to_its_offline():
    """It begins when the stream did, not when we were told."""
    assert nights(on("a", 0, said=2), off(180)) == [(0, 180)]


def test_the_same_stream_while_it_is_live_is_nothing():
    """Twitch may say it again, under another message id."""
    assert nights(on("a", 0), on("a", 0, said=30)) == [(0, None)]


@pytest.mark.parametrize("stream", ["a", "b"])
def test_a_stream_that_returns_within_15_minutes_resumes_the_night(stream):
    """A stream that returns within 15 minutes resumes the night, under its old id or a new one."""
    timeline = told(on("a", 0), off(60), on(stream, 0 if stream == "a" else 74.99, said=74.99))
    assert (timeline.live.id, timeline.live.started_at) == (1, at(0))


@pytest.mark.parametrize("stream", ["a", "b"])
def test_a_stream_that_returns_after_exactly_15_minutes_is_a_new_night(stream):
    """Less than 15 minutes, says the rule."""
    assert nights(on("a", 0), off(60), on(stream, 0 if stream == "a" else 75, said=75)) == [
        (0, 60),
        (75, None),
    ]


def test_the_fifteen_minutes_are_measured_to_the_streams_start():
    """The 15 minutes are measured to the stream's start, not to the message, which may be slow."""
    assert nights(on("a", 0), off(60), on("b", 74, said=82)) == [(0, None)]


def test_another_stream_tells_of_a_lost_offline():
    """One night ends where the next begins."""
    assert nights(on("a", 0), on("b", 200)) == [(0, 200), (200, None)]


def test_an_offline_while_nothing_is_live_changes_nothing():
    """An offline changes nothing before the first night or after the last."""
    assert nights(off(0)) == []
    assert nights(on("a", 0), off(60), off(61)) == [(0, 60)]


# --- out of order ------------------------------------------------------------------------------------


def test_an_offline_older_than_the_live_stream_does_not_end_it():
    """It belongs to a stream before."""
    assert nights(on("a", 10), off(5)) == [(10, None)]


def test_an_online_that_comes_after_its_offline_is_a_night_that_is_over():
    """An online that comes after its offline is a night that is over, also if it was sent later."""
    assert nights(off(60), on("a", 0)) == [(0, 60)]
    assert nights(off(1), on("a", 0, said=2)) == [(0, 1)]


def test_an_online_that_was_sent_before_the_offline_changes_nothing():
    """A late second report of a stream does not bring the night back."""
    assert nights(on("a", 0), off(60), on("a", 0, said=59)) == [(0, 60)]


def test_a_late_offline_merges_what_seemed_two_nights():
    """A late offline makes one night of two where the stream dropped out, under the first number."""
    apart = told(on("a", 0), on("b", 30))
    joined = told(off(20), since=apart)
    assert [night.id for night in apart.nights] == [1, 2]
    assert [(night.id, night.streams) for night in joined.nights] == [(1, ("a", "b"))]


def test_a_late_offline_parts_what_seemed_one_night():
    """A late offline parts a night where the stream was away for longer: the second gets a new number."""
    one = told(on("a", 0), off(30), on("b", 40))
    two = told(off(20), since=one)
    assert [(night.id, night.streams) for night in one.nights] == [(1, ("a", "b"))]
    assert [(night.id, night.streams) for night in two.nights] == [(1, ("a",)), (2, ("b",))]


def test_a_stream_said_to_begin_after_it_was_said_begins_when_it_was_said():
    """A clock that is wrong does not start a night in the future."""
    assert nights(on("a", 9, said=4), off(5)) == [(4, 5)]


def test_the_stream_that_is_live_is_the_last_one():
    """One that came before it in the same night is another by now."""
    assert nights(on("a", 0), off(10), on("b", 12), on("a", 0, said=40)) == [(0, 40), (40, None)]


# --- ends of streams that are named --------------------------------------------------------------------


def test_the_end_of_the_stream_that_is_live_ends_its_night():
    """Named or not, it is the same end."""
    assert nights(on("a", 0), off(60, "a")) == nights(on("a", 0), off(60)) == [(0, 60)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_late_end_of_another_stream_does_not_end_the_night(order):
    """A's end, stamped after B's start, leaves B live in whatever order the three are told."""
    facts = [on("a", 0), on("b", 100), off(130, "a")]
    assert nights(*(facts[place] for place in order)) == [(0, 100), (100, None)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_late_end_of_a_stream_does_not_end_a_night_that_was_resumed(order):
    """Within one night too, only the end of its latest stream ends it."""
    facts = [on("a", 0), off(20), on("b", 30), off(35, "a")]
    resumed = told(*(facts[place] for place in order))
    assert [(night.streams, night.ended_at) for night in resumed.nights] == [(("a", "b"), None)]
    assert nights(off(60, "b"), since=resumed) == [(0, 60)]


def test_a_stream_that_returns_after_another_is_the_one_that_ends_its_night():
    """The latest stream of a night is the one that was spoken of last, not the one that was new last."""
    returned = told(on("a", 0), off(10, "a"), on("b", 12), off(20, "b"), on("a", 0, said=25))
    assert nights(on("a", 0, said=30), since=returned) == [(0, None)]
    assert nights(off(40, "b"), since=returned) == [(0, None)]
    assert nights(off(40, "a"), since=returned) == [(0, 40)]


def test_the_end_of_a_stream_that_nobody_knows_ends_nothing():
    """Until its beginning is told: then it was over when it was said to be."""
    assert nights(on("a", 0), off(60, "b")) == [(0, None)]
    assert nights(off(60, "b")) == []
    assert nights(off(60, "b"), on("b", 10)) == [(10, 60)]


def test_the_end_that_is_told_before_the_beginning_ends_that_stream_alone():
    """A's end comes first, then B's beginning, then A's: B is live."""
    assert nights(off(50, "a"), on("b", 70), on("a", 0)) == [(0, 50), (70, None)]


@pytest.mark.parametrize("later", range(1, 9))
def test_two_words_of_one_stream_at_one_moment_come_in_one_order(later):
    """Two reports of one stream at one moment have one order, however a set of facts is laid out."""
    words = [on("a", 20, said=30), on("a", 20 + later, said=30)]
    assert nights(*words) == nights(*reversed(words)) == [(20, None)]


@given(data=st.data(), facts=st.lists(WITHIN_AN_HOUR, max_size=8))
def test_any_order_of_delivery_gives_the_same_nights(data, facts):
    """Facts of one hour give the same nights, repeated and shuffled in any way."""
    shuffled = data.draw(st.permutations(facts + facts[:2]))
    assert shape(told(*shuffled)) == shape(told(*facts))


@given(facts=st.lists(WITHIN_AN_HOUR, max_size=8))
def test_each_night_has_a_number_of_its_own(facts):
    """Each night has a number of its own, no two overlap, and only the last may be live."""
    timeline = told(*facts)
    assert len({night.id for night in timeline.nights} - {0}) == len(timeline.nights)
    for night, following in zip(timeline.nights, timeline.nights[1:], strict=False):
        assert night.started_at <= night.ended_at <= following.started_at


@given(some.transmissions())
def test_a_number_is_kept_while_facts_come_in_order(said):
    """A night that is known keeps its number and its start."""
    timeline, known = Timeline(), {}
    for event in said:
        timeline = add_fact(timeline, as_fact(event), max(known, default=0))
        for night in timeline.nights:
            assert known.setdefault(night.id, night.started_at) == night.started_at


# --- what the predecessor left -----------------------------------------------------------------------


def adopted(ended_at=None):
    """A night of the predecessor, who kept no stream ids."""
    night = Night(at(0), ended_at, id=41)
    return Timeline(base=night, base_until=ended_at or at(0), nights=(night,))


def test_an_adopted_night_goes_on_with_the_stream_it_was_begun_for():
    """The predecessor began it just after the stream's start."""
    timeline = told(on("a", -1, said=5), since=adopted())
    assert [(night.id, night.started_at, night.streams) for night in timeline.nights] == [(41, at(0), ("a",))]
    assert nights(off(90), since=timeline) == [(0, 90)]


def test_an_adopted_night_ends_with_any_stream():
    """Nobody knows on which stream it is, so that no end can be told for another's."""
    assert nights(off(90, "a"), since=adopted()) == [(0, 90)]


def test_an_adopted_night_ends_when_a_later_stream_is_live():
    """A stream that began after it is another."""
    assert nights(on("b", 300), since=adopted()) == [(0, 300), (300, None)]


def test_an_adopted_night_is_resumed_too():
    """A night of the predecessor is resumed under its number within 15 minutes of its end."""
    timeline = told(on("b", 70), since=adopted(at(60)))
    assert (timeline.live.id, timeline.live.started_at) == (41, at(0))


# --- settling ----------------------------------------------------------------------------------------


def by_the_rules(facts):
    """The nights of facts that come in order, by the plain words of the rules."""
    known, streams = [], []
    for fact in facts:
        live = bool(known) and known[-1][1] is None
        if isinstance(fact, WentOffAir):
            if live and fact.ended_stream_id in {None, streams[-1]}:
                known[-1][1] = fact.sent_at
            continue
        moment = fact.sent_at if fact.stream_id in streams else fact.started_at
        if live and streams[-1] != fact.stream_id:
            known[-1][1] = moment
            known.append([moment, None])
        elif not live and known and moment - known[-1][1] < timedelta(minutes=15):
            known[-1][1] = None
        elif not live:
            known.append([moment, None])
        streams.append(fact.stream_id)
    return known


@given(some.transmissions())
def test_settling_does_not_change_the_outcome(said):
    """Facts of many hours, told in order, come to what the rules say, though most are forgotten."""
    facts, timeline = [as_fact(event) for event in said], Timeline()
    for known, fact in enumerate(facts, start=1):
        timeline = add_fact(timeline, fact, 0)
        expected = by_the_rules(facts[:known])
        recent = [[night.started_at, night.ended_at] for night in timeline.nights]
        assert recent == expected[len(expected) - len(recent) :]


@given(data=st.data(), said=some.transmissions())
def test_a_delay_within_an_hour_does_not_change_the_outcome(data, said):
    """Facts of many hours, each delivered up to 50 minutes late, come to what the rules say."""
    facts = [as_fact(event) for event in said]
    delays = st.integers(0, 50 * 60).map(lambda seconds: timedelta(seconds=seconds))
    delivered = sorted(facts, key=lambda fact: fact.sent_at + data.draw(delays))
    expected = by_the_rules(facts)
    recent = [[night.started_at, night.ended_at] for night in told(*delivered).nights]
    assert recent == expected[len(expected) - len(recent) :]
    assert bool(recent) == bool(expected)


@given(some.transmissions())
def test_the_timeline_stays_small(said):
    """After years, only the recent nights are kept."""
    a_year = 365 * 24 * 60
    timeline = told(*(as_fact(event) for event in said), off(a_year), off(a_year + 180))
    assert timeline.facts == {WentOffAir(at(a_year)), WentOffAir(at(a_year + 180))}
    assert len(timeline.nights) <= 1


@pytest.mark.parametrize("late", [on("a", -30), off(-20)], ids=["online", "offline"])
def test_a_fact_from_before_what_is_settled_is_refused(late):
    """A night that has ended is not restarted, whenever the operator retries."""
    timeline = told(on("b", 0), off(60), on("c", 180), off(240))
    with pytest.raises(Refused, match="settled until 2026-10-30T21:00:00Z"):
        add_fact(timeline, late, 2)


def test_a_stream_that_is_spoken_of_again_after_others_counts_from_when_it_was():
    """Its first word is forgotten by then, and the night that began in between is not put back to it."""
    timeline = told(on("a", 0), on("b", 30), on("c", 200), on("a", 0, said=400))
    assert minutes(timeline.live.started_at) == 400
    assert minutes(told(off(600), off(800), since=timeline).nights[0].started_at) == 400


def test_an_adopted_night_is_not_resumed_by_its_stream_after_15_minutes():
    """What counts is when the stream was spoken of: its start is long ago."""
    assert nights(on("a", -1, said=65), since=adopted(at(60))) == [(0, None)]
    assert nights(on("a", -1, said=80), since=adopted(at(60))) == [(0, 60), (80, None)]


def test_what_was_said_late_is_not_settled_before_what_was_said_early():
    """Twitch spoke of an old stream after an hour and a half; the one before it may still be on its way."""
    assert nights(on("b", 0, said=100), off(110), on("a", -10, said=5)) == [(-10, 0), (0, 110)]


def test_a_very_late_fact_still_has_all_that_it_changes_in_the_answer():
    """The night that it shortens is not forgotten in the same step."""
    timeline = told(on("a", 0), on("b", 120), on("c", 40))
    assert [(night.id, minutes(night.started_at)) for night in timeline.nights] == [(1, 0), (3, 40), (2, 120)]
    assert minutes(timeline.nights[0].ended_at) == 40
