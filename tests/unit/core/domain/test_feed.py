"""Where the feed stands."""

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from showtime_core.domain.feed import FeedEntry, FeedPosition

TIP = FeedPosition("e1", 7, '{"isLive":false}')


@pytest.mark.parametrize("other", [{"epoch": "e2"}, {"id": 8}, {"snapshot": '{"isLive":true}'}])
def test_two_tips_are_one_only_where_epoch_id_and_state_are(other):
    """An id of another epoch is another place, and a state that changed without news is another too."""
    assert evolve(TIP) == TIP
    assert evolve(TIP, **other) != TIP


def test_what_was_read_of_the_feed_cannot_be_changed():
    """Clients of one instance share it."""
    entry = FeedEntry(7, "alerts", "{}")
    with pytest.raises(FrozenInstanceError):
        entry.payload = "[]"  # type: ignore[misc]
