"""What may be decided about an effect that is parked; see also the contract of the parking."""

from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve

from showtime_core.domain.outbox import Job, Status
from showtime_core.domain.parked import Decision, choices, decide
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
    kind,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, Refusal, Step, Task
from showtime_core.errors import Refused
from showtime_core.testing.entries import MARGE
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.use_cases.perform import Outside, perform

SUMMONS = SummonGhost(uuid4(), MARGE, "a pager", None)
CREDITS = (
    CreditCheer(MARGE, 200, ""),
    CreditSubscription(MARGE, 600, 1, is_initial=True, is_gift=False, message=""),
    CreditGiftSubs(MARGE, 200, 1, 5),
)
ALL = (*CREDITS, SUMMONS, *(AdvanceGhost(SUMMONS.ghost_id, MARGE, task) for task in Task))


def job(effect, ghost=None):
    return Job("k", "e", effect, 3, ghost, in_doubt_for=timedelta(minutes=1))


@pytest.mark.parametrize("effect", ALL, ids=kind)
def test_there_is_always_a_way_on(effect):
    """Everything can be tried again, and nothing else can be decided than what is offered."""
    assert choices(effect)[0] is Decision.RETRY
    ghost = SUMMONS.begin(uuid4())
    for decision in Decision:
        if decision in choices(effect):
            assert decide(job(effect, ghost), decision).status in {Status.DUE, Status.DISMISSED, Status.DONE}
        else:
            with pytest.raises(Refused, match=f"has no {decision}: choose retry"):
                decide(job(effect, ghost), decision)


@pytest.mark.parametrize("effect", ALL, ids=kind)
def test_only_a_post_is_sure_not_to_be_there(effect):
    """What became of points is seen by looking, whoever has them tried again."""
    is_post = isinstance(effect, AdvanceGhost) and effect.task is Task.POST
    assert decide(job(effect), Decision.RETRY).is_sure == is_post


@pytest.mark.parametrize("is_spent", [True, False])
async def test_a_payment_that_is_dismissed_may_have_been_made(is_spent):
    """Its answer was lost: where the points are spent the ghost is shown after all, and else they go back."""
    ledger = MemoryLedger()
    await ledger.credit(CREDITS[0], "c")
    flow_id = await ledger.reserve(MARGE, 200, SUMMONS.ghost_id, "r")
    if is_spent:
        await ledger.accept(MARGE, flow_id)
    ghost: Ghost = evolve(SUMMONS.begin(flow_id), step=Step.STORED, url="https://ghosts.example/1.jpg")
    dismissed = decide(job(AdvanceGhost(ghost.id, MARGE, Task.PAY), ghost), Decision.DISMISS)
    assert dismissed.ghost
    assert dismissed.then
    assert (dismissed.ghost.refusal, dismissed.then.key) == (Refusal.FAILURE, "e:reject-points")
    outside = Outside(None, ledger, ledger, None, None, None, None, timedelta(0))
    settlement = await perform(job(dismissed.then.effect, dismissed.ghost), outside, chance=0)
    balance = await ledger.balance(MARGE)
    assert settlement.ghost
    if is_spent:
        assert (settlement.ghost.step, settlement.ghost.refusal) == (Step.PAID, None)
        assert settlement.then
        assert settlement.then.key == "e:show-ghost"
        assert (balance.total, balance.available) == (0, 0)
    else:
        assert (settlement.ghost.step, settlement.then) == (Step.REFUNDED, None)
        assert (balance.total, balance.available) == (200, 200)
