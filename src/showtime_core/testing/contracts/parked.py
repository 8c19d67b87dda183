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
from showtime_core.domain.outbox import Job, ParkedEffect, Settlement, Status, advanced
from showtime_core.domain.parked import Decision, decide
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.domain.points_and_ghosts.ghosts import Refusal, Standing, Step, Task, ghost_id
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotFound, Refused, ShowtimeError
from showtime_core.testing.contracts.outbox import ALL, DONE, JPEG, OutboxStage, cheer, reserved
from showtime_core.testing.entries import BOB, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import receive

WHO_KNOWS = Settlement(Status.PARKED, "who knows", in_doubt=True)


async def lease_one(shelf: OutboxStage) -> Job:
    """Take the only effect that is due."""
    (job,) = await shelf.outbox.lease(ALL, 100)
    return job


async def take(shelf: OutboxStage, decision: Decision, key: str) -> None:
    """Decide about an effect."""
    await shelf.parking.settle(key, partial(decide, decision=decision))


async def park(shelf: OutboxStage, settlement: Settlement = WHO_KNOWS) -> Job:
    """Park the only effect that is due."""
    job = await lease_one(shelf)
    await shelf.outbox.settle(job, settlement)
    return job


async def park_step(shelf: OutboxStage, task: Task) -> Job:
    """Bring a ghost that a viewer asks for to a step of its life, and park that."""
    await shelf.happen(ev.GhostRequested(BOB, "a fax machine"))
    job = await lease_one(shelf)
    ghost = reserved(job)
    await shelf.outbox.settle(job, advanced(job, ghost))
    if task is Task.REFUND:
        ghost = evolve(ghost, refusal=Refusal.CONTENT, reason="no faxes")
        job = await lease_one(shelf)
        await shelf.outbox.settle(job, advanced(job, ghost, Status.REFUSED, "no faxes"))
    url = "https://ghosts.example/1.jpg"
    for step in (Step.PAINTED, Step.STORED, Step.PAID, Step.SHOWN):
        job = await lease_one(shelf)
        if job.key.endswith(task):
            break
        ghost = evolve(ghost, step=step, jpeg=JPEG, url=url)
        await shelf.outbox.settle(job, advanced(job, ghost))
    else:
        job = await lease_one(shelf)
    assert job.key.endswith(task)
    await shelf.outbox.settle(job, WHO_KNOWS)
    return job


def names(parked: Sequence[ParkedEntry | ParkedEffect]) -> list[str]:
    """Name what is parked."""
    return [each.entry.id if isinstance(each, ParkedEntry) else each.job.key for each in parked]


class ParkingContract:
    """The rules of `showtime_core.ports.Parking`."""

    # --- looking -------------------------------------------------------------------------------------

    async def test_what_is_parked_is_listed(self, shelf: OutboxStage) -> None:
        """With its reason, the oldest first; nothing else is."""
        torn = [entry(name, Malformed(f"{name} is torn"), at(0)) for name in ("first", "second")]
        await receive([*torn, entry("news", ev.Raid(BOB, 3), at(1))], shelf.units, Policy())
        await shelf.happen(cheer(), cheer(BOB), cheer())
        mine, theirs = await shelf.outbox.lease(ALL, 100)
        for job in (mine, theirs):
            await shelf.outbox.settle(job, WHO_KNOWS)
        parked = await shelf.parking.parked(100)
        assert names(parked) == ["first", "second", mine.key, theirs.key]
        assert [each.reason for each in parked] == ["first is torn", "second is torn", *["who knows"] * 2]
        assert names(await shelf.parking.parked(1)) == ["first", mine.key]
        effect = parked[2]
        assert isinstance(effect, ParkedEffect)
        assert (effect.job.effect, effect.job.attempts) == (mine.effect, 1)
        assert effect.job.in_doubt_for is not None

    async def test_what_can_never_be_credited_is_parked_at_once(self, shelf: OutboxStage) -> None:
        """Out of its lane: the viewer's other credits are due. Tried again, it can still not be credited."""
        gift, small = ev.GiftedSubscriptions(BOB, "1000", 2**31 - 1), cheer(BOB)
        before, impossible, after = await shelf.happen(small, gift, small)
        for name in (before, after):
            job = await lease_one(shelf)
            assert job.entry_id == name
            await shelf.outbox.settle(job, DONE)
        [parked] = await shelf.parking.parked(100)
        assert isinstance(parked, ParkedEffect)
        assert (parked.job.entry_id, parked.job.attempts, parked.job.in_doubt_for) == (impossible, 0, None)
        assert parked.reason == f"{200 * (2**31 - 1)} points in all: the ledger takes 1 to 2147483647"

    async def test_an_entry_that_is_parked_is_given_as_it_came(self, shelf: OutboxStage) -> None:
        """With its body, unread, and the policy; one that is not parked is not given."""
        torn, news = entry("torn", Malformed("?"), at(0)), entry("news", ev.Raid(BOB, 3), at(1))
        policy = Policy(alert_gift_recipients=True, features=frozenset())
        await receive([torn, news], shelf.units, policy)
        parked = await shelf.parking.entry("torn")
        assert parked
        assert (parked.entry, parked.policy) == (evolve(torn, content=Unknown()), policy)
        assert (await shelf.parking.parked(1)) == [evolve(parked, entry=evolve(parked.entry, body=b""))]
        assert await shelf.parking.entry("news") is None
        assert await shelf.parking.entry("nothing") is None

    # --- deciding ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("decision", Decision)
    async def test_what_is_not_parked_cannot_be_decided(self, shelf: OutboxStage, decision: Decision) -> None:
        """What is due, leased, done or unknown; and what was decided, a second time."""
        await shelf.happen(cheer(), cheer(BOB))
        job, other = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(other, DONE)
        for key in (job.key, other.key, "nothing"):
            with pytest.raises(NotFound):
                await take(shelf, decision, key)
        await shelf.outbox.settle(job, WHO_KNOWS)
        await take(shelf, decision, job.key)
        with pytest.raises(NotFound):
            await take(shelf, decision, job.key)

    async def test_what_is_refused_changes_nothing(self, shelf: OutboxStage) -> None:
        """It is parked as it was."""
        job = await park_step(shelf, Task.REFUND)
        before = await shelf.parking.parked(100)
        with pytest.raises(Refused):
            await take(shelf, Decision.DISMISS, job.key)
        after = await shelf.parking.parked(100)
        assert (names(after), [one.reason for one in after]) == ([job.key], ["who knows"])
        assert len(before) == 1

    async def test_two_who_decide_at_once_do_not_both(self, shelf: OutboxStage) -> None:
        """One of them is told that there is nothing to decide."""
        await shelf.happen(cheer())
        job = await park(shelf)
        wanted = (Decision.RETRY, Decision.DONE, Decision.DISMISS, Decision.RETRY)
        came = await asyncio.gather(*(take(shelf, each, job.key) for each in wanted), return_exceptions=True)
        assert sorted(isinstance(each, ShowtimeError) for each in came) == [False, True, True, True]

    async def test_what_is_tried_again_is_due(self, shelf: OutboxStage) -> None:
        """As often as it was tried, and as much in doubt: it is looked first."""
        await shelf.happen(cheer())
        first = await park(shelf)
        await take(shelf, Decision.RETRY, first.key)
        again = await lease_one(shelf)
        assert (again.key, again.attempts) == (first.key, 2)
        assert again.in_doubt_for is not None

    async def test_a_post_that_is_tried_again_is_in_doubt_no_more(self, shelf: OutboxStage) -> None:
        """Nobody but a person can see whether it is there, and this one has seen that it is not."""
        first = await park_step(shelf, Task.POST)
        await take(shelf, Decision.RETRY, first.key)
        again = await lease_one(shelf)
        assert (again.key, again.in_doubt_for) == (first.key, None)

    @pytest.mark.parametrize("decision", [Decision.RETRY, Decision.DONE])
    async def test_a_credit_frees_the_ghost_of_its_cheer(
        self, shelf: OutboxStage, decision: Decision
    ) -> None:
        """When it is made in the end, or is known to be made."""
        (first,) = await shelf.happen(cheer(message="ghost of Bob"))
        credit = await park(shelf)
        assert await shelf.lease() == []
        await take(shelf, decision, credit.key)
        if decision is Decision.RETRY:
            await shelf.outbox.settle(await lease_one(shelf), DONE)
        assert await shelf.lease() == [f"{first}:summon-ghost"]

    async def test_a_credit_that_is_dismissed_refuses_the_ghost_of_its_cheer(
        self, shelf: OutboxStage
    ) -> None:
        """Nothing was taken, and it says so."""
        (first,) = await shelf.happen(cheer(message="ghost of Bob"))
        credit = await park(shelf)
        await take(shelf, Decision.DISMISS, credit.key)
        assert await shelf.lease() == []
        assert await shelf.parking.parked(100) == []
        name = ghost_id(first)
        assert await shelf.ghosts.standing(name) == Standing(name, Step.REFUSED, Refusal.FAILURE)

    async def test_a_ghost_that_is_dismissed_before_it_begins_is_refused(self, shelf: OutboxStage) -> None:
        """And its viewer may ask for the same again."""
        (first,) = await shelf.happen(ev.GhostRequested(BOB, "a fax machine"))
        summons = await park(shelf)
        await take(shelf, Decision.DISMISS, summons.key)
        name = ghost_id(first)
        assert await shelf.ghosts.standing(name) == Standing(name, Step.REFUSED, Refusal.FAILURE)
        (second,) = await shelf.happen(ev.GhostRequested(BOB, "a fax machine"))
        assert await shelf.lease() == [f"{second}:summon-ghost"]

    @pytest.mark.parametrize("task", [Task.PAINT, Task.STORE, Task.PAY])
    async def test_a_ghost_that_is_dismissed_gives_its_points_back(
        self, shelf: OutboxStage, task: Task
    ) -> None:
        """That is done next, and only then it counts as failed."""
        job = await park_step(shelf, task)
        await take(shelf, Decision.DISMISS, job.key)
        refund = await lease_one(shelf)
        assert refund.key == f"{job.entry_id}:reject-points"
        assert refund.ghost
        assert refund.ghost.refusal is Refusal.FAILURE

    async def test_points_that_were_given_back_by_hand_are_back(self, shelf: OutboxStage) -> None:
        """The ghost is over, for the reason for which it failed."""
        job = await park_step(shelf, Task.REFUND)
        await take(shelf, Decision.DONE, job.key)
        name = ghost_id(job.entry_id)
        assert await shelf.ghosts.standing(name) == Standing(name, Step.REFUNDED, Refusal.CONTENT, "no faxes")
        assert await shelf.lease() == []

    @pytest.mark.parametrize(
        ("decision", "step"), [(Decision.DONE, Step.POSTED), (Decision.DISMISS, Step.SHOWN)]
    )
    async def test_a_post_may_be_there_or_be_let_go(
        self, shelf: OutboxStage, decision: Decision, step: Step
    ) -> None:
        """The ghost was shown in any case."""
        job = await park_step(shelf, Task.POST)
        await take(shelf, decision, job.key)
        name = ghost_id(job.entry_id)
        assert await shelf.ghosts.standing(name) == Standing(name, step)
        assert await shelf.lease() == []

    async def test_a_ghost_that_is_paid_must_be_shown(self, shelf: OutboxStage) -> None:
        """It can only be tried again."""
        job = await park_step(shelf, Task.SHOW)
        for decision in (Decision.DISMISS, Decision.DONE):
            with pytest.raises(Refused, match="show-ghost has no"):
                await take(shelf, decision, job.key)
        await take(shelf, Decision.RETRY, job.key)
        assert await shelf.lease() == [job.key]

    async def test_that_points_were_reserved_is_not_taken_on_trust(self, shelf: OutboxStage) -> None:
        """Nobody could accept them, without the transaction."""
        await shelf.happen(ev.GhostRequested(BOB, "a fax machine"))
        summons = await park(shelf)
        assert isinstance(summons.effect, SummonGhost)
        with pytest.raises(Refused, match="choose retry or dismiss"):
            await take(shelf, Decision.DONE, summons.key)

    async def test_a_transaction_that_is_known_stays_claimed(self, shelf: OutboxStage) -> None:
        """Whatever is decided about others."""
        await shelf.happen(cheer(BOB), cheer(BOB))
        await shelf.outbox.settle(await lease_one(shelf), Settlement(Status.DONE, flow_id=UUID(int=1)))
        credit = await park(shelf)
        await take(shelf, Decision.DONE, credit.key)
        assert set(await shelf.outbox.claimed(BOB)) == {UUID(int=1)}
