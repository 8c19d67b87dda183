"""What a night came to."""

from showtime_core.domain.night_feed.totals import NightTally, add_up
from showtime_core.testing.entries import at


def test_sums_are_added_up():
    """Numbers and amounts of each kind are added; ghosts cost points; slots with neither are left out."""
    tallies = [
        NightTally(at(0), "cheer", 2, 300),
        NightTally(at(0), "points", 2, 300),
        NightTally(at(10), "follow", 3, 0),
        NightTally(at(20), "generated-images", 1, 0),
        NightTally(at(20), "points", 1, 50),
    ]
    sums = add_up(at(0), at(30), tallies)
    assert (sums.follows, sums.bits, sums.ghosts) == (3, 300, 1)
    assert (sums.points_earned, sums.points_spent) == (350, 200)
    assert [(step.at, step.points, step.ghosts) for step in sums.plot] == [(at(0), 300, 0), (at(20), 50, 1)]
    assert add_up(None, at(30), []).plot == ()
