"""What each event earns."""

import pytest

from showtime_core.domain.points_and_ghosts.points import (
    POINTS_PER_BIT,
    POINTS_PER_GHOST,
    POINTS_PER_GIFT,
    POINTS_PER_SUBSCRIPTION,
    TIMES_OF_TIER1,
)


def test_the_prices_are_those_of_the_channel():
    """Viewers know them by heart."""
    assert (POINTS_PER_BIT, POINTS_PER_SUBSCRIPTION, POINTS_PER_GIFT, POINTS_PER_GHOST) == (1, 600, 200, 200)


@pytest.mark.parametrize(("tier", "times"), [("1000", 1), ("2000", 2), ("3000", 5)])
def test_points_follow_the_money(tier, times):
    """Tiers cost 5, 10 and 25 dollars."""
    assert TIMES_OF_TIER1[tier] == times


@pytest.mark.parametrize("tier", ["", "4000", "Prime", "1000 ", "0"])
def test_an_unknown_tier_has_no_multiplier(tier):
    """It is reported, not guessed."""
    assert tier not in TIMES_OF_TIER1
