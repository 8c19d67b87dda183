"""What a viewer has; and the words of a ledger, by which a lost answer is found again."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given

from showtime_core.domain.points_and_ghosts.ledger import (
    MAX_MESSAGE_BYTES,
    Balance,
    FlowState,
    FlowType,
    Transaction,
    TransactionPage,
    describe_cheer,
    describe_ghost,
    describe_gift_subs,
    describe_subscription,
    truncate_message,
)
from showtime_core.testing import strategies as some


@given(some.texts())
def test_a_message_is_cut_to_what_the_ledger_keeps(message):
    """At 128 bytes at most, between two characters: what is left is how the message begins."""
    kept = truncate_message(message)
    assert len(kept.encode()) <= MAX_MESSAGE_BYTES
    assert message.replace("\0", "").startswith(kept)


@pytest.mark.parametrize(("message", "kept"), [("x" * 129, "x" * 128), ("x" * 126 + "👻", "x" * 126)])
def test_a_message_keeps_as_much_as_there_is_room_for(message, kept):
    """A character for whose bytes there is no room is left out whole."""
    assert truncate_message(message) == kept


def test_a_cheer_is_described_in_the_ledgers_own_words():
    """With its message where it has one that is left after cleaning."""
    assert describe_cheer("boo") == "Thank you for cheering with the message 'boo'!"
    assert describe_cheer("") == describe_cheer("\0") == "Thank you for cheering!"


@pytest.mark.parametrize(
    ("multiplier", "message", "is_initial", "is_gift", "said"),
    [
        (1, "", True, False, "Thank you for becoming a subscriber!"),
        (2, "", False, False, "Thank you for renewing your subscription (at a tier with 2x credit)!"),
        (1, "again", False, False, "Thank you for renewing your subscription with the message 'again'!"),
        (5, "", True, True, "You received a gift sub (at a tier with 5x credit)!"),
    ],
)
def test_a_subscription_is_described_by_how_it_came_its_tier_and_its_message(
    multiplier, message, is_initial, is_gift, said
):
    """A gift goes before the question whether it is the first."""
    assert describe_subscription(multiplier, message, is_initial=is_initial, is_gift=is_gift) == said


def test_gifts_and_ghosts_are_told_apart_from_everything_else():
    """By how many, and by the type of the alert."""
    assert describe_gift_subs(5) == "Thank you for gifting 5 subscriptions!"
    assert describe_ghost() == "Redeemed alert of type 'image-generation'"


def flow(points: int, state: FlowState = FlowState.ACCEPTED) -> Transaction:
    return Transaction(
        UUID(int=abs(points)), FlowType.CHEER, state, points, "", datetime(1986, 10, 31, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("flows", "balance"),
    [
        ([], Balance(0, 0)),
        ([flow(500)], Balance(500, 500)),
        ([flow(500), flow(-200, FlowState.PENDING)], Balance(500, 300)),
        ([flow(500), flow(-200)], Balance(300, 300)),
        ([flow(500), flow(-200, FlowState.REJECTED)], Balance(500, 500)),
        ([flow(-200, FlowState.PENDING), flow(-100), flow(-50, FlowState.REJECTED)], Balance(-100, -300)),
    ],
)
def test_a_balance_follows_from_the_transactions(flows, balance):
    """What is accepted counts, what is pending lowers what is available, and what is rejected is nothing."""
    assert Balance.of(flows) == balance


@pytest.mark.parametrize(("limit", "count", "next_"), [(1, 1, 2), (2, 2, 3), (3, 3, None), (4, 3, None)])
def test_a_page_tells_what_the_next_begins_with(limit, count, next_):
    """There is a next page only where one transaction more is there than the page holds."""
    page = TransactionPage.of([flow(1), flow(2), flow(3)], limit)
    assert page.transactions == (flow(1), flow(2), flow(3))[:count]
    assert page.next == (next_ and UUID(int=next_))
