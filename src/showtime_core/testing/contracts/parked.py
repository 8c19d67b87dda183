"""What every parking keeps to: a suite of rules, to be mixed into a class of tests beside `OutboxContract`.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Malformed, ParkedEntry, Unknown
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, Settlement, settle_ghost_step
from showtime_core.domain.parked import Decision, settle_decision
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.domain.points_and_ghosts.ghosts import (
    GhostProgress,
    GhostRefusal,
    GhostStep,
    GhostTask,
    ghost_id_of,
)
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotFound, Refused, ShowtimeError
from showtime_core.testing.contracts.outbox import ALL, DONE, JPEG, OutboxStage, cheer, reserved
from showtime_core.testing.entries import BOB, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import receive

UNKNOWN_RESULT = Settlement(EffectStatus.PARKED, "who knows", in_doubt=True)


async def lease_one(stage: OutboxStage) -> Job:
    """Take the only effect that is due."""
    (job,) = await stage.outbox.lease(ALL, 100)
    return job


async def take(stage: OutboxStage, decision: Decision, key: str) -> None:
    """Decide about an effect."""
    await stage.parked_items.settle(key, partial(settle_decision, decision=decision))


async def park(stage: OutboxStage, settlement: Settlement = UNKNOWN_RESULT) -> Job:
    """Park the only effect that is due."""
    job = await lease_one(stage)
    await stage.outbox.settle(job, settlement)
    return job


async def park_step(stage: OutboxStage, task: GhostTask) -> Job:
    """Bring a ghost that a viewer asks for to a step of its life, and park that."""
    await stage.record(ev.GhostRequested(BOB, "a fax machine"))
    job = await lease_one(stage)
    ghost = reserved(job)
    await stage.outbox.settle(job, settle_ghost_step(job, ghost))
    if task is GhostTask.REFUND:
        ghost = evolve(ghost, refusal=GhostRefusal.CONTENT, reason="no faxes")
        job = await lease_one(stage)
        await stage.outbox.settle(job, settle_ghost_step(job, ghost, EffectStatus.REFUSED, "no faxes"))
    url = "https://ghosts.example/1.jpg"
    for step in (GhostStep.PAINTED, GhostStep.STORED, GhostStep.PAID, GhostStep.SHOWN):
        job = await lease_one(stage)
        if job.key.endswith(task):
            break
        ghost = evolve(ghost, step=step, jpeg=JPEG, url=url)
        await stage.outbox.settle(job, settle_ghost_step(job, ghost))
    else:
        job = await lease_one(stage)
    assert job.key.endswith(task)
    await stage.outbox.settle(job, UNKNOWN_RESULT)
    return job


def names(parked: Sequence[ParkedEntry | ParkedEffect]) -> list[str]:
    """Name what is parked."""
    return [each.entry.id if isinstance(each, ParkedEntry) else each.job.key for each in parked]


class ParkedItemsContract:
    """The rules of `showtime_core.ports.ParkedItems`."""

    # --- looking -------------------------------------------------------------------------------------

    async def test_what_is_parked_is_listed(self, stage: OutboxStage) -> None:
        """What is parked, and nothing else, is listed with its reason, the oldest first."""
        torn = [entry(name, Malformed(f"{name} is torn"), at(0)) for name in ("first", "second")]
        await receive([*torn, entry("news", ev.Raid(BOB, 3), at(1))], stage.units, Policy())
        await stage.record(cheer(), cheer(BOB), cheer())
        mine, theirs = await stage.outbox.lease(ALL, 100)
        for job in (mine, theirs):
            await stage.outbox.settle(job, UNKNOWN_RESULT)
        parked = await stage.parked_items.list_parked(100)
        assert names(parked) == ["first", "second", mine.key, theirs.key]
        assert [each.reason for each in parked] == ["first is torn", "second is torn", *["who knows"] * 2]
        assert names(await stage.parked_items.list_parked(1)) == ["first", mine.key]
        effect = parked[2]
        assert isinstance(effect, ParkedEffect)
        assert (effect.job.effect, effect.job.attempts) == (mine.effect, 1)
        assert effect.job.in_doubt_for is not None

    async def test_what_can_never_be_credited_is_parked_at_once(self, stage: OutboxStage) -> None:
        """Out of its lane: the viewer's other credits are due. Tried again, it can still not be credited."""
        gift, small = ev.GiftedSubscriptions(BOB, "1000", 2**31 - 1), cheer(BOB)
        before, impossible, after = await stage.record(small, gift, small)
        for name in (before, after):
            job = await lease_one(stage)
            assert job.entry_id == name
            await stage.outbox.settle(job, DONE)
        [parked] = await stage.parked_items.list_parked(100)
        assert isinstance(parked, ParkedEffect)
        assert (parked.job.entry_id, parked.job.attempts, parked.job.in_doubt_for) == (impossible, 0, None)
        assert parked.reason == f"{200 * (2**31 - 1)} points in all: the ledger takes 1 to 2147483647"

    async def test_an_entry_that_is_parked_is_given_as_it_came(self, stage: OutboxStage) -> None:
        """A parked entry is given with its unread body and its policy, and no other is given."""
        torn, news = entry("torn", Malformed("?"), at(0)), entry("news", ev.Raid(BOB, 3), at(1))
        policy = Policy(alert_gift_recipients=True, features=frozenset())
        await receive([torn, news], stage.units, policy)
        parked = await stage.parked_items.parked_entry("torn")
        assert parked
        assert (parked.entry, parked.policy) == (evolve(torn, content=Unknown()), policy)
        assert (await stage.parked_items.list_parked(1)) == [
            evolve(parked, entry=evolve(parked.entry, body=b""))
        ]
        assert await stage.parked_items.parked_entry("news") is None
        assert await stage.parked_items.parked_entry("nothing") is None

    # --- deciding ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("decision", Decision)
    async def test_what_is_not_parked_cannot_be_decided(self, stage: OutboxStage, decision: Decision) -> None:
        """What is due, leased, done, unknown or already decided cannot be decided."""
        await stage.record(cheer(), cheer(BOB))
        job, other = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(other, DONE)
        for key in (job.key, other.key, "nothing"):
            with pytest.raises(NotFound):
                await take(stage, decision, key)
        await stage.outbox.settle(job, UNKNOWN_RESULT)
        await take(stage, decision, job.key)
        with pytest.raises(NotFound):
            await take(stage, decision, job.key)

    async def test_what_is_refused_changes_nothing(self, stage: OutboxStage) -> None:
        """It is parked as it was."""
        job = await park_step(stage, GhostTask.REFUND)
        before = await stage.parked_items.list_parked(100)
        with pytest.raises(Refused):
            await take(stage, Decision.DISMISS, job.key)
        after = await stage.parked_items.list_parked(100)
        assert (names(after), [one.reason for one in after]) == ([job.key], ["who knows"])
        assert len(before) == 1

    async def test_two_who_decide_at_once_do_not_both(self, stage: OutboxStage) -> None:
        """Of two who decide at once one is told that there is nothing to decide."""
        await stage.record(cheer())
        job = await park(stage)
        wanted = (Decision.RETRY, Decision.DONE, Decision.DISMISS, Decision.RETRY)
        came = await asyncio.gather(*(take(stage, each, job.key) for each in wanted), return_exceptions=True)
        assert sorted(isinstance(each, ShowtimeError) for each in came) == [False, True, True, True]

    async def test_what_is_tried_again_is_due(self, stage: OutboxStage) -> None:
        """A retried effect is due with its tries and its doubt, so that it is looked first."""
        await stage.record(cheer())
        first = await park(stage)
        await take(stage, Decision.RETRY, first.key)
        again = await lease_one(stage)
        assert (again.key, again.attempts) == (first.key, 2)
        assert again.in_doubt_for is not None

    async def test_a_post_that_is_tried_again_is_in_doubt_no_more(self, stage: OutboxStage) -> None:
        """Nobody but a person can see whether it is there, and this one has seen that it is not."""
        first = await park_step(stage, GhostTask.POST)
        await take(stage, Decision.RETRY, first.key)
        again = await lease_one(stage)
        assert (again.key, again.in_doubt_for) == (first.key, None)

    @pytest.mark.parametrize("decision", [Decision.RETRY, Decision.DONE])
    async def test_a_credit_frees_the_ghost_of_its_cheer(
        self, stage: OutboxStage, decision: Decision
    ) -> None:
        """A credit that is made in the end, or known to be, frees the ghost of its cheer."""
        (first,) = await stage.record(cheer(message="ghost of Bob"))
        credit = await park(stage)
        assert await stage.lease() == []
        await take(stage, decision, credit.key)
        if decision is Decision.RETRY:
            await stage.outbox.settle(await lease_one(stage), DONE)
        assert await stage.lease() == [f"{first}:summon-ghost"]

    async def test_a_credit_that_is_dismissed_refuses_the_ghost_of_its_cheer(
        self, stage: OutboxStage
    ) -> None:
        """Nothing was taken, and it says so."""
        (first,) = await stage.record(cheer(message="ghost of Bob"))
        credit = await park(stage)
        await take(stage, Decision.DISMISS, credit.key)
        assert await stage.lease() == []
        assert await stage.parked_items.list_parked(100) == []
        name = ghost_id_of(first)
        assert await stage.ghosts.progress(name) == GhostProgress(
            name, GhostStep.REFUSED, GhostRefusal.FAILURE
        )

    async def test_a_ghost_that_is_dismissed_before_it_begins_is_refused(self, stage: OutboxStage) -> None:
        """A ghost dismissed before it begins is refused, and can be asked for again."""
        (first,) = await stage.record(ev.GhostRequested(BOB, "a fax machine"))
        summons = await park(stage)
        await take(stage, Decision.DISMISS, summons.key)
        name = ghost_id_of(first)
        assert await stage.ghosts.progress(name) == GhostProgress(
            name, GhostStep.REFUSED, GhostRefusal.FAILURE
        )
        (second,) = await stage.record(ev.GhostRequested(BOB, "a fax machine"))
        assert await stage.lease() == [f"{second}:summon-ghost"]

    @pytest.mark.parametrize("task", [GhostTask.PAINT, GhostTask.STORE, GhostTask.PAY])
    async def test_a_ghost_that_is_dismissed_gives_its_points_back(
        self, stage: OutboxStage, task: GhostTask
    ) -> None:
        """A dismissed ghost's points go back next, and only then it counts as failed."""
        job = await park_step(stage, task)
        await take(stage, Decision.DISMISS, job.key)
        refund = await lease_one(stage)
        assert refund.key == f"{job.entry_id}:reject-points"
        assert refund.ghost
        assert refund.ghost.refusal is GhostRefusal.FAILURE

    async def test_points_that_were_given_back_by_hand_are_back(self, stage: OutboxStage) -> None:
        """The ghost is over, for the reason for which it failed."""
        job = await park_step(stage, GhostTask.REFUND)
        await take(stage, Decision.DONE, job.key)
        name = ghost_id_of(job.entry_id)
        assert await stage.ghosts.progress(name) == GhostProgress(
            name, GhostStep.REFUNDED, GhostRefusal.CONTENT, "no faxes"
        )
        assert await stage.lease() == []

    @pytest.mark.parametrize(
        ("decision", "step"), [(Decision.DONE, GhostStep.POSTED), (Decision.DISMISS, GhostStep.SHOWN)]
    )
    async def test_a_post_may_be_there_or_be_let_go(
        self, stage: OutboxStage, decision: Decision, step: GhostStep
    ) -> None:
        """The ghost was shown in any case."""
        job = await park_step(stage, GhostTask.POST)
        await take(stage, decision, job.key)
        name = ghost_id_of(job.entry_id)
        assert await stage.ghosts.progress(name) == GhostProgress(name, step)
        assert await stage.lease() == []

    async def test_a_ghost_that_is_paid_must_be_shown(self, stage: OutboxStage) -> None:
        """It can only be tried again."""
        job = await park_step(stage, GhostTask.SHOW)
        for decision in (Decision.DISMISS, Decision.DONE):
            with pytest.raises(Refused, match="show-ghost has no"):
                await take(stage, decision, job.key)
        await take(stage, Decision.RETRY, job.key)
        assert await stage.lease() == [job.key]

    async def test_that_points_were_reserved_is_not_taken_on_trust(self, stage: OutboxStage) -> None:
        """A reservation is not taken as done, for nobody could accept it without the transaction."""
        await stage.record(ev.GhostRequested(BOB, "a fax machine"))
        summons = await park(stage)
        assert isinstance(summons.effect, SummonGhost)
        with pytest.raises(Refused, match="choose retry or dismiss"):
            await take(stage, Decision.DONE, summons.key)

    async def test_a_transaction_that_is_known_stays_claimed(self, stage: OutboxStage) -> None:
        """A known transaction stays claimed, whatever is decided about others."""
        await stage.record(cheer(BOB), cheer(BOB))
        await stage.outbox.settle(await lease_one(stage), Settlement(EffectStatus.DONE, flow_id=UUID(int=1)))
        credit = await park(stage)
        await take(stage, Decision.DONE, credit.key)
        assert set(await stage.outbox.claimed(BOB)) == {UUID(int=1)}
