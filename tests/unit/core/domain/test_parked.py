"""What may be decided about an effect that is parked; see also the contract of the parking."""

from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve

from showtime_core.domain.outbox import EffectStatus, Job
from showtime_core.domain.parked import Decision, allowed_decisions, settle_decision
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
    effect_kind,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep, GhostTask
from showtime_core.errors import Refused
from showtime_core.testing.entries import MARGE
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.use_cases.perform import Services, perform

SUMMONS = SummonGhost(uuid4(), MARGE, "a pager", None)
CREDITS = (
    CreditCheer(MARGE, 200, ""),
    CreditSubscription(MARGE, 600, 1, is_initial=True, is_gift=False, message=""),
    CreditGiftSubs(MARGE, 200, 1, 5),
)
ALL = (*CREDITS, SUMMONS, *(AdvanceGhost(SUMMONS.ghost_id, MARGE, task) for task in GhostTask))


def job(effect, ghost=None):
    return Job("k", "e", effect, 3, ghost, in_doubt_for=timedelta(minutes=1))


@pytest.mark.parametrize("effect", ALL, ids=effect_kind)
def test_there_is_always_a_way_on(effect):
    """Everything can be tried again, and nothing else can be decided than what is offered."""
    assert allowed_decisions(effect)[0] is Decision.RETRY
    ghost = SUMMONS.begin(uuid4())
    for decision in Decision:
        if decision in allowed_decisions(effect):
            assert settle_decision(job(effect, ghost), decision).status in {
                EffectStatus.DUE,
                EffectStatus.DISMISSED,
                EffectStatus.DONE,
            }
        else:
            with pytest.raises(Refused, match=f"has no {decision}: choose retry"):
                settle_decision(job(effect, ghost), decision)


@pytest.mark.parametrize("effect", ALL, ids=effect_kind)
def test_only_a_post_is_sure_not_to_be_there(effect):
    """What became of points is seen by looking, whoever has them tried again."""
    is_post = isinstance(effect, AdvanceGhost) and effect.task is GhostTask.POST
    assert settle_decision(job(effect), Decision.RETRY).clears_doubt == is_post


@pytest.mark.parametrize("is_spent", [True, False])
async def test_a_payment_that_is_dismissed_may_have_been_made(is_spent):
    """Its answer was lost: where the points are spent the ghost is shown after all, and else they go back."""
    ledger = MemoryLedger()
    await ledger.credit(CREDITS[0], "c")
    flow_id = await ledger.reserve(MARGE, 200, SUMMONS.ghost_id, "r")
    if is_spent:
        await ledger.accept(MARGE, flow_id)
    ghost: Ghost = evolve(SUMMONS.begin(flow_id), step=GhostStep.STORED, url="https://ghosts.example/1.jpg")
    dismissed = settle_decision(job(AdvanceGhost(ghost.id, MARGE, GhostTask.PAY), ghost), Decision.DISMISS)
    assert dismissed.ghost
    assert dismissed.next_effect
    assert (dismissed.ghost.refusal, dismissed.next_effect.key) == (GhostRefusal.FAILURE, "e:reject-points")
    services = Services(None, ledger, ledger, None, None, None, None, timedelta(0))
    settlement = await perform(job(dismissed.next_effect.effect, dismissed.ghost), services, chance=0)
    balance = await ledger.balance(MARGE)
    assert settlement.ghost
    if is_spent:
        assert (settlement.ghost.step, settlement.ghost.refusal) == (GhostStep.PAID, None)
        assert settlement.next_effect
        assert settlement.next_effect.key == "e:show-ghost"
        assert (balance.total, balance.available) == (0, 0)
    else:
        assert (settlement.ghost.step, settlement.next_effect) == (GhostStep.REFUNDED, None)
        assert (balance.total, balance.available) == (200, 200)
