"""What may be done outside: its name for ever, what it needs and waits for, and the bounds of a ledger."""

from uuid import UUID

import pytest
from attrs import evolve

from showtime_core.domain.outbox import EffectStatus, PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import (
    MAX_POINTS,
    AdvanceGhost,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    Feature,
    SummonGhost,
    describe_done,
    effect_key,
    effect_kind,
    effect_lane,
    required_features,
    why_impossible,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep, GhostTask
from showtime_core.testing.entries import MARGE

GHOST = UUID(int=1986)
CREDITS = [
    CreditCheer(MARGE, 100, ""),
    CreditSubscription(MARGE, 600, 2, is_initial=True, is_gift=False, message=""),
    CreditGiftSubs(MARGE, 200, 1, 5),
]
SUMMON = SummonGhost(GHOST, MARGE, "a fax machine", None)
STEPS = [AdvanceGhost(GHOST, MARGE, task) for task in GhostTask]


def test_the_effects_of_an_entry_have_names_of_their_own():
    """The key is the entry's id and the kind: two kinds, or two entries, never share one."""
    kinds = [effect_kind(effect) for effect in (*CREDITS, SUMMON, *STEPS)]
    assert len(set(kinds)) == len(kinds)
    assert effect_key("m-1", SUMMON) == "m-1:summon-ghost"
    assert effect_key("m-1", CREDITS[0]) == "m-1:credit-cheer"


@pytest.mark.parametrize("effect", CREDITS, ids=effect_kind)
def test_a_credit_needs_points_alone(effect):
    """A channel without ghosts credits all the same."""
    assert required_features(effect) == {Feature.POINTS}


@pytest.mark.parametrize("effect", [SUMMON, *STEPS], ids=effect_kind)
def test_a_ghost_needs_points_as_well(effect):
    """It is paid with them."""
    assert required_features(effect) == {Feature.POINTS, Feature.GHOSTS}


@pytest.mark.parametrize("effect", [*CREDITS, SUMMON, *STEPS], ids=effect_kind)
def test_what_calls_the_ledger_is_done_one_at_a_time_for_a_viewer_and_nothing_else_is(effect):
    """A lost answer is settled by looking at the viewer's transactions; painting delays no credit."""
    asks_the_ledger = not isinstance(effect, AdvanceGhost) or effect.task in {GhostTask.PAY, GhostTask.REFUND}
    assert effect_lane(effect) == (MARGE.id if asks_the_ledger else None)


def test_a_ghost_begins_with_its_points_reserved_or_says_why_it_does_not():
    """What was asked for stays with it, either way."""
    flow = UUID(int=7)
    summon = evolve(SUMMON, screening_id=UUID(int=8))
    asked = GHOST, MARGE, "a fax machine", UUID(int=8)
    refusal = GhostRefusal.POINTS, "not enough points"
    assert summon.begin(flow) == Ghost(*asked, GhostStep.RESERVED, flow)
    assert summon.refuse(*refusal) == Ghost(*asked, GhostStep.REFUSED, None, None, *refusal)


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
    assert (planned.status, planned.remark) == (EffectStatus.PARKED if said else EffectStatus.DUE, said)


def test_what_was_done_is_said_in_words():
    """The log says whom it credited, and with all the points that they are."""
    assert [describe_done(credit) for credit in CREDITS] == [
        f"credited {points} to {MARGE.name}" for points in (100, 1200, 1000)
    ]
    ghost = SummonGhost(GHOST, MARGE, "a baby seal", None)
    assert describe_done(ghost) == f"reserved the points of {MARGE.name} for a ghost of a baby seal"
    assert describe_done(AdvanceGhost(GHOST, MARGE, GhostTask.PAINT)) == f"done for {MARGE.name}: paint-ghost"
