"""A month that two messages tell of is one payment, in whatever order they come."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.points_and_ghosts.payments import (
    SHARED_WITHIN,
    Payment,
    is_told_already,
    payment_of,
)
from showtime_core.testing.entries import BOB, MARGE, at

DAY = timedelta(days=1)


def began(day, viewer=MARGE, tier="1000"):
    return Payment(viewer.id, tier, is_shared=False, at=at(0) + day * DAY)


def shared(day, viewer=MARGE, tier="1000"):
    return Payment(viewer.id, tier, is_shared=True, at=at(0) + day * DAY)


def earning(*payments):
    """Which of them earn, told in this order."""
    return [not is_told_already(each, payments[:place]) for place, each in enumerate(payments)]


@pytest.mark.parametrize("day", [0, 5, 28, -5, -28])
def test_two_messages_within_28_days_are_one_payment(day):
    """Of the two, the first to come earns, whichever Twitch sent first."""
    assert earning(began(0), shared(day)) == earning(shared(day), began(0)) == [True, False]


@pytest.mark.parametrize(
    "other", [shared(28.0001), shared(-28.0001), shared(0, BOB), shared(0, tier="2000"), began(0)]
)
def test_what_differs_is_another_payment(other):
    """Later than 28 days, another viewer, another tier (an upgrade is paid for), or a second beginning."""
    assert earning(began(0), other) == earning(other, began(0)) == [True, True]


def test_each_message_belongs_to_one_payment():
    """Of two shares of one beginning, and of two beginnings with one share, one more earns."""
    assert earning(began(0), shared(1), shared(2)) == [True, False, True]
    assert earning(shared(1), shared(2), began(0)) == [True, True, False]
    assert earning(began(0), began(20), shared(21)) == [True, True, False]
    assert earning(began(0), shared(28), began(1)) == [True, False, True]


def test_a_share_that_two_beginnings_might_claim_is_left_to_the_one_that_needs_it():
    """The beginning of day 40 has the share of day 20 alone, so that of day 0 has the share of day -20."""
    assert earning(shared(20), began(0), shared(-20), began(40)) == [True, False, True, False]


def test_what_somebody_else_paid_is_no_payment():
    """A gift earns the recipient points of its own, and the recipient cannot share it as a renewal."""
    assert payment_of(ev.SubscriptionStart(MARGE, "1000", is_gift=True, sent_at=at(0)), at(0)) is None
    assert payment_of(ev.GiftedSubscriptions(MARGE, "1000", 5), at(0)) is None


def test_the_time_that_counts_is_twitchs():
    """A share that is tried again tells of when it was sent; one without a time was sent with its message."""
    shared_at_once = ev.Resubscription(MARGE, "1000", 14, "", at(1))
    assert payment_of(ev.EntryRetried("r", shared_at_once), at(90)).at == at(1)
    assert payment_of(ev.Resubscription(MARGE, "1000", 14, ""), at(2)).at == at(2)


TOLD = st.lists(
    st.tuples(st.sampled_from((began, shared)), st.integers(0, 120)).map(lambda told: told[0](told[1])),
    max_size=9,
)


@given(data=st.data(), told=TOLD)
def test_as_many_payments_earn_in_any_order(data, told):
    """Whichever messages come first, the number of payments that earn is the same."""
    shuffled = data.draw(st.permutations(told))
    assert sum(earning(*shuffled)) == sum(earning(*told))


@given(told=TOLD)
def test_no_more_is_left_out_than_can_be_told_twice(told):
    """What does not earn has a partner of the other kind, within 28 days, of its own."""
    lost = earning(*told).count(False)
    assert lost <= min(sum(one.is_shared for one in told), sum(not one.is_shared for one in told))
    near = [
        one
        for one in told
        if any(one.is_shared != other.is_shared and abs(one.at - other.at) <= SHARED_WITHIN for other in told)
    ]
    assert 2 * lost <= len(near)
    assert bool(lost) == bool(near)
