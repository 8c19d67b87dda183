"""Recipients fold into the gift that they belong to."""

from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Outcome
from showtime_core.domain.night_feed.gifts import fold_gifts
from showtime_core.domain.night_feed.rows import NightEntry
from showtime_core.testing.entries import BOB, MARGE, at
from showtime_core.testing.strategies import entry

SECOND = 1 / 60


def gift(position, total, seconds=0.0, tier="1000"):
    content = ev.GiftedSubscriptions(MARGE, tier, total)
    return NightEntry(position, entry(f"e{position}", content, at(seconds * SECOND)), at(0), Outcome.REACTED)


def received(position, seconds=0.0, tier="1000", *, is_gift=True):
    moment = at(seconds * SECOND)
    content = ev.SubscriptionStart(BOB, tier, is_gift, moment)
    return NightEntry(position, entry(f"e{position}", content, moment), at(0), Outcome.REACTED)


def folded(*entries):
    return {gift: [each.position for each in parts] for gift, parts in fold_gifts(entries).items()}


def test_recipients_belong_to_the_gift_of_their_tier():
    """A recipient is part of a gift of the same tier, before it or after it; who has paid is of none."""
    assert folded(
        received(1), gift(2, 2), received(3), received(4, tier="2000"), received(5, is_gift=False)
    ) == {2: [1, 3]}


def test_a_gift_has_no_more_parts_than_it_gives():
    """A gift that is complete takes no more: the next recipient belongs to the next gift, or to none."""
    assert folded(gift(1, 1), received(2), received(3), gift(4, 1), received(5)) == {1: [2], 4: [3]}


def test_a_gift_of_another_time_takes_none():
    """What comes more than a minute apart does not belong together; of two gifts the nearer one counts."""
    assert folded(gift(1, 5), received(2, seconds=61)) == {1: []}
    assert folded(gift(1, 5, seconds=0), gift(2, 5, seconds=50), received(3, seconds=40)) == {1: [], 2: [3]}


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.integers(0, 90)), max_size=12))
def test_no_recipient_is_part_of_two_gifts(told):
    """However gifts and recipients mix, a recipient is part of one gift at most, and no gift overflows."""
    entries = [
        gift(number, total, seconds) if is_gift else received(number, seconds)
        for number, (is_gift, total, seconds) in enumerate(told)
    ]
    parts = folded(*entries)
    every = [position for found in parts.values() for position in found]
    assert len(every) == len(set(every))
    assert all(len(found) <= told[number][1] for number, found in parts.items())
