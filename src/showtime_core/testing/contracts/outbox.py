"""What every outbox keeps to: a suite of rules, to be mixed into a class of tests.

class TestPostgresOutbox(OutboxContract):
    @pytest.fixture
    async def stage(self, database): ...  # an OutboxStage on an empty channel

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.events import Event
from showtime_core.domain.journal import Entry, Outcome
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, Settlement, settle_ghost_step
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    CreditCheer,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ghosts import (
    Ghost,
    GhostProgress,
    GhostRefusal,
    GhostStep,
    GhostTask,
    ghost_id_of,
)
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.ports import GhostApprovals, Ghosts, Outbox, ParkedItems, UnitOfWork
from showtime_core.testing.entries import BOB, LARRY, MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import plan_changes, receive

MONEY = frozenset({"credit-cheer", "credit-gift-subs", "summon-ghost", "accept-points", "reject-points"})
GHOSTLY = frozenset({"paint-ghost", "store-ghost", "show-ghost", "post-ghost"})
ALL = MONEY | GHOSTLY
CHECKS = frozenset({"check-credit-cheer", "check-summon-ghost"})
SETTLE_AFTER = timedelta(seconds=30)
DONE = Settlement(EffectStatus.DONE)
JPEG = b"\xff\xd8 boo \xff\xd9"


@frozen
class OutboxStage:
    """Two instances on an empty channel."""

    units: UnitOfWork
    outbox: Outbox
    other: Outbox
    ghosts: Ghosts
    parked_items: ParkedItems
    die: Callable[[], Coroutine[Any, Any, None]]
    """Lets the first instance die."""
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""
    approvals: GhostApprovals

    async def record(self, *events: Event) -> list[str]:
        """Record events; returns the ids of their entries."""
        new = [entry(str(uuid4()), event, at(0)) for event in events]
        await receive(new, self.units, Policy())
        return [each.id for each in new]

    async def lease(self, kinds: frozenset[str] = ALL, limit: int = 100) -> list[str]:
        """Lease on the first instance; returns the keys."""
        return keys(await self.outbox.lease(kinds, limit))


def keys(jobs: Sequence[Job]) -> list[str]:
    """Name jobs."""
    return [job.key for job in jobs]


def cheer(viewer: Viewer = MARGE, message: str = "") -> ev.Cheer:
    """Cheer, with enough bits for a ghost."""
    return ev.Cheer(viewer, 200, message)


def reserved(job: Job) -> Ghost:
    """Begin the ghost that a job summons."""
    assert isinstance(job.effect, SummonGhost)
    return job.effect.begin(uuid4())


class OutboxContract:
    """The rules of `showtime_core.ports.Outbox`."""

    # --- leasing -------------------------------------------------------------------------------------

    async def test_what_was_planned_is_leased_once(self, stage: OutboxStage) -> None:
        """What was planned is leased once, in order and complete, by one instance alone."""
        first, second = await stage.record(cheer(MARGE, "hello"), cheer(BOB))
        jobs = await stage.outbox.lease(ALL, 100)
        assert keys(jobs) == [f"{first}:credit-cheer", f"{second}:credit-cheer"]
        assert (jobs[0].entry_id, jobs[0].attempts, jobs[0].in_doubt_for) == (first, 1, None)
        assert jobs[0].effect.viewer == MARGE
        assert not await stage.other.lease(ALL, 100)

    async def test_no_more_is_leased_than_is_asked_for(self, stage: OutboxStage) -> None:
        """No more is leased than is asked for, of the kinds asked for, the oldest first."""
        gift = ev.GiftedSubscriptions(LARRY, "1000", 5)
        first, given, second = await stage.record(cheer(), gift, cheer(BOB))
        assert await stage.lease(frozenset({"credit-cheer"}), 1) == [f"{first}:credit-cheer"]
        assert await stage.lease(frozenset({"credit-gift-subs"})) == [f"{given}:credit-gift-subs"]
        assert await stage.lease() == [f"{second}:credit-cheer"]

    async def test_what_is_off_is_never_leased(self, stage: OutboxStage) -> None:
        """An effect of a feature that is off is recorded as skipped, and never leased."""
        off = Policy(features=frozenset())
        await receive([entry("off", cheer(message="ghost of Bob"), at(0))], stage.units, off)
        assert await stage.lease() == []

    async def test_two_instances_never_lease_the_same(self, stage: OutboxStage) -> None:
        """Two instances never lease the same effect, nor two of a lane, however they race."""
        await stage.record(*(cheer(viewer) for viewer in (MARGE, BOB, LARRY) for _ in range(6)))
        seen: list[str] = []
        while len(seen) < 18:  # noqa: PLR2004 - the cheers
            leased = await asyncio.gather(
                *(box.lease(ALL, 2) for box in (stage.outbox, stage.other, stage.outbox, stage.other))
            )
            viewers = [job.effect.viewer.id for jobs in leased for job in jobs]
            assert len(viewers) == len(set(viewers))
            for box, jobs in zip((stage.outbox, stage.other) * 2, leased, strict=True):
                for job in jobs:
                    seen.append(job.key)
                    await box.settle(job, DONE)
        assert len(set(seen)) == len(seen)

    # --- lanes ---------------------------------------------------------------------------------------

    async def test_a_lane_has_one_at_a_time_and_in_order(self, stage: OutboxStage) -> None:
        """The next is leased when the one before is done, on whichever instance."""
        first, second = await stage.record(cheer(), cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        assert job.key == f"{first}:credit-cheer"
        assert not await stage.other.lease(ALL, 100)
        await stage.outbox.settle(job, DONE)
        assert keys(await stage.other.lease(ALL, 100)) == [f"{second}:credit-cheer"]

    async def test_what_is_tried_again_keeps_its_lane(self, stage: OutboxStage) -> None:
        """A retried effect is due after its delay and before all that came later in its lane."""
        first, second = await stage.record(cheer(), cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "later", delay=timedelta(seconds=30)))
        assert await stage.lease() == []
        await stage.wait(timedelta(seconds=31))
        (again,) = await stage.outbox.lease(ALL, 100)
        assert (again.key, again.attempts, again.in_doubt_for) == (f"{first}:credit-cheer", 2, None)
        assert second

    @pytest.mark.parametrize("status", [EffectStatus.PARKED, EffectStatus.REFUSED])
    async def test_what_is_parked_leaves_its_lane(self, stage: OutboxStage, status: EffectStatus) -> None:
        """A parked effect holds up nobody in its lane."""
        _, second = await stage.record(cheer(), cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(status, "who knows"))
        assert await stage.lease() == [f"{second}:credit-cheer"]

    async def test_lanes_wait_for_nobody(self, stage: OutboxStage) -> None:
        """However much one viewer has waiting, the next viewer's is leased beside it, and nothing is left."""
        await stage.record(*(cheer() for _ in range(40)), cheer(BOB))
        first = await stage.outbox.lease(ALL, 8)
        assert [job.effect.viewer for job in first] == [MARGE, BOB]
        order = await self._drain(stage, first)
        assert [job.effect.viewer for job in order].count(MARGE) == 40  # noqa: PLR2004 - her cheers

    async def test_what_is_tried_again_later_is_found_among_much_that_waits(self, stage: OutboxStage) -> None:
        """Each comes when its time has come, in its lane's order, and none is forgotten."""
        await stage.record(*(cheer(viewer) for _ in range(7) for viewer in (MARGE, BOB, LARRY)))
        for job in await stage.outbox.lease(ALL, 100):
            delay = timedelta(seconds=10 if job.effect.viewer == BOB else 30)
            await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "later", delay=delay))
        assert await stage.lease() == []
        await stage.wait(timedelta(seconds=15))
        order = await self._drain(stage, await stage.outbox.lease(ALL, 2))
        assert {job.effect.viewer for job in order} == {BOB}
        await stage.wait(timedelta(seconds=30))
        order += await self._drain(stage, await stage.outbox.lease(ALL, 2))
        assert len(set(keys(order))) == 21  # noqa: PLR2004 - three lanes of seven

    async def test_what_is_decided_comes_before_all_that_is_younger_in_its_lane(
        self, stage: OutboxStage
    ) -> None:
        """What was parked is tried again before what came later, and that is found again afterwards."""
        first, second, third = await stage.record(cheer(), cheer(), cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "who knows"))
        (job,) = await stage.outbox.lease(ALL, 100)
        assert job.key == f"{second}:credit-cheer"
        await stage.parked_items.settle(f"{first}:credit-cheer", lambda _: Settlement(EffectStatus.DUE))
        assert await stage.lease() == []
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "not reached"))
        for entry_id in (first, second, third):
            (job,) = await stage.outbox.lease(ALL, 100)
            assert job.key == f"{entry_id}:credit-cheer"
            await stage.outbox.settle(job, DONE)

    # --- turns ---------------------------------------------------------------------------------------

    async def test_viewers_take_turns(self, stage: OutboxStage) -> None:
        """Who asks for one ghost comes after the first of whoever has asked for forty, not after all."""
        await stage.record(*(ev.GhostRequested(MARGE, f"tape {number}") for number in range(40)))
        await self._begin_ghosts(stage)
        await stage.record(ev.GhostRequested(BOB, "Larry"))
        await self._begin_ghosts(stage)
        assert await self._painted(stage, 3) == [MARGE, BOB, MARGE]
        await stage.record(*(ev.GhostRequested(LARRY, f"wine {number}") for number in range(3)))
        await stage.record(ev.GhostRequested(BOB, "Marge"))
        await self._begin_ghosts(stage)
        assert await self._painted(stage, 7) == [MARGE, LARRY, BOB, MARGE, LARRY, MARGE, LARRY]
        assert await self._painted(stage, 40) == [MARGE] * 35

    async def test_a_turn_is_kept(self, stage: OutboxStage) -> None:
        """What is tried again has the turn that it had, and so comes before all that came later."""
        await stage.record(*(ev.GhostRequested(viewer, "Larry") for viewer in (MARGE, BOB)))
        await self._begin_ghosts(stage)
        (job,) = await stage.outbox.lease(GHOSTLY, 1)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "later", delay=timedelta(seconds=5)))
        await stage.record(ev.GhostRequested(MARGE, "Bob"))
        await self._begin_ghosts(stage)
        await stage.wait(timedelta(seconds=10))
        (again,) = await stage.outbox.lease(GHOSTLY, 1)
        assert again.key == job.key

    async def _begin_ghosts(self, stage: OutboxStage) -> None:
        """Reserve the points of all ghosts that are asked for."""
        summons = frozenset({"summon-ghost"})
        while jobs := await stage.outbox.lease(summons, 100):
            for job in jobs:
                await stage.outbox.settle(job, settle_ghost_step(job, reserved(job)))

    async def _painted(self, stage: OutboxStage, count: int) -> list[Viewer]:
        """Paint up to so many, one after the other; gives whose they were."""
        viewers: list[Viewer] = []
        while len(viewers) < count and (jobs := await stage.outbox.lease(GHOSTLY, 1)):
            viewers.append(jobs[0].effect.viewer)
            await stage.outbox.settle(jobs[0], DONE)
        return viewers

    async def _drain(self, stage: OutboxStage, jobs: Sequence[Job]) -> list[Job]:
        """Perform all that is due, in turn on two instances; gives the jobs in their order."""
        order: list[Job] = []
        box, other = stage.outbox, stage.other
        while jobs:
            order += jobs
            for job in jobs:
                await box.settle(job, DONE)
            box, other = other, box
            jobs = await box.lease(ALL, 2)
        return order

    # --- doubt ---------------------------------------------------------------------------------------

    async def test_a_lost_answer_is_remembered(self, stage: OutboxStage) -> None:
        """A lost answer is in doubt from the first such try, whatever the later ones bring."""
        await stage.record(cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.wait(timedelta(seconds=20))
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        (again,) = await stage.outbox.lease(ALL, 100)
        assert again.in_doubt_for
        assert again.in_doubt_for >= timedelta(seconds=20)
        await stage.outbox.settle(again, Settlement(EffectStatus.DUE, "not reached"))
        (third,) = await stage.outbox.lease(ALL, 100)
        assert third.in_doubt_for
        assert third.in_doubt_for >= again.in_doubt_for

    async def test_what_a_dead_instance_had_leased_is_due_in_doubt(self, stage: OutboxStage) -> None:
        """A dead instance's ledger calls are due after the settle time, anything else at once."""
        (first,) = await stage.record(cheer(message="ghost of Bob"))
        await self._pay_for(stage, 1)
        (summons,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(summons, settle_ghost_step(summons, reserved(summons)))
        (later,) = await stage.record(cheer())
        assert await stage.lease() == [f"{first}:paint-ghost", f"{later}:credit-cheer"]
        await stage.die()
        await stage.other.recover()
        (paint,) = await stage.other.lease(ALL, 100)
        assert (paint.key, paint.attempts) == (f"{first}:paint-ghost", 2)
        assert paint.in_doubt_for is not None
        await stage.wait(SETTLE_AFTER * 1.5)
        (credit,) = await stage.other.lease(ALL, 100)
        assert credit.key == f"{later}:credit-cheer"
        assert credit.in_doubt_for
        assert credit.in_doubt_for >= SETTLE_AFTER

    async def test_the_first_answer_after_a_doubt_is_remembered(self, stage: OutboxStage) -> None:
        """By all instances, until the next doubt: the time to settle begins with it, and not again later."""
        await stage.record(cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        (first,) = await stage.other.lease(ALL, 100)
        assert first.answered_for is None
        await stage.other.settle(first, Settlement(EffectStatus.DUE, "early", has_answered=True))
        await stage.wait(timedelta(seconds=20))
        (second,) = await stage.outbox.lease(ALL, 100)
        assert second.answered_for
        assert second.answered_for >= timedelta(seconds=20)
        await stage.outbox.settle(second, Settlement(EffectStatus.DUE, "early", has_answered=True))
        (third,) = await stage.other.lease(ALL, 100)
        assert third.answered_for
        assert third.answered_for >= second.answered_for
        await stage.other.settle(third, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        (again,) = await stage.outbox.lease(ALL, 100)
        assert again.answered_for is None

    async def test_who_dies_leaves_a_new_doubt(self, stage: OutboxStage) -> None:
        """An answer from before its try proves nothing."""
        await stage.record(cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "early", in_doubt=True))
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "early", has_answered=True))
        assert await stage.lease()
        await stage.die()
        await stage.other.recover()
        await stage.wait(SETTLE_AFTER * 1.5)
        (again,) = await stage.other.lease(ALL, 100)
        assert again.answered_for is None
        assert again.in_doubt_for

    async def test_what_was_in_doubt_is_looked_at_once_more(self, stage: OutboxStage) -> None:
        """When its settlement says, on whichever instance, once; what the viewer does meanwhile goes on."""
        (first,) = await stage.record(cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        (again,) = await stage.outbox.lease(ALL, 100)
        made = Settlement(EffectStatus.DONE, flow_id=UUID(int=7), check_after=timedelta(minutes=10))
        await stage.outbox.settle(again, made)
        await stage.other.recover()
        (second,) = await stage.record(cheer())
        assert await stage.lease() == [f"{second}:credit-cheer"]
        await stage.wait(timedelta(minutes=11))
        for box in (stage.other, stage.outbox):
            await box.recover()
        (check,) = await stage.other.lease(ALL | CHECKS, 100)
        assert check.key == f"{first}:check-credit-cheer"
        assert check.effect == CheckForDouble(CreditCheer(MARGE, 200, ""), UUID(int=7))
        assert check.in_doubt_for
        assert check.in_doubt_for >= timedelta(minutes=11)
        await stage.other.settle(check, DONE)
        await stage.wait(timedelta(minutes=11))
        await stage.other.recover()
        assert not await stage.other.lease(ALL | CHECKS, 100)

    async def test_a_reservation_is_looked_at_once_more(self, stage: OutboxStage) -> None:
        """Beside the ghost that it pays for, which goes on."""
        (first,) = await stage.record(ev.GhostRequested(MARGE, "Bob"))
        (job,) = await stage.outbox.lease(ALL, 100)
        ghost = reserved(job)
        settled = evolve(
            settle_ghost_step(job, ghost), flow_id=ghost.flow_id, check_after=timedelta(minutes=10)
        )
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, settled)
        await stage.wait(timedelta(minutes=11))
        await stage.other.recover()
        jobs = await stage.other.lease(ALL | CHECKS, 100)
        assert keys(jobs) == [f"{first}:paint-ghost", f"{first}:check-summon-ghost"]
        assert isinstance(jobs[1].effect, CheckForDouble)
        assert (jobs[1].effect.of, jobs[1].effect.flow_id) == (job.effect, ghost.flow_id)

    async def test_it_is_known_what_may_be_under_way(self, stage: OutboxStage) -> None:
        """A change of this viewer that is leased, or in doubt; not one that waits, or is over."""
        await stage.record(cheer())
        assert not await stage.other.is_under_way(MARGE)
        (job,) = await stage.outbox.lease(ALL, 100)
        assert await stage.other.is_under_way(MARGE)
        assert not await stage.other.is_under_way(BOB)
        await stage.outbox.settle(job, Settlement(EffectStatus.DUE, "lost", in_doubt=True))
        assert await stage.other.is_under_way(MARGE)
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, DONE)
        assert not await stage.other.is_under_way(MARGE)

    async def test_what_a_dead_instance_says_counts_for_nothing(self, stage: OutboxStage) -> None:
        """What a dead instance settles counts for nothing, since another works on it."""
        await stage.record(cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.die()
        await stage.other.recover()
        await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "it was me"))
        await stage.wait(SETTLE_AFTER * 1.5)
        (again,) = await stage.other.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "it was me"))
        await stage.other.settle(again, Settlement(EffectStatus.DUE, "not reached"))
        assert keys(await stage.other.lease(ALL, 100)) == [job.key]

    async def test_what_was_settled_is_settled(self, stage: OutboxStage) -> None:
        """Writing it again, since the answer to the first writing was lost, changes nothing."""
        await stage.record(cheer(message="ghost of Bob"))
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, DONE)
        (summons,) = await stage.outbox.lease(ALL, 100)
        for _ in range(2):
            await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "again"))
        await stage.outbox.settle(summons, settle_ghost_step(summons, reserved(summons)))
        assert len(await stage.lease()) == 1

    # --- several at once -----------------------------------------------------------------------------

    async def test_what_came_of_several_jobs_is_written_of_each(self, stage: OutboxStage) -> None:
        """Each has its own status, transaction and delay, and what waits for one is due."""
        first, *_ = await stage.record(cheer(message="ghost of Bob"), cheer(BOB), cheer(LARRY))
        mine, bobs, larrys = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle_all(
            [
                (mine, Settlement(EffectStatus.DONE, flow_id=UUID(int=1))),
                (bobs, Settlement(EffectStatus.DUE, "lost", timedelta(seconds=30), in_doubt=True)),
                (larrys, Settlement(EffectStatus.PARKED, "who knows")),
            ]
        )
        assert await stage.lease() == [f"{first}:summon-ghost"]
        assert set(await stage.other.claimed(MARGE)) == {UUID(int=1)}
        [parked] = await stage.parked_items.list_parked(10)
        assert isinstance(parked, ParkedEffect)
        assert (parked.job.key, parked.reason) == (larrys.key, "who knows")
        await stage.wait(timedelta(seconds=31))
        (again,) = await stage.other.lease(ALL, 100)
        assert (again.key, again.attempts, bool(again.in_doubt_for)) == (bobs.key, 2, True)

    async def test_a_lease_that_was_lost_harms_no_other_of_its_batch(self, stage: OutboxStage) -> None:
        """What another has taken over, or has settled, is refused; the others of the batch stand."""
        await stage.record(cheer(MARGE), cheer(BOB), cheer(LARRY))
        mine, bobs, larrys = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(bobs, Settlement(EffectStatus.PARKED, "first"))
        theirs = evolve(larrys, attempts=2)
        late = Settlement(EffectStatus.DONE, flow_id=UUID(int=9))
        await stage.outbox.settle_all([(bobs, late), (theirs, late), (mine, DONE)])
        for viewer in (BOB, LARRY):
            assert not await stage.other.claimed(viewer)
        assert await stage.other.is_under_way(LARRY)
        assert not await stage.other.is_under_way(MARGE)
        await stage.other.settle_all([(larrys, late)])
        assert await stage.other.is_under_way(LARRY), "it is another's"
        await stage.outbox.settle_all([(larrys, late)])
        assert set(await stage.other.claimed(LARRY)) == {UUID(int=9)}

    async def test_what_several_jobs_came_to_is_written_once(self, stage: OutboxStage) -> None:
        """Writing it again, since the answer to the first writing was lost, changes nothing."""
        first, *_ = await stage.record(cheer(message="ghost of Bob"), cheer(BOB), cheer(BOB))
        settled = [(job, DONE) for job in await stage.outbox.lease(ALL, 100)]
        for _ in range(2):
            await stage.outbox.settle_all(settled)
        summons, second = await stage.outbox.lease(ALL, 100)
        begun = settle_ghost_step(summons, reserved(summons))
        for _ in range(2):
            await stage.outbox.settle_all([(summons, begun), (second, DONE), *settled])
        assert await stage.lease() == [f"{first}:paint-ghost"]
        assert await stage.lease() == []

    async def test_ghosts_are_written_with_what_else_has_come(self, stage: OutboxStage) -> None:
        """Each is kept as it is now, and its next step planned, unless it is no longer ours."""
        wishes = [ev.GhostRequested(viewer, "Bob") for viewer in (MARGE, BOB)]
        first, second = await stage.record(*wishes)
        mine, bobs = await stage.outbox.lease(ALL, 100)
        settled = [(job, settle_ghost_step(job, reserved(job))) for job in (mine, evolve(bobs, attempts=7))]
        await stage.outbox.settle_all(settled)
        assert (await stage.ghosts.progress(ghost_id_of(first))).step is GhostStep.RESERVED
        assert (await stage.ghosts.progress(ghost_id_of(second))).step is None
        assert await stage.lease() == [f"{first}:paint-ghost"]

    # --- what follows --------------------------------------------------------------------------------

    async def test_a_ghost_waits_for_the_points_of_its_cheer(self, stage: OutboxStage) -> None:
        """It is due when they are there, and holds up nobody until then."""
        first, second = await stage.record(cheer(message="ghost of Bob"), cheer())
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "who knows"))
        (later,) = await stage.outbox.lease(ALL, 100)
        assert later.key == f"{second}:credit-cheer"
        await stage.outbox.settle(later, DONE)
        assert await stage.lease() == []
        assert first

    async def test_a_ghost_is_kept_and_goes_from_step_to_step(self, stage: OutboxStage) -> None:
        """Each job of its life finds it as the one before has left it, on any instance."""
        (first,) = await stage.record(cheer(message="ghost of Bob"))
        await self._pay_for(stage, 1)
        (job,) = await stage.outbox.lease(ALL, 100)
        assert job.effect == SummonGhost(ghost_id_of(first), MARGE, "Bob", None)
        ghost = reserved(job)
        await stage.outbox.settle(job, settle_ghost_step(job, ghost))
        steps = (
            (GhostTask.PAINT, evolve(ghost, step=GhostStep.PAINTED, jpeg=JPEG)),
            (
                GhostTask.STORE,
                evolve(ghost, step=GhostStep.STORED, jpeg=JPEG, url="https://ghosts.example/1.jpg"),
            ),
            (
                GhostTask.PAY,
                evolve(ghost, step=GhostStep.PAID, jpeg=JPEG, url="https://ghosts.example/1.jpg"),
            ),
            (
                GhostTask.SHOW,
                evolve(ghost, step=GhostStep.SHOWN, jpeg=JPEG, url="https://ghosts.example/1.jpg"),
            ),
            (GhostTask.POST, evolve(ghost, step=GhostStep.POSTED, url="https://ghosts.example/1.jpg")),
        )
        for task, after in steps:
            (job,) = await stage.other.lease(ALL, 100)
            assert (job.key, job.effect) == (f"{first}:{task}", AdvanceGhost(ghost.id, MARGE, task))
            assert job.ghost == ghost
            ghost = after
            await stage.other.settle(job, settle_ghost_step(job, ghost))
        assert await stage.lease() == []

    async def test_a_ghost_and_its_effect_are_written_together(self, stage: OutboxStage) -> None:
        """Where a ghost cannot be kept, nothing is written of its effect, and it can be settled otherwise."""
        await stage.record(ev.GhostRequested(MARGE, "Bob"))
        (job,) = await stage.outbox.lease(ALL, 100)
        ghost = reserved(job)
        try:
            await stage.outbox.settle(
                job, settle_ghost_step(job, evolve(ghost, url="no database keeps \x00"))
            )
        except Exception:
            await stage.outbox.settle(job, settle_ghost_step(job, ghost))
        assert (await stage.ghosts.progress(ghost.id)).step is GhostStep.RESERVED

    async def test_a_ghost_that_fails_is_to_be_refunded(self, stage: OutboxStage) -> None:
        """A ghost that fails is to be refunded, with the reason why."""
        (first,) = await stage.record(cheer(message="ghost of Bob"))
        await self._pay_for(stage, 1)
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, settle_ghost_step(job, reserved(job)))
        (paint,) = await stage.outbox.lease(ALL, 100)
        assert paint.ghost
        failed = evolve(paint.ghost, refusal=GhostRefusal.CONTENT, reason="no Bobs, \0please \ud83d")
        await stage.outbox.settle(
            paint, settle_ghost_step(paint, failed, EffectStatus.REFUSED, failed.reason)
        )
        (refund,) = await stage.outbox.lease(ALL, 100)
        assert refund.key == f"{first}:reject-points"
        assert refund.ghost
        assert (refund.ghost.step, refund.ghost.refusal) == (GhostStep.RESERVED, GhostRefusal.CONTENT)

    async def test_the_transactions_of_a_viewer_are_claimed(self, stage: OutboxStage) -> None:
        """The transactions of a viewer are claimed, so that no other effect adopts them."""
        await stage.record(cheer(), cheer(BOB))
        mine, theirs = await stage.outbox.lease(ALL, 100)
        flows = [UUID(int=1), UUID(int=2)]
        await stage.outbox.settle(mine, Settlement(EffectStatus.DONE, flow_id=flows[0]))
        await stage.outbox.settle(theirs, Settlement(EffectStatus.DONE, flow_id=flows[1]))
        assert set(await stage.other.claimed(MARGE)) == {flows[0]}
        assert set(await stage.other.claimed(LARRY)) == set()

    async def test_a_viewer_who_asks_again_gets_the_same_while_it_is_made(self, stage: OutboxStage) -> None:
        """Who asks again gets the same ghost while it is made, and another once it is over."""
        request = ev.GhostRequested(MARGE, "Bob")
        (first,) = await stage.record(request)
        assert await self._outcome(stage, request) is Outcome.REPEATED
        (job,) = await stage.outbox.lease(ALL, 100)
        assert job.key == f"{first}:summon-ghost"
        assert isinstance(job.effect, SummonGhost)
        refused = job.effect.refuse(GhostRefusal.POINTS, "not enough points")
        await stage.outbox.settle(
            job, settle_ghost_step(job, refused, EffectStatus.REFUSED, "not enough points")
        )
        assert await self._outcome(stage, request) is Outcome.REACTED
        assert len(await stage.lease()) == 1

    # --- how a ghost stands --------------------------------------------------------------------------

    async def test_who_asked_first_is_known(self, stage: OutboxStage) -> None:
        """The first request is known for one that is new, recorded or joined, also when it is over."""
        request, other = ev.GhostRequested(MARGE, "Bob"), ev.GhostRequested(MARGE, "Larry")
        asker = stage.ghosts.first_request
        first, second = (entry(name, request) for name in ("first", "second"))
        assert await asker(first) is None
        await receive([first], stage.units, Policy())
        assert [await asker(one) for one in (first, second)] == ["first", "first"]
        await receive([second], stage.units, Policy())
        assert await asker(entry("third", other)) is None
        (job,) = await stage.outbox.lease(ALL, 100)
        assert isinstance(job.effect, SummonGhost)
        refused = job.effect.refuse(GhostRefusal.POINTS, "not enough points")
        await stage.outbox.settle(
            job, settle_ghost_step(job, refused, EffectStatus.REFUSED, "not enough points")
        )
        assert [await asker(one) for one in (first, second)] == ["first", "first"]
        assert await asker(entry("third", request)) is None

    async def test_a_ghost_tells_how_far_it_has_come(self, stage: OutboxStage) -> None:
        """A ghost tells its step from the request on, and its failure once the points are back."""
        (first,) = await stage.record(ev.GhostRequested(MARGE, "Bob"))
        name = ghost_id_of(first)
        assert await stage.ghosts.progress(name) == GhostProgress(name, None)
        (job,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(job, settle_ghost_step(job, reserved(job)))
        assert await stage.ghosts.progress(name) == GhostProgress(name, GhostStep.RESERVED)
        (paint,) = await stage.outbox.lease(ALL, 100)
        assert paint.ghost
        failed = evolve(paint.ghost, refusal=GhostRefusal.CONTENT, reason="no Bobs")
        await stage.outbox.settle(
            paint, settle_ghost_step(paint, failed, EffectStatus.REFUSED, failed.reason)
        )
        assert await stage.ghosts.progress(name) == GhostProgress(name, GhostStep.RESERVED)
        (refund,) = await stage.outbox.lease(ALL, 100)
        await stage.outbox.settle(refund, settle_ghost_step(refund, evolve(failed, step=GhostStep.REFUNDED)))
        assert await stage.ghosts.progress(name) == GhostProgress(
            name, GhostStep.REFUNDED, GhostRefusal.CONTENT, "no Bobs"
        )

    async def test_the_reason_of_a_failure_is_the_operators(self, stage: OutboxStage) -> None:
        """Everybody else is told that it failed."""
        (first,) = await stage.record(ev.GhostRequested(MARGE, "Bob"))
        (job,) = await stage.outbox.lease(ALL, 100)
        assert isinstance(job.effect, SummonGhost)
        failed = job.effect.refuse(GhostRefusal.FAILURE, "the key is sk-secret")
        await stage.outbox.settle(job, settle_ghost_step(job, failed, EffectStatus.REFUSED, failed.reason))
        progress = await stage.ghosts.progress(ghost_id_of(first))
        assert progress == GhostProgress(ghost_id_of(first), GhostStep.REFUSED, GhostRefusal.FAILURE)

    async def test_what_nobody_asked_for_is_not_found(self, stage: OutboxStage) -> None:
        """A ghost that nobody asked for, or that is skipped, is not found."""
        off = Policy(features=frozenset())
        await receive([entry("off", cheer(message="ghost of Bob"), at(0))], stage.units, off)
        for name in (uuid4(), ghost_id_of("off")):
            with pytest.raises(NotFound):
                await stage.ghosts.progress(name)

    async def _outcome(self, stage: OutboxStage, event: Event) -> Outcome:
        outcomes: list[Outcome] = []

        def follow_and_note(admitted: Any, policy: Policy) -> Any:  # noqa: ANN401
            changes = plan_changes(admitted, policy)
            outcomes.extend(verdict.outcome for verdict in changes.verdicts)
            return changes

        new: Entry = entry(str(uuid4()), event)
        await stage.units.record([new], Policy(), follow_and_note)
        return outcomes[-1]

    async def _pay_for(self, stage: OutboxStage, count: int) -> None:
        """Credit cheers, so that their ghosts can begin."""
        for _ in range(count):
            (job,) = await stage.outbox.lease(ALL, 100)
            await stage.outbox.settle(job, DONE)
