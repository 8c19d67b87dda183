"""What each event earns in fun points, and why.

A subscription is worth more than a cheer of the same price, since it pays the tapes of a whole month;
a gift earns its giver less than a subscription of one's own, because each recipient is credited as well.
"""

from typing import assert_never

from showtime_core.domain.events import Tier

POINTS_PER_BIT = 1
"""For each bit of a cheer."""
POINTS_PER_SUBSCRIPTION = 600
"""For a month at tier 1, first or renewed, paid by oneself or received as a gift."""
POINTS_PER_GIFT = 200
"""To the giver, for each subscription given at tier 1."""
POINTS_PER_GHOST = 200
"""The price of a ghost; also the least number of bits in a cheer that asks for one."""


def multiplier(tier: str) -> int | None:
    """Tell how many times the points of tier 1 this tier earns; None for a tier that is not known.

    Tiers cost $5, $10 and $25, and points follow the money: a subscriber at tier 3 pays five times as much.
    """
    try:
        known = Tier(tier)
    except ValueError:
        return None
    match known:
        case Tier.ONE:
            return 1
        case Tier.TWO:
            return 2
        case Tier.THREE:
            return 5
        case _:
            assert_never(known)
