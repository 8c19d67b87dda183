"""What every implementation of a port keeps to: suites of rules, to be mixed into a class of tests.

class TestPostgresUnitOfWork(UnitOfWorkContract):
    @pytest.fixture
    async def stage(self, database): ...  # a Stage on an empty channel

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from showtime_core import events as ev
from showtime_core.alerts import FollowAlert
from showtime_core.broadcast import Snapshot, snapshot
from showtime_core.journal import Admission, Entry, Outcome
from showtime_core.ports import UnitOfWork
from showtime_core.reactions import Policy
from showtime_core.receiving import follow, receive
from showtime_core.testing.pages import PageContract
from showtime_core.testing.records import Remembered, Stage
from showtime_core.testing.script import BOB, LARRY, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.strategies import entry

POLICY = Policy()


class Spoilt(Exception):  # noqa: N818 - what happened, not an error of anybody's
    """Something went wrong in the middle of a unit."""


async def spoil(units: UnitOfWork, batch: Sequence[Entry], *, is_written: bool) -> None:
    """Fail inside a unit, before writing or after."""
    async with units.begin(batch, POLICY) as unit:
        if is_written:
            await unit.write(follow(unit.admission, POLICY))
        raise Spoilt


class UnitOfWorkContract(PageContract):
    """The rules of `showtime_core.ports.UnitOfWork`."""

    # --- once, whatever comes again ----------------------------------------------------------------

    async def test_a_batch_is_recorded_with_all_that_follows(self, stage: Stage) -> None:
        """The tables say of a batch what the pure core says of it."""
        batch = [online("halloween", 0), follows("f"), cheers("c"), offline(90)]
        async with stage.units.begin(batch, POLICY) as unit:
            page = follow(unit.admission, POLICY)
            await unit.write(page)
        kept = await stage.read()
        assert unit.admission.fresh == tuple(batch)
        assert [(line.entry_id, line.outcome, line.remark) for line in kept.journal] == [
            (verdict.entry_id, verdict.outcome, verdict.remark) for verdict in page.verdicts
        ]
        assert kept.state == page.state
        assert kept.shown == page.shown
        assert kept.effects == {planned.key: planned for planned in page.effects}
        assert tuple(kept.broadcasts.values()) == page.broadcasts
        assert kept.viewers == {MARGE.id: Remembered("Marge_on_Mute", at(0), None)}

    async def test_an_id_that_comes_twice_in_a_batch_is_new_once(self, stage: Stage) -> None:
        """The first of them counts."""
        batch = [cheers("c", 100), follows("f"), cheers("c", 500)]
        async with stage.units.begin(batch, POLICY) as unit:
            await unit.write(follow(unit.admission, POLICY))
        assert unit.admission.fresh == (batch[0], batch[1])
        assert len((await stage.read()).journal) == len({"c", "f"})

    async def test_an_id_that_comes_again_later_is_not_new(self, stage: Stage) -> None:
        """Beside it in the batch, what is new is new, and in order."""
        await receive([cheers("c"), follows("f")], stage.units, POLICY)
        batch = [follows("g", BOB), cheers("c"), follows("h", LARRY), follows("f")]
        async with stage.other.begin(batch, POLICY) as unit:
            await unit.write(follow(unit.admission, POLICY))
        assert [new.id for new in unit.admission.fresh] == ["g", "h"]

    async def test_nothing_new_changes_nothing(self, stage: Stage) -> None:
        """A unit of duplicates only is left without writing."""
        await receive([online("halloween", 0), cheers("c")], stage.units, POLICY)
        before = await stage.read()
        await receive([cheers("c"), online("halloween", 0)], stage.other, POLICY)
        assert await stage.read() == before

    async def test_no_entries_tell_state_and_time(self, stage: Stage) -> None:
        """An empty unit admits nothing, and is good for looking."""
        await receive([online("halloween", 0)], stage.units, POLICY)
        async with stage.other.begin([], POLICY) as unit:
            assert unit.admission.fresh == ()
            assert snapshot(unit.admission.state) == Snapshot(is_live=True, broadcast_started_at=at(0))

    async def test_concurrent_deliveries_count_once(self, stage: Stage) -> None:
        """Ten deliveries of the same batch, in either order, over two instances."""
        batch = [online("halloween", 0), cheers("c"), follows("f"), cheers("d")]
        await asyncio.gather(
            *(
                receive(batch[:: 1 if number % 3 else -1], stage.other if number % 2 else stage.units, POLICY)
                for number in range(10)
            )
        )
        kept = await stage.read()
        assert sorted(line.entry_id for line in kept.journal) == sorted(one.id for one in batch)
        assert len(kept.shown) == len(batch)
        assert len(kept.broadcasts) == 1
        assert sorted(kept.effects) == [
            f"{i}:{kind}" for i in "cd" for kind in ("credit-cheer", "summon-ghost")
        ]

    # --- one fact under two ids --------------------------------------------------------------------

    TWICE_TOLD: Sequence[ev.Event] = (
        ev.Follow(MARGE, at(0)),
        ev.HypeTrain("choo-choo", ev.HypeTrainPhase.BEGIN, 1),
        ev.Redemption("rewind", BOB),
        ev.ChatWritten("first!", BOB, "", "be kind"),
    )

    @pytest.mark.parametrize("event", TWICE_TOLD, ids=lambda event: type(event).__name__)
    async def test_a_fact_under_two_ids_counts_once(self, stage: Stage, event: ev.Event) -> None:
        """In one batch and in a later one: the further reports are recorded as repeated."""
        batch = [entry("one", event, at(0)), entry("two", event, at(0))]
        async with stage.units.begin(batch, POLICY) as unit:
            await unit.write(follow(unit.admission, POLICY))
        await receive([entry("three", event, at(0))], stage.other, POLICY)
        kept = await stage.read()
        assert unit.admission.repeated == {"two"}
        assert [line.outcome for line in kept.journal] == [
            Outcome.REACTED,
            Outcome.REPEATED,
            Outcome.REPEATED,
        ]
        assert {shown.entry_id for shown in kept.shown} <= {"one"}

    async def test_a_fact_told_at_once_by_two_counts_once(self, stage: Stage) -> None:
        """Eight ids, two instances, one follower."""
        reports = [follows(f"f{number}") for number in range(8)]
        await asyncio.gather(
            *(
                receive([report], stage.other if number % 2 else stage.units, POLICY)
                for number, report in enumerate(reports)
            )
        )
        kept = await stage.read()
        assert [shown.what for shown in kept.shown] == [FollowAlert("Marge_on_Mute")]
        assert sum(line.outcome is Outcome.REPEATED for line in kept.journal) == len(reports) - 1

    async def test_two_honest_cheers_are_two(self, stage: Stage) -> None:
        """What has no key of its own may happen twice."""
        await receive([cheers("c"), cheers("d")], stage.units, POLICY)
        assert [line.outcome for line in (await stage.read()).journal] == [Outcome.REACTED] * 2

    # --- one at a time, all or nothing -------------------------------------------------------------

    async def test_a_unit_waits_for_the_one_before(self, stage: Stage) -> None:
        """It is admitted with the state, and after the time, of the unit that held the lock."""
        order: list[str] = []

        async def second() -> Admission:
            async with stage.other.begin([offline(90)], POLICY) as unit:
                order.append("second")
                await unit.write(follow(unit.admission, POLICY))
                return unit.admission

        async with stage.units.begin([online("halloween", 0)], POLICY) as first:
            waiting = asyncio.create_task(second())
            await asyncio.sleep(0.1)
            order.append("first")
            page = follow(first.admission, POLICY)
            await first.write(page)
        admission = await waiting
        assert order == ["first", "second"]
        assert admission.state == page.state
        assert admission.now >= first.admission.now + timedelta(seconds=0.05)

    @pytest.mark.parametrize("is_written", [False, True])
    async def test_an_error_inside_leaves_nothing(self, stage: Stage, *, is_written: bool) -> None:
        """Neither entry nor fact nor anything that follows; the same entries are new the next time."""
        await receive([online("halloween", 0)], stage.units, POLICY)
        before, batch = await stage.read(), [follows("f"), cheers("c"), offline(90)]
        with pytest.raises(Spoilt):
            await spoil(stage.units, batch, is_written=is_written)
        assert await stage.read() == before
        async with stage.other.begin(batch, POLICY) as again:
            assert again.admission.fresh == tuple(batch)
            assert not again.admission.repeated
            assert again.admission.state == before.state
            await again.write(follow(again.admission, POLICY))

    async def test_whoever_is_cancelled_leaves_nothing(self, stage: Stage) -> None:
        """And does not keep the lock: the next is admitted at once."""

        async def dawdle() -> None:
            async with stage.units.begin([follows("f")], POLICY) as unit:
                await unit.write(follow(unit.admission, POLICY))
                await asyncio.sleep(60)

        before, task = await stage.read(), asyncio.create_task(dawdle())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await stage.read() == before
        async with asyncio.timeout(3), stage.other.begin([], POLICY):
            pass

    async def test_time_never_goes_back(self, stage: Stage) -> None:
        """Each unit has a time with an offset of zero, no earlier than the one before it, on any instance."""
        times: list[datetime] = []
        for number in range(6):
            async with (stage.other if number % 2 else stage.units).begin([], POLICY) as unit:
                times.append(unit.admission.now)
        assert times == sorted(times)
        assert all(time.tzinfo and time.utcoffset() == UTC.utcoffset(None) for time in times)
