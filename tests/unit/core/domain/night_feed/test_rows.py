"""Which night it is."""

import pytest

from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.night_feed.rows import night_since
from showtime_core.testing.entries import at

HOUR = 60


@pytest.mark.parametrize(
    ("latest", "now", "since"),
    [
        ([], 0, None),
        ([Broadcast(1, at(0), None)], HOUR, -12 * HOUR),
        ([Broadcast(2, at(0), None), Broadcast(1, at(-3 * HOUR), at(-HOUR))], HOUR, -HOUR),
        ([Broadcast(2, at(0), None), Broadcast(1, at(-30 * HOUR), at(-24 * HOUR))], HOUR, -12 * HOUR),
        ([Broadcast(1, at(0), at(2 * HOUR))], 8 * HOUR - 1, -12 * HOUR),
        ([Broadcast(1, at(0), at(2 * HOUR))], 8 * HOUR, 2 * HOUR),
    ],
)
def test_a_night_begins_before_its_stream(latest, now, since):
    """A night begins with the end of the one before, twelve hours before its stream at most."""
    assert night_since(at(now), latest) == (None if since is None else at(since))
