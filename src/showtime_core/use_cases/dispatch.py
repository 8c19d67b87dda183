"""Use case: lease the effects that are due, perform them in worker pools, and write what came of each.

An instance leases under a number that is valid for as long as its session lives. When the session is lost,
`Dispatcher.run` is cancelled together with the jobs under way, since another instance may have taken them
over. Results that are known by then are still written, unless another instance has written its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from attrs import define, field, frozen

from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import describe_done, effect_kind
from showtime_core.errors import Unavailable
from showtime_core.ports import Outbox
from showtime_core.use_cases.group_commit import Gathering
from showtime_core.use_cases.pressure import Pressure

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How long to wait for a wake-up before looking anyway: an effect that is tried again wakes nobody."""
SLOW_SECONDS = 10.0
"""A job that takes longer than this frees its slot for another, and goes on."""
DRAIN_SECONDS = 3.0
"""How long the jobs under way may take once the service stops."""
_PAUSE_SECONDS = 0.5
"""How long to wait before writing a result is tried again."""
_MANY = 8
"""From so many jobs under way on, what came of one waits for others before it is written."""
_GATHER_SECONDS = 0.01
_MESSAGES_PER_JOB = 40
"""While messages come in numbers, one job begins for so many of them: a credit takes as long as three."""
_YIELD_SECONDS = 0.25
"""How long a pool then waits before more begin: a lease of many costs hardly more than one of few."""
_UNWRITABLE = Settlement(EffectStatus.PARKED, "what came of it cannot be written", in_doubt=True)
_Settled = tuple[Job, Settlement]


@frozen
class WorkerPool:
    """Kinds of effects that are performed side by side, `size` at once, without delaying other kinds."""

    kinds: frozenset[str]
    size: int
    at_most: int = 0
    """The most with the slow ones, which take no slot until there are so many. 0: the same as `size`."""


@define
class _RunningPool:
    """A worker pool at work."""

    pool: WorkerPool
    slow_seconds: float
    busy: set[asyncio.Task[None]] = field(factory=set)
    slow: set[asyncio.Task[None]] = field(factory=set)
    """The busy ones that have been under way for long."""
    lost: str | None = None
    """The name of one that was cancelled, and not with all the others: nothing came of its job."""
    messages: int = 0
    """How many messages there were when jobs were begun last."""
    wakeup: asyncio.Event = field(factory=asyncio.Event)
    """Set when there may be something to do."""

    def free(self) -> int:
        """Count how many more jobs can begin now."""
        quick = len(self.busy) - len(self.slow)
        most = max(self.pool.at_most, self.pool.size)
        return max(0, min(self.pool.size - quick, most - len(self.busy)))

    def add(self, task: asyncio.Task[None]) -> None:
        self.busy.add(task)
        task.add_done_callback(self._finish)
        if self.pool.at_most > self.pool.size:
            timer = asyncio.get_running_loop().call_later(self.slow_seconds, self._leave_alone, task)
            task.add_done_callback(lambda _: timer.cancel())

    def _leave_alone(self, task: asyncio.Task[None]) -> None:
        _log.warning("%s has taken %g s, and goes on", task.get_name(), self.slow_seconds)
        self.slow.add(task)
        self.wakeup.set()

    def _finish(self, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        self.slow.discard(task)
        if task.cancelled():
            self.lost = task.get_name()
        self.wakeup.set()

    async def wait(self) -> None:
        """Wait until something may be due, 1 s at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):  # wait_for of Python 3.11 may swallow a cancellation
                await self.wakeup.wait()
        self.wakeup.clear()


@define
class Dispatcher:
    """Runs the worker pools of one instance, from session to session."""

    perform: Callable[[Job], Awaitable[Settlement]]
    """Raises nothing."""
    worker_pools: Sequence[WorkerPool]
    slow_seconds: float = SLOW_SECONDS
    is_stopping: bool = False
    """Whether nothing more is begun."""
    pressure: Pressure = field(factory=Pressure)
    """Of messages: while it is high, no more than a share of the machine is taken."""
    _running_pools: Sequence[_RunningPool] = ()
    _outbox: Outbox = field(init=False)
    """That of the session; and what came of a job is written before there is another."""
    _settled: Gathering[_Settled] = field(init=False)
    _writers: set[asyncio.Task[None]] = field(factory=set)
    """Tasks that wait until a result is written, for as long as it takes."""

    def __attrs_post_init__(self) -> None:
        self._settled = Gathering(self._write_all, linger=self._linger)

    def wake(self) -> None:
        """Make all pools look at once for effects that are due."""
        for pool in self._running_pools:
            pool.wakeup.set()

    def stop(self) -> None:
        """Begin nothing more."""
        self.is_stopping = True
        self.wake()

    async def drain(self, running: asyncio.Task[None]) -> None:
        """Stop, and await `running`; what takes more than 3 s is cancelled, and stays in doubt."""
        self.stop()
        await asyncio.wait([running, *self._writers], timeout=DRAIN_SECONDS)
        tasks = [running, *self._writers]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._settled.close()

    async def run(self, outbox: Outbox) -> None:
        """Perform effects under the number of one session, until stopped; cancel it with the session.

        Raises what it cannot go on after: the session then ends, so that what it had leased is taken over.
        """
        if self._writers:  # what is known is written before the jobs of a lost session are taken over
            await asyncio.wait(self._writers)
        self._outbox = outbox
        self._running_pools = [_RunningPool(pool, self.slow_seconds) for pool in self.worker_pools]
        async with asyncio.TaskGroup() as group:  # which awaits the jobs that are under way
            recovering = group.create_task(_recover(outbox))
            await asyncio.gather(*(self._feed_pool(pool, outbox, group) for pool in self._running_pools))
            recovering.cancel()

    async def _feed_pool(self, pool: _RunningPool, outbox: Outbox, group: asyncio.TaskGroup) -> None:
        while not self.is_stopping:
            if pool.lost:
                raise RuntimeError(f"{pool.lost} was given up, and nobody knows what came of it")
            if free := self._share(pool):
                with _bearing_outages("nothing can be leased"):
                    for job in await outbox.lease(pool.pool.kinds, free):
                        pool.add(group.create_task(self._settle(job), name=job.key))
            await pool.wait()
            if self.pressure.is_high():
                await asyncio.sleep(_YIELD_SECONDS)

    def _share(self, pool: _RunningPool) -> int:
        """Tell how many jobs of a pool may begin now."""
        messages, pool.messages = self.pressure.messages - pool.messages, self.pressure.messages
        most = max(1, messages // _MESSAGES_PER_JOB) if self.pressure.is_high() else pool.pool.size
        return min(pool.free(), most)

    async def _settle(self, job: Job) -> None:
        """Perform a job, and write what came of it, even if the session is lost meanwhile."""
        settlement = await self.perform(job)
        _log_outcome(job, settlement)
        writer = asyncio.create_task(self._write(job, settlement))
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)
        await asyncio.shield(writer)
        if settlement.next_effect:  # it may be the work of another worker pool
            self.wake()

    async def _write(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job, as soon as the database is there to take it."""
        while True:
            try:
                return await self._settled.submit((job, settlement))
            except Unavailable as reason:
                _log.warning("what came of %s waits for the database: %s", job.key, reason)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _linger(self) -> float:
        """Let what came of a job wait for what comes of others, where there are many that will end soon."""
        quick = sum(len(pool.busy) - len(pool.slow) for pool in self._running_pools)
        return _GATHER_SECONDS if quick >= _MANY else 0.0

    async def _write_all(self, settled: Sequence[_Settled]) -> None:
        """Write what came of several jobs; if that is refused, of each alone, and the culprit is parked."""
        try:
            await self._outbox.settle_all(settled)
        except Unavailable:
            raise
        except Exception:
            if len(settled) > 1:
                for each in settled:
                    await self._write_all([each])
                return
            [(job, _)] = settled
            _log.exception("what came of %s cannot be written, and it is parked", job.key)
            await self._outbox.settle_all([(job, _UNWRITABLE)])


@contextmanager
def _bearing_outages(consequence: str) -> Iterator[None]:
    try:
        yield
    except Unavailable as reason:
        _log.warning("%s: %s", consequence, reason)


async def _recover(outbox: Outbox) -> None:
    """Take over what others had leased, as soon as they are gone."""
    while True:
        with _bearing_outages("nothing can be taken over"):
            await outbox.recover()
        await asyncio.sleep(_POLL_SECONDS)


def _log_outcome(job: Job, settlement: Settlement) -> None:
    level = logging.WARNING if settlement.status is EffectStatus.PARKED else logging.INFO
    if settlement.status is EffectStatus.DONE and not settlement.remark:
        _log.info("%s", describe_done(job.effect))
        return
    words = f": {settlement.remark}" if settlement.remark else ""
    what = f"{job.effect.viewer.name}: {effect_kind(job.effect)}"
    _log.log(level, "%s, try %d: %s%s", what, job.attempts, settlement.status, words)
