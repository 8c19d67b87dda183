"""What every unit of work keeps to with ghosts and its outbox: a suite of rules, to be mixed into a class.

class TestPostgresOutbox(GhostLimitsContract):
    @pytest.fixture
    async def stage(self, database): ...  # an OutboxStage on an empty channel

Needs pytest-asyncio in auto mode.
"""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import JournalChanges, Outcome
from showtime_core.domain.outbox import EffectStatus, Job, Settlement, settle_ghost_step
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, SummonGhost
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.points_and_ghosts.ghosts import (
    Ghost,
    GhostRefusal,
    GhostStep,
    GhostTask,
)
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import LimitReached
from showtime_core.testing.contracts.outbox import ALL, JPEG, OutboxStage, cheer, reserved
from showtime_core.testing.entries import BOB, LARRY, MARGE, TRACKING, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import plan_changes, plan_command

A_MOMENT = timedelta(seconds=30)
DAY = timedelta(hours=24)
SAME_REQUEST_FOR = timedelta(minutes=10)
URL = "https://ghosts.example/1.jpg"
_NEXT = {
    GhostTask.PAINT: GhostStep.PAINTED,
    GhostTask.STORE: GhostStep.STORED,
    GhostTask.PAY: GhostStep.PAID,
    GhostTask.SHOW: GhostStep.SHOWN,
    GhostTask.POST: GhostStep.POSTED,
    GhostTask.REFUND: GhostStep.REFUNDED,
}


def limited(waiting: int | None = None, painted: int | None = None) -> Policy:
    """Set limits."""
    return Policy(ghost_limits=GhostLimits(waiting, painted))


async def ask(
    stage: OutboxStage,
    viewer: Viewer = MARGE,
    subject: str = "Bob",
    key: str | None = None,
    policy: Policy = Policy(),  # noqa: B008 - a value
) -> str:
    """Ask for a ghost as viewers do; gives the entry whose ghost it is."""
    new = entry(str(uuid4()), ev.GhostRequested(viewer, subject, key))
    await stage.units.record([new], policy, plan_command)
    asker = await stage.ghosts.first_request(new)
    assert asker, "it was recorded"
    return asker


async def ask_for_many(stage: OutboxStage, count: int, policy: Policy, viewer: Viewer = MARGE) -> list[str]:
    """Ask for so many ghosts, each of something else."""
    return [await ask(stage, viewer, f"tape {uuid4()}", policy=policy) for _ in range(count)]


def moved_on(job: Job) -> Settlement:
    """Do what is to be done, as if all went well."""
    match job.effect:
        case SummonGhost():
            return settle_ghost_step(job, reserved(job))
        case AdvanceGhost(_, _, task):
            assert job.ghost
            return settle_ghost_step(job, _moved(evolve(job.ghost, step=_NEXT[task])))
        case _:
            return Settlement(EffectStatus.DONE)


def _moved(ghost: Ghost) -> Ghost:
    jpeg = (
        JPEG if ghost.step in {GhostStep.PAINTED, GhostStep.STORED, GhostStep.PAID, GhostStep.SHOWN} else None
    )
    return evolve(
        ghost, jpeg=jpeg, url=None if ghost.step in {GhostStep.PAINTED, GhostStep.REFUNDED} else URL
    )


async def work(stage: OutboxStage, kinds: frozenset[str] = ALL) -> None:
    """Perform what there is of these kinds, until there is no more."""
    while jobs := await stage.outbox.lease(kinds, 100):
        for job in jobs:
            await stage.outbox.settle(job, moved_on(job))


async def fail_next(stage: OutboxStage, task: str) -> None:
    """Let the next effect of a kind fail for good."""
    (job,) = await stage.outbox.lease(frozenset({task}), 1)
    if isinstance(job.effect, SummonGhost):
        failed = job.effect.refuse(GhostRefusal.POINTS, "not enough points")
    else:
        assert job.ghost
        failed = evolve(job.ghost, refusal=GhostRefusal.FAILURE, reason="no paint")
    await stage.outbox.settle(job, settle_ghost_step(job, failed, EffectStatus.REFUSED, failed.reason))


class GhostLimitsContract:
    """The rules of `showtime_core.ports.Ghosts`, and how many ghosts there may be."""

    # --- which requests are the same -------------------------------------------------------------------

    async def test_a_request_is_the_same_until_a_while_after_its_ghost_was_shown(
        self, stage: OutboxStage
    ) -> None:
        """In progress however long that takes, and ten minutes beyond; then it is another."""
        first = await ask(stage)
        await stage.wait(SAME_REQUEST_FOR * 3)
        assert await ask(stage) == first
        await work(stage)
        await stage.wait(SAME_REQUEST_FOR - A_MOMENT)
        assert await ask(stage) == first
        assert await stage.lease() == []
        await stage.wait(A_MOMENT * 2)
        second = await ask(stage)
        assert second != first
        assert await ask(stage) == second

    async def test_what_is_posted_late_is_not_the_same_any_longer(self, stage: OutboxStage) -> None:
        """The ten minutes count from when it was shown, whatever happens to it later."""
        first = await ask(stage)
        await work(stage, ALL - {GhostTask.POST})
        await stage.wait(SAME_REQUEST_FOR - A_MOMENT)
        await work(stage)
        assert await ask(stage) == first
        await stage.wait(A_MOMENT * 2)
        assert await ask(stage) != first

    async def test_another_viewer_and_another_subject_are_another_request(self, stage: OutboxStage) -> None:
        """Also within the ten minutes."""
        first = await ask(stage)
        await work(stage)
        assert first not in {await ask(stage, BOB), await ask(stage, MARGE, "Larry")}

    @pytest.mark.parametrize("task", ["summon-ghost", GhostTask.PAINT])
    async def test_who_has_paid_nothing_may_ask_again_at_once(self, stage: OutboxStage, task: str) -> None:
        """A ghost that was refused, or whose points are back, is no reason not to make it."""
        first = await ask(stage)
        await work(stage, ALL - {task})
        await fail_next(stage, task)
        await work(stage)
        assert await ask(stage) != first
        assert await stage.lease()

    async def test_a_name_of_its_own_makes_another_request(self, stage: OutboxStage) -> None:
        """Of one that is named otherwise, in progress, and of any that is done."""
        first = await ask(stage, key="a")
        second = await ask(stage, key="b")
        await work(stage)
        third = await ask(stage, key="c")
        assert len({first, second, third}) == len("abc")

    async def test_without_a_name_it_is_the_same_as_one_that_has_one(self, stage: OutboxStage) -> None:
        """While that is in progress, and when it was shown a moment ago."""
        first = await ask(stage, key="a")
        assert await ask(stage) == first
        await work(stage)
        assert await ask(stage) == first
        await stage.wait(SAME_REQUEST_FOR + A_MOMENT)
        assert await ask(stage) != first

    async def test_a_named_request_joins_one_in_progress_that_has_no_name(self, stage: OutboxStage) -> None:
        """And stays with it when that is over."""
        first = await ask(stage)
        new = entry("named", ev.GhostRequested(MARGE, "Bob", "k"))
        await stage.units.record([new], Policy(), plan_command)
        await work(stage)
        assert await stage.ghosts.first_request(new) == first

    async def test_each_cheer_has_its_own_ghost(self, stage: OutboxStage) -> None:
        """It is paid by itself; and who asks without a cheer gets none that a cheer has paid."""
        cheers = await stage.record(cheer(message="ghost of Bob"), cheer(message="ghost of Bob"))
        asked = await ask(stage)
        await work(stage)
        assert await ask(stage) == asked
        (later,) = await stage.record(cheer(message="ghost of Bob"))
        assert len({*cheers, asked, later}) == 4  # noqa: PLR2004 - none is another
        assert f"{later}:credit-cheer" in await stage.lease()

    # --- how many there may be -------------------------------------------------------------------------

    async def test_a_viewer_may_have_so_many_waiting(self, stage: OutboxStage) -> None:
        """One more is refused and leaves no trace, until one is on the screen; others have their own."""
        policy = limited(waiting=2)
        await ask_for_many(stage, 2, policy)
        with pytest.raises(LimitReached, match="2 ghosts waiting") as refused:
            await ask(stage, MARGE, "the third", policy=policy)
        assert (refused.value.limit, refused.value.retry_after) == ("viewer", None)
        assert await stage.ghosts.first_request(entry("third", ev.GhostRequested(MARGE, "the third"))) is None
        await ask(stage, BOB, policy=policy)
        await work(stage, ALL - {GhostTask.SHOW})
        with pytest.raises(LimitReached):
            await ask(stage, MARGE, "the third", policy=policy)
        await work(stage)
        await ask(stage, MARGE, "the third", policy=policy)

    async def test_a_ghost_that_failed_waits_no_longer(self, stage: OutboxStage) -> None:
        """Its viewer may ask at once, whatever was to be painted."""
        policy = limited(waiting=1, painted=1)
        for task in ("summon-ghost", GhostTask.PAINT):
            await ask(stage, MARGE, task, policy=policy)
            await work(stage, ALL - {task})
            await fail_next(stage, task)
            await work(stage)
        await ask(stage, policy=policy)

    async def test_what_is_parked_waits_still(self, stage: OutboxStage) -> None:
        """It can be tried again, and is painted then."""
        policy = limited(painted=1)
        await ask(stage, policy=policy)
        (job,) = await stage.outbox.lease(ALL, 1)
        await stage.outbox.settle(job, Settlement(EffectStatus.PARKED, "who knows"))
        with pytest.raises(LimitReached):
            await ask(stage, BOB, policy=policy)

    async def test_so_many_are_painted_in_a_day(self, stage: OutboxStage) -> None:
        """Of all viewers together; the next may be asked for when the oldest is a day old."""
        policy = limited(painted=2)
        await ask(stage, MARGE, policy=policy)
        await work(stage)
        await stage.wait(timedelta(hours=1))
        await ask(stage, BOB, policy=policy)
        await work(stage)
        with pytest.raises(LimitReached) as refused:
            await ask(stage, LARRY, policy=policy)
        left = refused.value.retry_after
        assert left
        assert timedelta(hours=23) - A_MOMENT <= left <= timedelta(hours=23)
        await stage.wait(left + A_MOMENT)
        await ask(stage, LARRY, policy=policy)
        with pytest.raises(LimitReached):
            await ask(stage, MARGE, "another", policy=policy)

    async def test_what_waits_to_be_painted_counts_however_old_it_is(self, stage: OutboxStage) -> None:
        """Else a night without a painter would be followed by more than what is allowed."""
        policy = limited(painted=1)
        await ask(stage, policy=policy)
        await stage.wait(DAY * 2)
        with pytest.raises(LimitReached) as refused:
            await ask(stage, BOB, policy=policy)
        assert (refused.value.limit, refused.value.retry_after) == ("day", None)

    async def test_a_request_that_was_made_is_not_refused_again(self, stage: OutboxStage) -> None:
        """Whoever asks again gets the answer of the first, though the limit is reached by it."""
        policy = limited(waiting=1, painted=1)
        first = await ask(stage, policy=policy)
        assert await ask(stage, policy=policy) == first
        await work(stage)
        assert await ask(stage, policy=policy) == first

    @pytest.mark.parametrize("policy", [limited(waiting=2), limited(painted=2)])
    async def test_a_cheer_over_the_limit_keeps_its_points(self, stage: OutboxStage, policy: Policy) -> None:
        """Its ghost is skipped, with the reason; those before it in the same batch are counted."""
        batch = [entry(f"cheer-{n}", cheer(message=f"Cheer200 ghost of {n}"), at(n)) for n in range(4)]
        changes = await stage.units.record(batch, policy, plan_changes)
        skipped = {planned.key: planned.remark for planned in changes.effects if planned.is_skipped}
        assert skipped.keys() == {"cheer-2:summon-ghost", "cheer-3:summon-ghost"}
        assert all(skipped.values())
        assert [verdict.outcome for verdict in changes.verdicts] == [Outcome.REACTED] * 4
        done: set[str] = set()
        while jobs := await stage.outbox.lease(ALL, 100):
            for job in jobs:
                done.add(job.key)
                await stage.outbox.settle(job, moved_on(job))
        assert {f"cheer-{n}:credit-cheer" for n in range(4)} <= done
        assert not done & skipped.keys()

    async def test_without_points_or_ghosts_nothing_is_over_a_limit(self, stage: OutboxStage) -> None:
        """It is skipped because it is off, which needs no reason."""
        off = evolve(limited(waiting=1, painted=1), features=frozenset())
        batch = [entry(f"cheer-{n}", cheer(message="ghost of Bob"), at(n)) for n in range(3)]
        changes = await stage.units.record(batch, off, plan_changes)
        assert {(planned.is_skipped, planned.remark) for planned in changes.effects} == {(True, None)}

    @pytest.mark.parametrize("policy", [limited(painted=4), limited(waiting=1)])
    async def test_requests_at_once_never_exceed_a_limit_together(
        self, stage: OutboxStage, policy: Policy
    ) -> None:
        """Of twenty, by four viewers in requests and cheers, four are made."""
        stored: list[JournalChanges] = []

        async def one(number: int) -> None:
            viewer = (MARGE, BOB, LARRY, TRACKING)[number % 4]
            if number % 3:
                await ask(stage, viewer, f"tape {number}", policy=policy)
            else:
                new = entry(f"cheer-{number}", cheer(viewer, f"ghost of {number}"), at(0))
                stored.append(await stage.units.record([new], policy, plan_changes))

        results = await asyncio.gather(*(one(number) for number in range(20)), return_exceptions=True)
        refused = [each for each in results if isinstance(each, LimitReached)]
        assert [each for each in results if each and each not in refused] == []
        skipped = sum(planned.is_skipped for changes in stored for planned in changes.effects)
        assert len(refused) + skipped == 20 - 4
