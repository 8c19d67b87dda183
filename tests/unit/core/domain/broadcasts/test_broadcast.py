"""Tapes are screened within broadcasts, which end where Twitch says."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.broadcasts.broadcast import (
    MAX_TAPE_ID,
    Broadcast,
    ChannelState,
    Revocation,
    Snapshot,
    apply_fact,
    broadcast_rows,
    clear_revocation,
    open_screening,
    put_tape_on,
    snapshot_of,
    take_tape_off,
)
from showtime_core.domain.broadcasts.timeline import WentOffAir, WentOnAir
from showtime_core.errors import Refused
from showtime_core.testing import strategies as some
from showtime_core.testing.entries import at

NOSFERATU, CRITTERS, XANADU = (UUID(int=number) for number in (31, 86, 80))


def on(stream, minutes):
    return WentOnAir(stream, at(minutes), at(minutes))


def off(minutes):
    return WentOffAir(at(minutes))


def tape(screening_id, minutes):
    return lambda state: put_tape_on(state, screening_id, screening_id.int, at(minutes))


def no_tape(minutes):
    return lambda state: take_tape_off(state, at(minutes))


def state_after(*steps):
    state = ChannelState()
    for step in steps:
        state = step(state) if callable(step) else apply_fact(state, step)
    return state


def screenings(*steps):
    """Of each screening: its tape, its broadcast, start and end in minutes."""
    return [
        (one.tape_id, one.broadcast_id, minutes(one.started_at), one.ended_at and minutes(one.ended_at))
        for one in broadcast_rows(state_after(*steps)).screenings
    ]


def minutes(time):
    return (time - at(0)).total_seconds() / 60


def test_a_tape_replaces_the_one_that_is_on_at_once():
    """One ends where the next begins: viewers see no gap, and two are never on."""
    assert screenings(on("a", 0), tape(NOSFERATU, 5), tape(CRITTERS, 50)) == [
        (31, 1, 5, 50),
        (86, 1, 50, None),
    ]


def test_a_tape_that_was_taken_off_stays_off():
    """A stopped tape stays off when the broadcast ends, is resumed, or another tape comes."""
    steps = [on("a", 0), tape(NOSFERATU, 5), no_tape(40), off(60), on("b", 65), tape(CRITTERS, 70)]
    assert screenings(*steps) == [(31, 1, 5, 40), (86, 1, 70, None)]


def test_taking_off_where_nothing_is_on_changes_nothing():
    """Taking a tape off changes nothing where none is on, since the host may press twice."""
    state = state_after(on("a", 0), tape(NOSFERATU, 5), no_tape(40))
    assert take_tape_off(state, at(50)) is state


def test_offline_ends_the_screening_with_the_broadcast():
    """A tape that is said to be on, in a night that is over, is none."""
    assert screenings(on("a", 0), tape(NOSFERATU, 5), off(60)) == [(31, 1, 5, 60)]


def test_a_resumed_broadcast_has_its_tape_on_again():
    """Nobody needs to put it on a second time, and its start is as it was."""
    state = state_after(on("a", 0), tape(NOSFERATU, 5), off(60), on("b", 70))
    assert snapshot_of(state) == Snapshot(
        is_live=True, broadcast_started_at=at(0), screening_tape_id=31, screening_started_at=at(5)
    )


def test_a_new_broadcast_has_no_tape_on():
    """After a quarter of an hour the night is over, and its tape with it."""
    state = state_after(on("a", 0), tape(NOSFERATU, 5), off(60), on("b", 75))
    assert snapshot_of(state) == Snapshot(is_live=True, broadcast_started_at=at(75))


def test_an_end_never_precedes_what_it_contains():
    """The end of a night is never before that of a tape that was put on before we heard of the end."""
    state = state_after(on("a", 0), tape(NOSFERATU, 62), off(60))
    assert broadcast_rows(state).broadcasts == (Broadcast(1, at(0), at(62)),)
    assert screenings(on("a", 0), tape(NOSFERATU, 58), no_tape(61), off(60)) == [(31, 1, 58, 61)]


def test_an_end_does_not_reach_into_the_next_broadcast():
    """No end reaches into the next broadcast, not even where its tape was taken off later."""
    steps = [on("a", 0), tape(NOSFERATU, 5), no_tape(99), off(60), on("b", 80)]
    assert broadcast_rows(state_after(*steps)).broadcasts[0] == Broadcast(1, at(0), at(80))
    assert screenings(*steps) == [(31, 1, 5, 80)]


def test_a_tape_put_on_by_a_slow_clock_starts_with_its_broadcast():
    """A screening lies within its broadcast, and tapes follow each other, whatever the clocks say."""
    steps = [on("a", 0), tape(NOSFERATU, -3), no_tape(-2), tape(CRITTERS, 20), tape(XANADU, 15)]
    assert screenings(*steps) == [(31, 1, 0, 0), (86, 1, 20, 20), (80, 1, 20, None)]
    assert screenings(*steps, off(60))[0] == (31, 1, 0, 0)


def test_a_late_fact_takes_the_tape_along():
    """A late fact takes the tape to the broadcast during which it was put on, as we know now."""
    apart = [on("a", 0), on("b", 30), tape(NOSFERATU, 31)]
    assert screenings(*apart) == [(31, 2, 31, None)]
    assert screenings(*apart, off(25)) == [(31, 1, 31, None)]
    assert screenings(*apart, off(25), off(10)) == [(31, 3, 31, None)]


@pytest.mark.parametrize("command", [tape(NOSFERATU, 5), no_tape(5)], ids=["on", "off"])
@pytest.mark.parametrize("steps", [[], [on("a", 0), off(3)]], ids=["before", "after"])
def test_tapes_are_for_live_broadcasts_only(command, steps):
    """A tape command is refused while no broadcast is live, and the host is told so."""
    with pytest.raises(Refused, match=r"^no broadcast is currently live$"):
        command(state_after(*steps))


@pytest.mark.parametrize("tape_id", [-1, 0, MAX_TAPE_ID + 1, 2**32 + 1])
def test_tape_ids_that_no_tape_can_have_are_refused(tape_id):
    """Zero makes a state that clients reject, and a large one would name another tape if it were cut."""
    with pytest.raises(Refused, match=r"^tape ID must be an integer$"):
        put_tape_on(state_after(on("a", 0)), NOSFERATU, tape_id, at(1))


@pytest.mark.parametrize("tape_id", [1, MAX_TAPE_ID])
def test_tape_ids_reach_from_one_to_the_largest(tape_id):
    """The first and the largest number are numbers of tapes."""
    state = put_tape_on(state_after(on("a", 0)), NOSFERATU, tape_id, at(1))
    assert snapshot_of(state).screening_tape_id == tape_id


def test_what_is_settled_leaves_its_tapes_behind():
    """The state stays small: it holds the tapes of the nights that it knows."""
    state = state_after(on("a", 0), tape(NOSFERATU, 5), off(60), on("b", 300), off(400), on("c", 600))
    assert state.tapes == ()
    assert state.last_broadcast_id == 3


def test_a_revoked_subscription_is_forgotten_once_something_of_it_is_sent():
    """What was sent before it was revoked proves nothing."""
    gone = Revocation("channel.cheer", "user_removed", at(10))
    state = ChannelState(revocations=(gone, Revocation("channel.raid", "moon_phase", at(9))))
    assert clear_revocation(state, "channel.cheer", at(9)) is state
    assert clear_revocation(state, "channel.follow", at(11)) is state
    assert [left.type for left in clear_revocation(state, "channel.cheer", at(11)).revocations] == [
        "channel.raid"
    ]


@given(
    facts=st.lists(
        st.one_of(
            some.stream_events(some.before(at(60), timedelta(minutes=50))),
            st.tuples(st.booleans(), st.integers(0, 70)),
        ),
        max_size=12,
    )
)
def test_a_screening_lies_within_its_broadcast_whatever_comes(facts):
    """Screenings lie within their broadcasts, and at most one is open, the one that viewers are told of."""
    state = ChannelState()
    for number, fact in enumerate(facts):
        match fact:
            case (is_on, minute) if state.timeline.live:
                step = tape(UUID(int=number + 1), minute) if is_on else no_tape(minute)
                state = step(state)
            case tuple():
                continue
            case some.ev.StreamOnline(stream, _, started_at, sent_at):
                state = apply_fact(state, WentOnAir(stream, started_at, sent_at))
            case some.ev.StreamOffline(sent_at):
                state = apply_fact(state, WentOffAir(sent_at))
    tables = broadcast_rows(state)
    within = {broadcast.id: broadcast for broadcast in tables.broadcasts}
    assert len(tables.screenings) == len(state.tapes)
    for one in tables.screenings:
        end = within[one.broadcast_id].ended_at
        assert within[one.broadcast_id].started_at <= one.started_at <= (one.ended_at or one.started_at)
        assert end is None or one.ended_at <= end
    open_ones = [one.tape_id for one in tables.screenings if one.ended_at is None]
    assert open_ones == [snapshot_of(state).screening_tape_id] * len(open_ones)
    assert len(open_ones) <= 1
    open_one = open_screening(state)
    assert [one for one in tables.screenings if one.ended_at is None] == ([open_one] if open_one else [])
