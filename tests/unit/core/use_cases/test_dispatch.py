"""What is due is performed, so many at once; whatever is lost, what is known is written, else in doubt."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from attrs import define, evolve, field

from showtime_core.domain.events import Cheer, GiftedSubscriptions
from showtime_core.domain.outbox import EffectStatus, Job, PlannedEffect, Settlement
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.testing.strategies import OPENING_NIGHT, entry
from showtime_core.testing.twins.outbox import MemoryOutbox, MemoryOutboxTable
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.dispatch import DRAIN_SECONDS, SLOW_SECONDS, Dispatcher, WorkerPool
from showtime_core.use_cases.receive import receive
from support.virtual_time import elapsed, in_virtual_time

DONE = Settlement(EffectStatus.DONE)
CHEERS, GIFTS = frozenset({"credit-cheer"}), frozenset({"credit-gift-subs"})


@define
class FlakyOutbox(MemoryOutbox):
    """The outbox of a database that is away now and then, and takes what it is told from time to time."""

    is_away: bool = False
    faults: list[Exception] = field(factory=list)
    """What writing raises, in turn."""
    leases: list[float] = field(factory=list)
    """When it was asked for jobs."""
    batches: list[Sequence[tuple[Job, Settlement]]] = field(factory=list)
    """What it was told, batch by batch."""
    poison: str = ""
    """The key of a job of which it takes nothing but that it is parked."""

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        self.leases.append(elapsed())
        self.require()
        return await super().lease(kinds, limit)

    async def recover(self) -> None:
        self.require()
        await super().recover()

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        self.batches.append(settled)
        if any(job.key == self.poison and told.status is not EffectStatus.PARKED for job, told in settled):
            raise ZeroDivisionError
        await super().settle_all(settled)

    async def settle(self, job: Job, settlement: Settlement) -> None:
        self.require()
        if self.faults:
            raise self.faults.pop(0)
        await super().settle(job, settlement)

    def require(self) -> None:
        if self.is_away:
            raise Unavailable("the database is away")


@define
class Stage:
    """An instance whose jobs take until they are told to end, on a channel in memory."""

    pools: Sequence[WorkerPool]
    units: MemoryUnitOfWork = field(init=False)
    table: MemoryOutboxTable = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    begun: list[tuple[str, float]] = field(factory=list)
    """Whose job, and when."""
    cancelled: list[str] = field(factory=list)
    results: dict[str, asyncio.Future[Settlement]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.units = MemoryUnitOfWork(clock=lambda: OPENING_NIGHT + timedelta(seconds=elapsed()))
        self.table = MemoryOutboxTable(self.units, timedelta(seconds=3))
        self.dispatcher = Dispatcher(self._perform, self.pools)

    async def _perform(self, job: Job) -> Settlement:
        name = job.effect.viewer.id
        self.begun.append((name, elapsed()))
        self.results[name] = asyncio.get_running_loop().create_future()
        try:
            return await self.results[name]
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise

    async def record(self, *names: str, kind: type = Cheer) -> None:
        """Let viewers cheer, or give subscriptions."""
        about = ("1000", 5) if kind is GiftedSubscriptions else (100, "")
        new = [entry(f"{name}-{kind.__name__}", kind(Viewer(name, name, name), *about)) for name in names]
        await receive(new, self.units, Policy())

    def instance(self) -> FlakyOutbox:
        """Begin a session, with a number of its own."""
        number = self.table.instance().owner
        return FlakyOutbox(self.table, number)

    @asynccontextmanager
    async def running(self, outbox: FlakyOutbox | None = None) -> AsyncIterator[asyncio.Task[None]]:
        """Perform what is due; whoever leaves has lost the session."""
        task = asyncio.create_task(self.dispatcher.run(outbox or self.instance()))
        await idle()
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    def end(self, name: str, settlement: Settlement = DONE) -> None:
        self.results[name].set_result(settlement)

    def status(self, name: str) -> EffectStatus:
        [row] = [row for row in self.table.rows.values() if row.planned.effect.viewer.id == name]
        return row.status

    def names(self) -> list[str]:
        return [name for name, _ in self.begun]


def near(seconds: float) -> object:
    """Be equal to a time that is no other than this one."""
    return pytest.approx(seconds, abs=0.01)


async def idle() -> None:
    """Let everybody go on for as far as they can without waiting for anything."""
    await asyncio.sleep(1e-6)


# --- leasing --------------------------------------------------------------------------------------


@in_virtual_time
async def test_each_pool_has_its_places():
    """So many of a pool are performed at once; another pool waits for none of them; what ends makes room."""
    stage = Stage([WorkerPool(CHEERS, size=2), WorkerPool(GIFTS, size=1)])
    await stage.record("a", "b", "c")
    await stage.record("d", "e", kind=GiftedSubscriptions)
    async with stage.running():
        assert stage.names() == ["a", "b", "d"]
        await asyncio.sleep(60)
        assert stage.names() == ["a", "b", "d"]
        stage.end("b")
        await idle()
        assert stage.begun[3:] == [("c", near(60))]
        assert stage.status("b") is EffectStatus.DONE


@in_virtual_time
async def test_what_is_planned_is_begun_at_once_when_it_is_woken_and_within_a_second_if_not():
    """A lost notification only delays."""
    stage = Stage([WorkerPool(CHEERS, size=2)])
    async with stage.running():
        await stage.record("a")
        stage.dispatcher.wake()
        await idle()
        assert stage.names() == ["a"]
        began = elapsed()
        await stage.record("b")
        await idle()
        assert stage.names() == ["a"]
        await asyncio.sleep(1)
        await idle()
        assert stage.names() == ["a", "b"]
        assert stage.begun[1][1] <= began + 1.01


@in_virtual_time
async def test_what_follows_is_begun_at_once_by_another_pool():
    """A settlement that plans another effect wakes the pool whose work it is."""
    stage = Stage([WorkerPool(GIFTS, size=1), WorkerPool(CHEERS, size=1)])
    await stage.record("a", kind=GiftedSubscriptions)
    async with stage.running():
        began = elapsed()
        then = CreditCheer(Viewer("b", "b", "b"), 100, "")
        stage.end("a", evolve(DONE, next_effect=PlannedEffect("next", "a-GiftedSubscriptions", then)))
        await idle()
        assert stage.begun[1:] == [("b", near(began))]


@in_virtual_time
async def test_a_database_that_is_away_is_asked_again(caplog):
    """Where nothing can be leased, nothing is lost: it is leased once the database is back."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a")
    outbox = stage.instance()
    outbox.is_away = True
    async with stage.running(outbox):
        await asyncio.sleep(30)
        assert not stage.begun
        assert set(caplog.messages) == {
            "nothing can be leased: the database is away",
            "nothing can be taken over: the database is away",
        }
        assert 20 <= len(outbox.leases) <= 70
        outbox.is_away = False
        await asyncio.sleep(2)
        assert stage.names() == ["a"]


# --- slow jobs ------------------------------------------------------------------------------------


@in_virtual_time
async def test_what_is_slow_keeps_no_place_until_there_are_so_many(caplog):
    """After a while a job makes room for another, at once; no more than `at_most` are under way."""
    stage = Stage([WorkerPool(CHEERS, size=1, at_most=3)])
    stage.dispatcher.slow_seconds = 2.5
    await stage.record("a", "b", "c", "d", "e", "f")
    async with stage.running():
        await asyncio.sleep(60)
        assert stage.begun == [("a", near(0)), ("b", near(2.5)), ("c", near(5))]
        keys = [f"{name}-Cheer:credit-cheer" for name in "abc"]
        assert caplog.messages == [f"{key} has taken 2.5 s, and goes on" for key in keys]
        stage.end("a")
        stage.end("b")
        await idle()
        assert stage.begun[3:] == [("d", near(60))], "one at once, though there is room for two that are slow"
        stage.end("d")
        await idle()
        assert stage.begun[4:] == [("e", near(60))]
        await asyncio.sleep(60)
        assert stage.begun[5:] == [("f", near(62.5))]


@in_virtual_time
async def test_what_ends_in_time_is_never_slow():
    """A job that has ended makes room once, and not again when it would have been slow."""
    stage = Stage([WorkerPool(CHEERS, size=1, at_most=2)])
    await stage.record("a", "b", "c", "d")
    async with stage.running():
        stage.end("a")
        await asyncio.sleep(SLOW_SECONDS - 1)
        assert stage.names() == ["a", "b"]
        await asyncio.sleep(0.9)
        stage.end("b")
        await idle()
        await asyncio.sleep(SLOW_SECONDS / 2)
        assert stage.names() == ["a", "b", "c"]


# --- stopping -------------------------------------------------------------------------------------


@in_virtual_time
async def test_what_is_under_way_is_finished_before_it_stops():
    """Once it stops nothing more is begun; what is under way is awaited, and written."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a", "b")
    async with stage.running() as run:
        draining = asyncio.create_task(stage.dispatcher.drain(run))
        await asyncio.sleep(DRAIN_SECONDS - 0.1)
        assert not draining.done()
        stage.end("a")
        await draining
        assert not run.cancelled()
    assert (stage.names(), stage.cancelled) == (["a"], [])
    assert (stage.status("a"), stage.status("b")) == (EffectStatus.DONE, EffectStatus.DUE)


@in_virtual_time
async def test_with_nothing_under_way_it_stops_at_once():
    """Whoever has nothing to do waits for nothing."""
    stage = Stage([WorkerPool(CHEERS, size=1), WorkerPool(GIFTS, size=1)])
    async with stage.running() as run:
        await asyncio.sleep(0.2)
        await stage.dispatcher.drain(run)
        assert (elapsed(), run.cancelled()) == (near(0.2), False)


@in_virtual_time
async def test_what_does_not_finish_in_time_stays_in_doubt():
    """It is cancelled after three seconds, and taken over by whoever comes next: it may have been done."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a")
    outbox = stage.instance()
    async with stage.running(outbox) as run:
        await stage.dispatcher.drain(run)
        assert (elapsed(), run.cancelled()) == (near(DRAIN_SECONDS), True)
    assert (stage.cancelled, stage.status("a")) == (["a"], EffectStatus.LEASED)
    outbox.die()
    await stage.instance().recover()
    assert stage.status("a") is EffectStatus.DUE
    assert all(row.in_doubt_since for row in stage.table.rows.values())


@in_virtual_time
async def test_what_is_known_is_written_while_it_stops_if_the_database_comes_back():
    """What came of a job waits for the database for as long as the service takes to stop, and no longer."""
    stage = Stage([WorkerPool(CHEERS, size=2)])
    await stage.record("a", "b")
    outbox = stage.instance()
    async with stage.running(outbox):
        outbox.is_away = True
        stage.end("a")
        await idle()
    stopped = asyncio.create_task(asyncio.sleep(0))  # no session is there any more
    draining = asyncio.create_task(stage.dispatcher.drain(stopped))
    await asyncio.sleep(1)
    outbox.is_away = False
    await draining
    assert (stage.status("a"), stage.status("b")) == (EffectStatus.DONE, EffectStatus.LEASED)
    assert elapsed() < DRAIN_SECONDS


# --- a lost session -------------------------------------------------------------------------------


@in_virtual_time
async def test_a_lost_session_cancels_what_is_under_way_and_leaves_it_in_doubt():
    """The next session takes it over, once nobody can still be sending it, and knows that it may be done."""
    stage = Stage([WorkerPool(CHEERS, size=2)])
    await stage.record("a", "b")
    outbox = stage.instance()
    async with stage.running(outbox):
        assert stage.names() == ["a", "b"]
    assert sorted(stage.cancelled) == ["a", "b"]  # in whatever order
    outbox.die()
    async with stage.running():
        await asyncio.sleep(2)
        assert stage.names() == ["a", "b"], "the former may still be sending"
        await asyncio.sleep(3)
        assert stage.names() == ["a", "b", "a", "b"]
        stage.end("a")
        await idle()
    assert [row.attempts for row in stage.table.rows.values()] == [2, 2]
    assert all(row.in_doubt_since for row in stage.table.rows.values())


@in_virtual_time
async def test_what_is_known_is_written_before_anything_is_taken_over():
    """What came of a job is written although the session is lost, and it is not performed again."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a", "b")
    outbox = stage.instance()
    async with stage.running(outbox):
        outbox.is_away = True
        stage.end("a")
        await idle()
    outbox.die()
    after = stage.instance()
    async with stage.running(after):
        await asyncio.sleep(30)
        assert (stage.names(), after.leases) == (["a"], []), "what is known is not written yet"
        outbox.is_away = False
        await asyncio.sleep(1)
        assert (stage.status("a"), stage.names()) == (EffectStatus.DONE, ["a", "b"])
    assert stage.cancelled == ["b"]


@in_virtual_time
async def test_what_another_has_taken_over_is_not_written():
    """Who comes late with what is known changes nothing of what another performs."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a")
    outbox, other = stage.instance(), stage.instance()
    async with stage.running(outbox):
        outbox.is_away = True
        stage.end("a")
        await idle()
    outbox.die()
    await other.recover()
    await asyncio.sleep(3)
    [job] = await other.lease(CHEERS, 1)
    outbox.is_away = False
    await asyncio.sleep(1)
    assert (stage.status("a"), job.attempts, job.in_doubt_for is None) == (EffectStatus.LEASED, 2, False)


@in_virtual_time
async def test_what_cannot_be_written_is_parked(caplog):
    """What nobody can write must not be lost: a person is told, and the others go on."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a", "b")
    outbox = stage.instance()
    outbox.faults.append(ZeroDivisionError())
    async with stage.running(outbox):
        stage.end("a")
        await asyncio.sleep(1)
        assert (stage.status("a"), stage.names()) == (EffectStatus.PARKED, ["a", "b"])
    assert caplog.messages == ["what came of a-Cheer:credit-cheer cannot be written, and it is parked"]


@in_virtual_time
@pytest.mark.parametrize(
    ("settlement", "level", "said"),
    [
        (DONE, "INFO", "credited 100 to a"),
        (Settlement(EffectStatus.DONE, "it was made before"), "INFO", "done: it was made before"),
        (Settlement(EffectStatus.DUE, "away", timedelta(hours=1)), "INFO", "due: away"),
        (Settlement(EffectStatus.DUE, delay=timedelta(hours=1)), "INFO", "due"),
        (Settlement(EffectStatus.PARKED, "it was refused"), "WARNING", "parked: it was refused"),
    ],
)
async def test_the_log_tells_what_came_of_each_try(settlement, level, said, caplog):
    """Whom it was for, which try it was, and what came of it; a warning where a person has to decide."""
    caplog.set_level("INFO")
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a")
    async with stage.running():
        stage.end("a", settlement)
        await idle()
    line = said if settlement is DONE else f"a: credit-cheer, try 1: {said}"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, line)]


# --- many at once ---------------------------------------------------------------------------------


@in_virtual_time
async def test_what_comes_of_many_is_written_together_and_makes_room_for_as_many():
    """While many are under way, results wait for each other a moment; the last of them wait for nothing."""
    names = [f"{number:02}" for number in range(40)]
    stage = Stage([WorkerPool(CHEERS, size=20)])
    await stage.record(*names)
    outbox = stage.instance()
    async with stage.running(outbox):
        assert (stage.names(), len(outbox.leases)) == (names[:20], 1)
        for number, name in enumerate(names[:20]):
            await asyncio.sleep(0.0005 * (number % 3))
            stage.end(name)
        await asyncio.sleep(0.05)
        assert [len(batch) for batch in outbox.batches] == [20]
        assert (stage.names(), len(outbox.leases)) == (names, 2)
        for name in names[20:39]:
            stage.end(name)
        await asyncio.sleep(0.05)
        began = elapsed()
        stage.end("39")
        await idle()
        assert (stage.status("39"), elapsed()) == (EffectStatus.DONE, pytest.approx(began, abs=1e-4))


@in_virtual_time
async def test_of_a_batch_that_cannot_be_written_only_the_culprit_is_parked():
    """The others are written one by one, and nothing is performed again."""
    stage = Stage([WorkerPool(CHEERS, size=3)])
    await stage.record("a", "b", "c")
    outbox = stage.instance()
    outbox.poison = "b-Cheer:credit-cheer"
    async with stage.running(outbox):
        for name in ("a", "b", "c"):
            stage.end(name)
        await asyncio.sleep(1)
        statuses = [stage.status(name) for name in ("a", "b", "c")]
    assert statuses == [EffectStatus.DONE, EffectStatus.PARKED, EffectStatus.DONE]
    assert stage.names() == ["a", "b", "c"]


@in_virtual_time
async def test_while_messages_come_in_numbers_one_job_begins_for_forty_of_them():
    """The receiver has the machine; all places are filled again when no more come, and none is forgotten."""
    names = [f"{number:03}" for number in range(100)]
    stage = Stage([WorkerPool(CHEERS, size=30)])
    pressure = stage.dispatcher.pressure
    pressure.clock = elapsed
    await stage.record(*names)
    pressure.note(80)
    async with stage.running():
        begun = len(stage.begun)
        assert begun == 2, "for eighty messages"
        for _ in range(8):
            pressure.note(200)
            for name in stage.names():
                if not stage.results[name].done():
                    stage.end(name)
            stage.dispatcher.wake()
            await asyncio.sleep(0.25)
        assert begun < len(stage.begun) <= 2 + 8 * 5 + 2
        assert len(stage.names()) - len([r for r in stage.results.values() if r.done()]) <= 10
        await asyncio.sleep(2.5)
        under_way = [result for result in stage.results.values() if not result.done()]
        assert len(under_way) == 30


# --- a fault that nobody thought of ---------------------------------------------------------------


@in_virtual_time
async def test_a_job_of_which_nothing_came_ends_the_session():
    """What is under way by itself is cancelled by nobody: it is taken over, rather than leased for ever."""
    stage = Stage([WorkerPool(CHEERS, size=1)])
    await stage.record("a")
    outbox = stage.instance()
    async with stage.running(outbox) as running:
        stage.results["a"].cancel()  # as a library does that confuses a time limit of its own with another
        await idle()
        with pytest.raises(ExceptionGroup) as failed:
            await running
    assert "a-Cheer:credit-cheer was given up" in str(failed.value.exceptions[0])
    outbox.die()
    async with stage.running():
        await asyncio.sleep(4)
        assert stage.names() == ["a", "a"]
