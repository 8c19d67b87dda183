"""Which reports are about one thing, however often it is reported."""

import pytest

from showtime_core.domain import events as ev
from showtime_core.testing.entries import BOB, MARGE, at

BEGIN, END = ev.HypeTrainPhase.BEGIN, ev.HypeTrainPhase.END


def written(message_id):
    return ev.ChatMessageSent(message_id, MARGE, "", "be kind")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (ev.Follow(MARGE, at(1)), ev.Follow(MARGE, at(1)), True),
        (ev.Follow(MARGE, at(1)), ev.Follow(MARGE, at(2)), False),
        (ev.Follow(MARGE, at(1)), ev.Follow(BOB, at(1)), False),
        (ev.HypeTrainUpdate("choo", BEGIN, 1), ev.HypeTrainUpdate("choo", BEGIN, 2), True),
        (ev.HypeTrainUpdate("choo", BEGIN, 1), ev.HypeTrainUpdate("choo", END, 1), False),
        (ev.Redemption("rewind", MARGE), ev.Redemption("rewind", BOB), True),
        (written("first!"), written("first!"), True),
        (written("first!"), written("second!"), False),
        (ev.Redemption("1", MARGE), written("1"), False),
    ],
)
def test_a_natural_key_names_the_fact(one, other, is_same):
    """A key is equal for two reports of one thing, and different for two things."""
    assert ev.dedup_key(one)
    assert (ev.dedup_key(one) == ev.dedup_key(other)) is is_same


@pytest.mark.parametrize(
    "event",
    [
        ev.Cheer(MARGE, 100, "again!"),
        ev.SubscriptionStart(MARGE, "1000", is_gift=False, sent_at=at(0)),
        ev.Resubscription(MARGE, "1000", 2, ""),
        ev.GiftedSubscriptions(MARGE, "1000", 1),
        ev.StreamOnline("a", "live", at(0), at(0)),
        ev.StreamOffline(at(0)),
        ev.Raid(BOB, 3),
        ev.HypeTrainUpdate("choo", ev.HypeTrainPhase.PROGRESS, 1),
        ev.ChatMessageDeleted("first!"),
        ev.ChatUserSilenced(MARGE.id),
        ev.ChatCleared(),
        ev.TapeStopped(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_may_honestly_happen_twice_has_no_key(event):
    """Two cheers of 100 bits are two; a stream's second online is for the timeline to judge."""
    assert ev.dedup_key(event) is None
