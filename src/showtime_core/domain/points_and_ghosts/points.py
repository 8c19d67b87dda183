"""What each event earns in fun points, and why.

A subscription is worth more than a cheer of the same price, since it pays the tapes of a whole month;
a gift earns its giver less than a subscription of one's own, because each recipient is credited as well.
"""

POINTS_PER_BIT = 1
"""For each bit of a cheer."""
POINTS_PER_SUBSCRIPTION = 600
"""For a month at tier 1, first or renewed, paid by oneself or received as a gift."""
POINTS_PER_GIFT = 200
"""To the giver, for each subscription given at tier 1."""
POINTS_PER_GHOST = 200
"""The price of a ghost."""
BITS_PER_GHOST = POINTS_PER_GHOST // POINTS_PER_BIT
"""The least number of bits in a cheer that asks for a ghost: those that earn its price."""

TIMES_OF_TIER1 = {"1000": 1, "2000": 2, "3000": 5}
"""How many times the points of tier 1 each tier earns; any other earns none.

Twitch's tiers cost $5, $10 and $25, and points follow the money: who is at tier 3 pays five times as much.
"""
