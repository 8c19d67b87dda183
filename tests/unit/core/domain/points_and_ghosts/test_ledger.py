"""The words in which a ledger describes its transactions: by them a lost answer is found again."""

import pytest
from hypothesis import given

from showtime_core.domain.points_and_ghosts.ledger import (
    MAX_MESSAGE_BYTES,
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
