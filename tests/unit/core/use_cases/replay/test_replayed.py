"""The channel as the journal alone makes it."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.events import Resubscription
from showtime_core.domain.journal import PRUNED, JournalRecord, Malformed, Outcome
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import MARGE, at, follows, online
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.replay.replayed import ReplayedChannel, as_it_came


def record(told, outcome=Outcome.REACTED, remark=None) -> JournalRecord:
    return JournalRecord(told, at(0), Policy(), outcome, remark)


@pytest.mark.parametrize("outcome", [Outcome.RETRIED, Outcome.DISMISSED])
def test_what_was_decided_about_came_as_something_to_be_parked(outcome):
    """Whatever an entry says by now, it was parked then; one that was pruned says nothing."""
    parked = follows("f")
    assert as_it_came(parked, record(parked, outcome, "why")).content == Malformed("why")
    pruned = evolve(parked, content=PRUNED)
    assert as_it_came(pruned, record(pruned, outcome, "why")) is pruned


def test_a_fact_that_another_entry_told_first_is_repeated():
    """The table of facts tells who reported one first."""
    again = follows("second")
    [verdict] = ReplayedChannel().plan(again, record(again), {again.dedup_key: "first"}).verdicts
    assert (verdict.outcome, verdict.remark) == (Outcome.REPEATED, "first")


@pytest.mark.parametrize(("minutes", "is_known"), [(30, False), (90, True)])
def test_the_state_is_known_again_once_a_night_begins_that_nothing_lost_can_join(minutes, is_known):
    """A night that begins more than an hour after what was lost is whole; an earlier one is not compared."""
    channel, begins = ReplayedChannel(), online("41000", minutes)
    channel.lose(at(0))
    channel.begin_again(ChannelState(last_broadcast_id=7))
    channel.apply(begins, record(begins), channel.plan(begins, record(begins), {}))
    assert (channel.lost_at is None) is is_known
    assert channel.compared_after == (7 if is_known else 8)


@pytest.mark.parametrize(
    ("days", "is_older_parked", "is_known"), [(89, False, True), (400, False, False), (400, True, True)]
)
def test_payments_are_forgotten_once_no_message_can_tell_of_them(days, is_older_parked, is_known):
    """They are kept for ninety days, or for as long as a message is parked that is as old."""
    channel = ReplayedChannel()
    channel.remember([Payment(MARGE.id, "1000", is_shared=False, at=at(0))])
    if is_older_parked:
        channel.presume_parked("old", at(0))
    channel.forget_payments(at(0) + timedelta(days=days))
    shared = entry("shared", Resubscription(MARGE, "1000", 2, "hi", at(5)), at(5))
    assert bool(channel.plan(shared, record(shared), {}).effects) is not is_known
