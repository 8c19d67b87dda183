"""The table of decisions in the docs says what the code offers."""

from pathlib import Path
from uuid import uuid4

import pytest

from showtime_core.domain.parked import Decision, allowed_decisions
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
    effect_kind,
)
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.testing.entries import MARGE

PAGE = (Path(__file__).parents[3] / "docs/how-to/decide-what-is-parked.md").read_text("utf-8")
GHOST = uuid4()
EFFECTS = (
    CreditCheer(MARGE, 200, ""),
    CreditSubscription(MARGE, 600, 1, is_initial=True, is_gift=False, message=""),
    CreditGiftSubs(MARGE, 200, 1, 5),
    SummonGhost(GHOST, MARGE, "a pager", None),
    *(AdvanceGhost(GHOST, MARGE, task) for task in GhostTask),
    CheckForDouble(CreditCheer(MARGE, 200, ""), GHOST),
    CheckForDouble(CreditSubscription(MARGE, 600, 1, is_initial=True, is_gift=False, message=""), GHOST),
    CheckForDouble(CreditGiftSubs(MARGE, 200, 1, 5), GHOST),
    CheckForDouble(SummonGhost(GHOST, MARGE, "a pager", None), GHOST),
)


def offered(name: str) -> set[str]:
    """The decisions that the page has something to say of, for what is parked."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| ") and name in line.split("|")[1])
    head = next(line for line in PAGE.splitlines() if line.startswith("| what is parked |"))
    cells = zip(head.split("|")[2:-1], row.split("|")[2:-1], strict=True)
    return {decision.strip(" `") for decision, says in cells if says.strip()}


@pytest.mark.parametrize("effect", EFFECTS, ids=effect_kind)
def test_the_page_offers_what_may_be_decided(effect):
    """For each kind of effect the page offers just the decisions that the code allows."""
    assert offered(f"`{effect_kind(effect)}`") == set(allowed_decisions(effect))


def test_of_a_message_the_page_offers_two():
    """It can be tried again, or be let go."""
    assert offered("a message") == {Decision.RETRY, Decision.DISMISS}
