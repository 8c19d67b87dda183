"""What every outbox keeps to: a suite of rules, to be mixed into a class of tests.

class TestPostgresOutbox(OutboxContract):
    @pytest.fixture
    async def shelf(self, database): ...  # an OutboxStage on an empty channel

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
from showtime_core.domain.outbox import Job, Settlement, Status, advanced
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    CreditCheer,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, Refusal, Standing, Step, Task, ghost_id
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.ports import Ghosts, Outbox, Parking, UnitOfWork
from showtime_core.testing.entries import BOB, LARRY, MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import follow, receive

MONEY = frozenset({"credit-cheer", "credit-gift-subs", "summon-ghost", "accept-points", "reject-points"})
GHOSTLY = frozenset({"paint-ghost", "store-ghost", "show-ghost", "post-ghost"})
ALL = MONEY | GHOSTLY
CHECKS = frozenset({"check-credit-cheer", "check-summon-ghost"})
SETTLE_AFTER = timedelta(seconds=30)
DONE = Settlement(Status.DONE)
JPEG = b"\xff\xd8 boo \xff\xd9"


@frozen
class OutboxStage:
    """Two instances on an empty channel."""

    units: UnitOfWork
    outbox: Outbox
    other: Outbox
    ghosts: Ghosts
    parking: Parking
    die: Callable[[], Coroutine[Any, Any, None]]
    """Lets the first instance die."""
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""

    async def happen(self, *events: Event) -> list[str]:
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

    async def test_what_was_planned_is_leased_once(self, shelf: OutboxStage) -> None:
        """In the order in which it was planned, with all that is needed, by one instance alone."""
        first, second = await shelf.happen(cheer(MARGE, "hello"), cheer(BOB))
        jobs = await shelf.outbox.lease(ALL, 100)
        assert keys(jobs) == [f"{first}:credit-cheer", f"{second}:credit-cheer"]
        assert (jobs[0].entry_id, jobs[0].attempts, jobs[0].in_doubt_for) == (first, 1, None)
        assert jobs[0].effect.viewer == MARGE
        assert not await shelf.other.lease(ALL, 100)

    async def test_no_more_is_leased_than_is_asked_for(self, shelf: OutboxStage) -> None:
        """Of the kinds that are asked for, the oldest."""
        gift = ev.GiftedSubscriptions(LARRY, "1000", 5)
        first, given, second = await shelf.happen(cheer(), gift, cheer(BOB))
        assert await shelf.lease(frozenset({"credit-cheer"}), 1) == [f"{first}:credit-cheer"]
        assert await shelf.lease(frozenset({"credit-gift-subs"})) == [f"{given}:credit-gift-subs"]
        assert await shelf.lease() == [f"{second}:credit-cheer"]

    async def test_what_is_off_is_never_leased(self, shelf: OutboxStage) -> None:
        """It was recorded as skipped."""
        off = Policy(features=frozenset())
        await receive([entry("off", cheer(message="ghost of Bob"), at(0))], shelf.units, off)
        assert await shelf.lease() == []

    async def test_two_instances_never_lease_the_same(self, shelf: OutboxStage) -> None:
        """Nor two of a lane, however they race."""
        await shelf.happen(*(cheer(viewer) for viewer in (MARGE, BOB, LARRY) for _ in range(6)))
        seen: list[str] = []
        while len(seen) < 18:  # noqa: PLR2004 - the cheers
            leased = await asyncio.gather(
                *(box.lease(ALL, 2) for box in (shelf.outbox, shelf.other, shelf.outbox, shelf.other))
            )
            viewers = [job.effect.viewer.id for jobs in leased for job in jobs]
            assert len(viewers) == len(set(viewers))
            for box, jobs in zip((shelf.outbox, shelf.other) * 2, leased, strict=True):
                for job in jobs:
                    seen.append(job.key)
                    await box.settle(job, DONE)
        assert len(set(seen)) == len(seen)

    # --- lanes ---------------------------------------------------------------------------------------

    async def test_a_lane_has_one_at_a_time_and_in_order(self, shelf: OutboxStage) -> None:
        """The next is leased when the one before is done, on whichever instance."""
        first, second = await shelf.happen(cheer(), cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert job.key == f"{first}:credit-cheer"
        assert not await shelf.other.lease(ALL, 100)
        await shelf.outbox.settle(job, DONE)
        assert keys(await shelf.other.lease(ALL, 100)) == [f"{second}:credit-cheer"]

    async def test_what_is_tried_again_keeps_its_lane(self, shelf: OutboxStage) -> None:
        """After its delay, and before all that came later; others of the lane wait with it."""
        first, second = await shelf.happen(cheer(), cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "later", delay=timedelta(seconds=30)))
        assert await shelf.lease() == []
        await shelf.wait(timedelta(seconds=31))
        (again,) = await shelf.outbox.lease(ALL, 100)
        assert (again.key, again.attempts, again.in_doubt_for) == (f"{first}:credit-cheer", 2, None)
        assert second

    @pytest.mark.parametrize("status", [Status.PARKED, Status.REFUSED])
    async def test_what_is_parked_leaves_its_lane(self, shelf: OutboxStage, status: Status) -> None:
        """It holds up nobody."""
        _, second = await shelf.happen(cheer(), cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(status, "who knows"))
        assert await shelf.lease() == [f"{second}:credit-cheer"]

    async def test_lanes_wait_for_nobody(self, shelf: OutboxStage) -> None:
        """However much one viewer has waiting, the next viewer's is leased beside it, and nothing is left."""
        await shelf.happen(*(cheer() for _ in range(40)), cheer(BOB))
        first = await shelf.outbox.lease(ALL, 8)
        assert [job.effect.viewer for job in first] == [MARGE, BOB]
        order = await self._drain(shelf, first)
        assert [job.effect.viewer for job in order].count(MARGE) == 40  # noqa: PLR2004 - her cheers

    async def test_what_is_tried_again_later_is_found_among_much_that_waits(self, shelf: OutboxStage) -> None:
        """Each comes when its time has come, in its lane's order, and none is forgotten."""
        await shelf.happen(*(cheer(viewer) for _ in range(7) for viewer in (MARGE, BOB, LARRY)))
        for job in await shelf.outbox.lease(ALL, 100):
            delay = timedelta(seconds=10 if job.effect.viewer == BOB else 30)
            await shelf.outbox.settle(job, Settlement(Status.DUE, "later", delay=delay))
        assert await shelf.lease() == []
        await shelf.wait(timedelta(seconds=15))
        order = await self._drain(shelf, await shelf.outbox.lease(ALL, 2))
        assert {job.effect.viewer for job in order} == {BOB}
        await shelf.wait(timedelta(seconds=30))
        order += await self._drain(shelf, await shelf.outbox.lease(ALL, 2))
        assert len(set(keys(order))) == 21  # noqa: PLR2004 - three lanes of seven

    async def test_what_is_decided_comes_before_all_that_is_younger_in_its_lane(
        self, shelf: OutboxStage
    ) -> None:
        """What was parked is tried again before what came later, and that is found again afterwards."""
        first, second, third = await shelf.happen(cheer(), cheer(), cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.PARKED, "who knows"))
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert job.key == f"{second}:credit-cheer"
        await shelf.parking.settle(f"{first}:credit-cheer", lambda _: Settlement(Status.DUE))
        assert await shelf.lease() == []
        await shelf.outbox.settle(job, Settlement(Status.DUE, "not reached"))
        for entry_id in (first, second, third):
            (job,) = await shelf.outbox.lease(ALL, 100)
            assert job.key == f"{entry_id}:credit-cheer"
            await shelf.outbox.settle(job, DONE)

    # --- turns ---------------------------------------------------------------------------------------

    async def test_viewers_take_turns(self, shelf: OutboxStage) -> None:
        """Who asks for one ghost comes after the first of whoever has asked for forty, not after all."""
        await shelf.happen(*(ev.GhostRequested(MARGE, f"tape {number}") for number in range(40)))
        await self._begin_ghosts(shelf)
        await shelf.happen(ev.GhostRequested(BOB, "Larry"))
        await self._begin_ghosts(shelf)
        assert await self._painted(shelf, 3) == [MARGE, BOB, MARGE]
        await shelf.happen(*(ev.GhostRequested(LARRY, f"wine {number}") for number in range(3)))
        await shelf.happen(ev.GhostRequested(BOB, "Marge"))
        await self._begin_ghosts(shelf)
        assert await self._painted(shelf, 7) == [MARGE, LARRY, BOB, MARGE, LARRY, MARGE, LARRY]
        assert await self._painted(shelf, 40) == [MARGE] * 35

    async def test_a_turn_is_kept(self, shelf: OutboxStage) -> None:
        """What is tried again has the turn that it had, and so comes before all that came later."""
        await shelf.happen(*(ev.GhostRequested(viewer, "Larry") for viewer in (MARGE, BOB)))
        await self._begin_ghosts(shelf)
        (job,) = await shelf.outbox.lease(GHOSTLY, 1)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "later", delay=timedelta(seconds=5)))
        await shelf.happen(ev.GhostRequested(MARGE, "Bob"))
        await self._begin_ghosts(shelf)
        await shelf.wait(timedelta(seconds=10))
        (again,) = await shelf.outbox.lease(GHOSTLY, 1)
        assert again.key == job.key

    async def _begin_ghosts(self, shelf: OutboxStage) -> None:
        """Reserve the points of all ghosts that are asked for."""
        summons = frozenset({"summon-ghost"})
        while jobs := await shelf.outbox.lease(summons, 100):
            for job in jobs:
                await shelf.outbox.settle(job, advanced(job, reserved(job)))

    async def _painted(self, shelf: OutboxStage, count: int) -> list[Viewer]:
        """Paint up to so many, one after the other; gives whose they were."""
        viewers: list[Viewer] = []
        while len(viewers) < count and (jobs := await shelf.outbox.lease(GHOSTLY, 1)):
            viewers.append(jobs[0].effect.viewer)
            await shelf.outbox.settle(jobs[0], DONE)
        return viewers

    async def _drain(self, shelf: OutboxStage, jobs: Sequence[Job]) -> list[Job]:
        """Perform all that is due, in turn on two instances; gives the jobs in their order."""
        order: list[Job] = []
        box, other = shelf.outbox, shelf.other
        while jobs:
            order += jobs
            for job in jobs:
                await box.settle(job, DONE)
            box, other = other, box
            jobs = await box.lease(ALL, 2)
        return order

    # --- doubt ---------------------------------------------------------------------------------------

    async def test_a_lost_answer_is_remembered(self, shelf: OutboxStage) -> None:
        """From the first try on that may have been performed, whatever the later ones bring."""
        await shelf.happen(cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.wait(timedelta(seconds=20))
        await shelf.outbox.settle(job, Settlement(Status.DUE, "lost", in_doubt=True))
        (again,) = await shelf.outbox.lease(ALL, 100)
        assert again.in_doubt_for
        assert again.in_doubt_for >= timedelta(seconds=20)
        await shelf.outbox.settle(again, Settlement(Status.DUE, "not reached"))
        (third,) = await shelf.outbox.lease(ALL, 100)
        assert third.in_doubt_for
        assert third.in_doubt_for >= again.in_doubt_for

    async def test_what_a_dead_instance_had_leased_is_due_in_doubt(self, shelf: OutboxStage) -> None:
        """A ledger call once nobody works on it any more; anything else at once."""
        (first,) = await shelf.happen(cheer(message="ghost of Bob"))
        await self._pay_for(shelf, 1)
        (summons,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(summons, advanced(summons, reserved(summons)))
        (later,) = await shelf.happen(cheer())
        assert await shelf.lease() == [f"{first}:paint-ghost", f"{later}:credit-cheer"]
        await shelf.die()
        await shelf.other.recover()
        (paint,) = await shelf.other.lease(ALL, 100)
        assert (paint.key, paint.attempts) == (f"{first}:paint-ghost", 2)
        assert paint.in_doubt_for is not None
        await shelf.wait(SETTLE_AFTER * 1.5)
        (credit,) = await shelf.other.lease(ALL, 100)
        assert credit.key == f"{later}:credit-cheer"
        assert credit.in_doubt_for
        assert credit.in_doubt_for >= SETTLE_AFTER

    async def test_the_first_answer_after_a_doubt_is_remembered(self, shelf: OutboxStage) -> None:
        """By all instances, until the next doubt: the time to settle begins with it, and not again later."""
        await shelf.happen(cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "lost", in_doubt=True))
        (first,) = await shelf.other.lease(ALL, 100)
        assert first.answered_for is None
        await shelf.other.settle(first, Settlement(Status.DUE, "early", has_answered=True))
        await shelf.wait(timedelta(seconds=20))
        (second,) = await shelf.outbox.lease(ALL, 100)
        assert second.answered_for
        assert second.answered_for >= timedelta(seconds=20)
        await shelf.outbox.settle(second, Settlement(Status.DUE, "early", has_answered=True))
        (third,) = await shelf.other.lease(ALL, 100)
        assert third.answered_for
        assert third.answered_for >= second.answered_for
        await shelf.other.settle(third, Settlement(Status.DUE, "lost", in_doubt=True))
        (again,) = await shelf.outbox.lease(ALL, 100)
        assert again.answered_for is None

    async def test_who_dies_leaves_a_new_doubt(self, shelf: OutboxStage) -> None:
        """An answer from before its try proves nothing."""
        await shelf.happen(cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "early", in_doubt=True))
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "early", has_answered=True))
        assert await shelf.lease()
        await shelf.die()
        await shelf.other.recover()
        await shelf.wait(SETTLE_AFTER * 1.5)
        (again,) = await shelf.other.lease(ALL, 100)
        assert again.answered_for is None
        assert again.in_doubt_for

    async def test_what_was_in_doubt_is_looked_at_once_more(self, shelf: OutboxStage) -> None:
        """When its settlement says, on whichever instance, once; what the viewer does meanwhile goes on."""
        (first,) = await shelf.happen(cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "lost", in_doubt=True))
        (again,) = await shelf.outbox.lease(ALL, 100)
        made = Settlement(Status.DONE, flow_id=UUID(int=7), check_after=timedelta(minutes=10))
        await shelf.outbox.settle(again, made)
        await shelf.other.recover()
        (second,) = await shelf.happen(cheer())
        assert await shelf.lease() == [f"{second}:credit-cheer"]
        await shelf.wait(timedelta(minutes=11))
        for box in (shelf.other, shelf.outbox):
            await box.recover()
        (check,) = await shelf.other.lease(ALL | CHECKS, 100)
        assert check.key == f"{first}:check-credit-cheer"
        assert check.effect == CheckForDouble(CreditCheer(MARGE, 200, ""), UUID(int=7))
        assert check.in_doubt_for
        assert check.in_doubt_for >= timedelta(minutes=11)
        await shelf.other.settle(check, DONE)
        await shelf.wait(timedelta(minutes=11))
        await shelf.other.recover()
        assert not await shelf.other.lease(ALL | CHECKS, 100)

    async def test_a_reservation_is_looked_at_once_more(self, shelf: OutboxStage) -> None:
        """Beside the ghost that it pays for, which goes on."""
        (first,) = await shelf.happen(ev.GhostRequested(MARGE, "Bob"))
        (job,) = await shelf.outbox.lease(ALL, 100)
        ghost = reserved(job)
        settled = evolve(advanced(job, ghost), flow_id=ghost.flow_id, check_after=timedelta(minutes=10))
        await shelf.outbox.settle(job, Settlement(Status.DUE, "lost", in_doubt=True))
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, settled)
        await shelf.wait(timedelta(minutes=11))
        await shelf.other.recover()
        jobs = await shelf.other.lease(ALL | CHECKS, 100)
        assert keys(jobs) == [f"{first}:paint-ghost", f"{first}:check-summon-ghost"]
        assert isinstance(jobs[1].effect, CheckForDouble)
        assert (jobs[1].effect.of, jobs[1].effect.flow_id) == (job.effect, ghost.flow_id)

    async def test_it_is_known_what_may_be_under_way(self, shelf: OutboxStage) -> None:
        """A change of this viewer that is leased, or in doubt; not one that waits, or is over."""
        await shelf.happen(cheer())
        assert not await shelf.other.is_under_way(MARGE)
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert await shelf.other.is_under_way(MARGE)
        assert not await shelf.other.is_under_way(BOB)
        await shelf.outbox.settle(job, Settlement(Status.DUE, "lost", in_doubt=True))
        assert await shelf.other.is_under_way(MARGE)
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, DONE)
        assert not await shelf.other.is_under_way(MARGE)

    async def test_what_a_dead_instance_says_counts_for_nothing(self, shelf: OutboxStage) -> None:
        """Another works on it."""
        await shelf.happen(cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.die()
        await shelf.other.recover()
        await shelf.outbox.settle(job, Settlement(Status.PARKED, "it was me"))
        await shelf.wait(SETTLE_AFTER * 1.5)
        (again,) = await shelf.other.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.PARKED, "it was me"))
        await shelf.other.settle(again, Settlement(Status.DUE, "not reached"))
        assert keys(await shelf.other.lease(ALL, 100)) == [job.key]

    async def test_what_was_settled_is_settled(self, shelf: OutboxStage) -> None:
        """Writing it again, since the answer to the first writing was lost, changes nothing."""
        await shelf.happen(cheer(message="ghost of Bob"))
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, DONE)
        (summons,) = await shelf.outbox.lease(ALL, 100)
        for _ in range(2):
            await shelf.outbox.settle(job, Settlement(Status.PARKED, "again"))
        await shelf.outbox.settle(summons, advanced(summons, reserved(summons)))
        assert len(await shelf.lease()) == 1

    # --- what follows --------------------------------------------------------------------------------

    async def test_a_ghost_waits_for_the_points_of_its_cheer(self, shelf: OutboxStage) -> None:
        """It is due when they are there, and holds up nobody until then."""
        first, second = await shelf.happen(cheer(message="ghost of Bob"), cheer())
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, Settlement(Status.PARKED, "who knows"))
        (later,) = await shelf.outbox.lease(ALL, 100)
        assert later.key == f"{second}:credit-cheer"
        await shelf.outbox.settle(later, DONE)
        assert await shelf.lease() == []
        assert first

    async def test_a_ghost_is_kept_and_goes_from_step_to_step(self, shelf: OutboxStage) -> None:
        """Each job of its life finds it as the one before has left it, on any instance."""
        (first,) = await shelf.happen(cheer(message="ghost of Bob"))
        await self._pay_for(shelf, 1)
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert job.effect == SummonGhost(ghost_id(first), MARGE, "Bob", None)
        ghost = reserved(job)
        await shelf.outbox.settle(job, advanced(job, ghost))
        steps = (
            (Task.PAINT, evolve(ghost, step=Step.PAINTED, jpeg=JPEG)),
            (Task.STORE, evolve(ghost, step=Step.STORED, jpeg=JPEG, url="https://ghosts.example/1.jpg")),
            (Task.PAY, evolve(ghost, step=Step.PAID, jpeg=JPEG, url="https://ghosts.example/1.jpg")),
            (Task.SHOW, evolve(ghost, step=Step.SHOWN, jpeg=JPEG, url="https://ghosts.example/1.jpg")),
            (Task.POST, evolve(ghost, step=Step.POSTED, url="https://ghosts.example/1.jpg")),
        )
        for task, after in steps:
            (job,) = await shelf.other.lease(ALL, 100)
            assert (job.key, job.effect) == (f"{first}:{task}", AdvanceGhost(ghost.id, MARGE, task))
            assert job.ghost == ghost
            ghost = after
            await shelf.other.settle(job, advanced(job, ghost))
        assert await shelf.lease() == []

    async def test_a_ghost_that_fails_is_to_be_refunded(self, shelf: OutboxStage) -> None:
        """With the reason why."""
        (first,) = await shelf.happen(cheer(message="ghost of Bob"))
        await self._pay_for(shelf, 1)
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, advanced(job, reserved(job)))
        (paint,) = await shelf.outbox.lease(ALL, 100)
        assert paint.ghost
        failed = evolve(paint.ghost, refusal=Refusal.CONTENT, reason="no Bobs, \0please \ud83d")
        await shelf.outbox.settle(paint, advanced(paint, failed, Status.REFUSED, failed.reason))
        (refund,) = await shelf.outbox.lease(ALL, 100)
        assert refund.key == f"{first}:reject-points"
        assert refund.ghost
        assert (refund.ghost.step, refund.ghost.refusal) == (Step.RESERVED, Refusal.CONTENT)

    async def test_the_transactions_of_a_viewer_are_claimed(self, shelf: OutboxStage) -> None:
        """So that no other effect takes them for its own."""
        await shelf.happen(cheer(), cheer(BOB))
        mine, theirs = await shelf.outbox.lease(ALL, 100)
        flows = [UUID(int=1), UUID(int=2)]
        await shelf.outbox.settle(mine, Settlement(Status.DONE, flow_id=flows[0]))
        await shelf.outbox.settle(theirs, Settlement(Status.DONE, flow_id=flows[1]))
        assert set(await shelf.other.claimed(MARGE)) == {flows[0]}
        assert set(await shelf.other.claimed(LARRY)) == set()

    async def test_a_viewer_who_asks_again_gets_the_same_while_it_is_made(self, shelf: OutboxStage) -> None:
        """And another once nobody works on it any more."""
        wish = ev.GhostRequested(MARGE, "Bob")
        (first,) = await shelf.happen(wish)
        assert await self._outcome(shelf, wish) is Outcome.REPEATED
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert job.key == f"{first}:summon-ghost"
        assert isinstance(job.effect, SummonGhost)
        refused = job.effect.refuse(Refusal.POINTS, "not enough points")
        await shelf.outbox.settle(job, advanced(job, refused, Status.REFUSED, "not enough points"))
        assert await self._outcome(shelf, wish) is Outcome.REACTED
        assert len(await shelf.lease()) == 1

    # --- how a ghost stands --------------------------------------------------------------------------

    async def test_who_asked_first_is_known(self, shelf: OutboxStage) -> None:
        """Of a request that is new, or recorded, or has joined one before it: also when that is over."""
        wish, other = ev.GhostRequested(MARGE, "Bob"), ev.GhostRequested(MARGE, "Larry")
        asker = shelf.ghosts.asker
        first, second = (entry(name, wish) for name in ("first", "second"))
        assert await asker(first) is None
        await receive([first], shelf.units, Policy())
        assert [await asker(one) for one in (first, second)] == ["first", "first"]
        await receive([second], shelf.units, Policy())
        assert await asker(entry("third", other)) is None
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert isinstance(job.effect, SummonGhost)
        refused = job.effect.refuse(Refusal.POINTS, "not enough points")
        await shelf.outbox.settle(job, advanced(job, refused, Status.REFUSED, "not enough points"))
        assert [await asker(one) for one in (first, second)] == ["first", "first"]
        assert await asker(entry("third", wish)) is None

    async def test_a_ghost_tells_how_far_it_has_come(self, shelf: OutboxStage) -> None:
        """From when it is asked for; that it failed, and why, only when the points are back."""
        (first,) = await shelf.happen(ev.GhostRequested(MARGE, "Bob"))
        name = ghost_id(first)
        assert await shelf.ghosts.standing(name) == Standing(name, None)
        (job,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(job, advanced(job, reserved(job)))
        assert await shelf.ghosts.standing(name) == Standing(name, Step.RESERVED)
        (paint,) = await shelf.outbox.lease(ALL, 100)
        assert paint.ghost
        failed = evolve(paint.ghost, refusal=Refusal.CONTENT, reason="no Bobs")
        await shelf.outbox.settle(paint, advanced(paint, failed, Status.REFUSED, failed.reason))
        assert await shelf.ghosts.standing(name) == Standing(name, Step.RESERVED)
        (refund,) = await shelf.outbox.lease(ALL, 100)
        await shelf.outbox.settle(refund, advanced(refund, evolve(failed, step=Step.REFUNDED)))
        assert await shelf.ghosts.standing(name) == Standing(name, Step.REFUNDED, Refusal.CONTENT, "no Bobs")

    async def test_the_reason_of_a_failure_is_the_operators(self, shelf: OutboxStage) -> None:
        """Everybody else is told that it failed."""
        (first,) = await shelf.happen(ev.GhostRequested(MARGE, "Bob"))
        (job,) = await shelf.outbox.lease(ALL, 100)
        assert isinstance(job.effect, SummonGhost)
        failed = job.effect.refuse(Refusal.FAILURE, "the key is sk-secret")
        await shelf.outbox.settle(job, advanced(job, failed, Status.REFUSED, failed.reason))
        standing = await shelf.ghosts.standing(ghost_id(first))
        assert standing == Standing(ghost_id(first), Step.REFUSED, Refusal.FAILURE)

    async def test_what_nobody_asked_for_is_not_found(self, shelf: OutboxStage) -> None:
        """Nor what is skipped, since its feature is off."""
        off = Policy(features=frozenset())
        await receive([entry("off", cheer(message="ghost of Bob"), at(0))], shelf.units, off)
        for name in (uuid4(), ghost_id("off")):
            with pytest.raises(NotFound):
                await shelf.ghosts.standing(name)

    async def _outcome(self, shelf: OutboxStage, event: Event) -> Outcome:
        outcomes: list[Outcome] = []

        def follow_and_note(admission: Any, policy: Policy) -> Any:  # noqa: ANN401
            page = follow(admission, policy)
            outcomes.extend(verdict.outcome for verdict in page.verdicts)
            return page

        new: Entry = entry(str(uuid4()), event)
        await shelf.units.record([new], Policy(), follow_and_note)
        return outcomes[-1]

    async def _pay_for(self, shelf: OutboxStage, count: int) -> None:
        """Credit cheers, so that their ghosts can begin."""
        for _ in range(count):
            (job,) = await shelf.outbox.lease(ALL, 100)
            await shelf.outbox.settle(job, DONE)
