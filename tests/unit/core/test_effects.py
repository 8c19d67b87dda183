"""What can be credited: the bounds of every ledger."""

import pytest

from showtime_core.effects import MAX_POINTS, CreditCheer, CreditGiftSubs, CreditSubscription, why_impossible
from showtime_core.journal import PlannedEffect, Status
from showtime_core.testing.script import MARGE


def cheer(points):
    return CreditCheer(MARGE, points, "")


def month(base, times):
    return CreditSubscription(MARGE, base, times, is_initial=True, is_gift=False, message="")


@pytest.mark.parametrize(
    ("credit", "reason"),
    [
        (cheer(1), None),
        (cheer(MAX_POINTS), None),
        (cheer(0), "0 points"),
        (cheer(-200), "-200 points"),
        (cheer(MAX_POINTS + 1), "2147483648 points"),
        (month(MAX_POINTS, 1), None),
        (month(MAX_POINTS // 5 + 1, 5), "2147483650 points in all"),
        (month(600, 0), "0 times the points of tier 1"),
        (CreditGiftSubs(MARGE, 200, 5, 2147483), None),
        (CreditGiftSubs(MARGE, 200, 5, 2147484), "2147484000 points in all"),
        (CreditGiftSubs(MARGE, 200, 1, MAX_POINTS + 1), "2147483648 subscriptions"),
        (CreditGiftSubs(MARGE, 200, -1, -5), "-1 times the points of tier 1"),
    ],
)
def test_what_is_out_of_the_ledgers_bounds_is_parked_when_it_is_planned(credit, reason):
    """Each number, and what they come to, is from 1 to what 32 bits hold; the reason names the value."""
    said = reason and f"{reason}: the ledger takes 1 to 2147483647"
    assert why_impossible(credit) == said
    planned = PlannedEffect("e:credit", "e", credit)
    assert (planned.status, planned.remark) == (Status.PARKED if said else Status.DUE, said)
