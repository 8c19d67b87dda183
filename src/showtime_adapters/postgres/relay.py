"""The relay: performs what is due, on every instance at once, until it is settled.

An instance leases under a number of its own, whose advisory lock one of its sessions holds. When that session
is gone, so is the instance, for all that the others can tell: they take over what it had leased, and it stops
what it was doing. What it knows by then it still writes, unless another has taken over.
The connection must not go through a proxy that pools transactions.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self

import psycopg
from attrs import define, evolve, field, frozen

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres.heartbeat import Heartbeat
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.session import Connection, listening_session
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How long to wait to be woken before looking all the same: what is tried again wakes nobody."""
_PAUSE_SECONDS = 0.5
"""After the database was away."""
_SILENT_SECONDS = 16.0
"""Longer than an instance that is cut off needs to notice: a heartbeat, and then the time limit of TCP."""
_DRAIN_SECONDS = 3.0
"""How long what is under way may take once the service stops."""
_SLOW_SECONDS = 10.0
"""After which what is under way keeps its place from nobody any more."""


@frozen
class WorkerPool:
    """Kinds of effects that are performed side by side, `size` at once, without delaying other kinds."""

    kinds: frozenset[str]
    size: int
    at_most: int = 0
    """With those that are slow: they keep no place until there are so many. 0: as many as at once."""


@define
class _RunningPool:
    """A worker pool at work."""

    pool: WorkerPool
    slow_seconds: float
    busy: set[asyncio.Task[None]] = field(factory=set)
    slow: set[asyncio.Task[None]] = field(factory=set)
    """Those of the busy that have been so for long."""
    wakeup: asyncio.Event = field(factory=asyncio.Event)
    """Rung when there may be something to do."""

    def free(self) -> int:
        """Count the places where a job can begin."""
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
        _log.warning("effect %s has taken %g s, and goes on", task.get_name(), self.slow_seconds)
        self.slow.add(task)
        self.wakeup.set()

    def _finish(self, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        self.slow.discard(task)
        self.wakeup.set()

    async def wait(self) -> None:
        """Wait until something may be due, 1 s at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await self.wakeup.wait()
        self.wakeup.clear()


@define
class Relay:
    """Performs what is due, whatever happens to the database; use as an async context manager."""

    conninfo: str
    outbox: PostgresOutbox
    perform: Callable[[Job], Awaitable[Settlement]]
    """Raises nothing."""
    worker_pools: Sequence[WorkerPool]
    heartbeat: Heartbeat = field(factory=Heartbeat)
    slow_seconds: float = _SLOW_SECONDS
    _running_pools: Sequence[_RunningPool] = ()
    _writers: set[asyncio.Task[None]] = field(factory=set)
    """They write what came of jobs, for as long as it takes."""
    _is_stopping: bool = False
    _worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._run(), name="relay")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what does not finish in time is taken over by whoever comes next."""
        assert self._worker, "entered before it is left"
        self.stop()
        await asyncio.wait([self._worker], timeout=_DRAIN_SECONDS)
        for task in (self._worker, *self._writers):
            task.cancel()
        await asyncio.wait([self._worker, *self._writers])

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_stopping = True
        self._wake()

    def _wake(self) -> None:
        for pool in self._running_pools:
            pool.wakeup.set()

    async def _run(self) -> None:
        while not self._is_stopping:
            try:
                async with self._session() as (connection, outbox):
                    await self._work(connection, outbox)
            except* psycopg.Error as reasons:
                _log.warning("the relay has lost the database, and begins again: %s", _name(reasons))
                await asyncio.sleep(_PAUSE_SECONDS)
            except* Exception:  # whatever it is, nothing that is due must be left lying
                _log.exception("the relay has failed, and begins again")
                await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[Connection, PostgresOutbox]]:
        """Hold a session under a new instance number, for as long as it lives."""
        async with listening_session(self.conninfo) as connection:
            owner = secrets.randbelow(2**62) + 1
            await connection.execute(statements.LIVE, [owner])
            await connection.execute(statements.LISTEN)
            yield connection, evolve(self.outbox, owner=owner)

    async def _work(self, connection: Connection, outbox: PostgresOutbox) -> None:
        """Let every worker pool work. Where the session dies, all that is under way is dropped."""
        if self._writers:  # what is known is written before the jobs of a lost session are taken over
            await asyncio.wait(self._writers)
        self._running_pools = [_RunningPool(pool, self.slow_seconds) for pool in self.worker_pools]
        async with asyncio.TaskGroup() as group:
            besides = [group.create_task(self._watch(connection)), group.create_task(_recover(outbox))]
            await asyncio.gather(*(self._feed_pool(pool, outbox, group) for pool in self._running_pools))
            for task in besides:
                task.cancel()

    async def _watch(self, connection: Connection) -> None:
        """Show that this instance lives, end those that are frozen, and hear of what is planned."""
        while True:
            with self.heartbeat.beat():
                await connection.execute(statements.END_SILENT, [_SILENT_SECONDS])
            async for _ in connection.notifies(timeout=_POLL_SECONDS):
                self._wake()

    async def _feed_pool(self, pool: _RunningPool, outbox: PostgresOutbox, group: asyncio.TaskGroup) -> None:
        while not self._is_stopping:
            for job in await _lease(outbox, pool.pool.kinds, pool.free()):
                pool.add(group.create_task(self._settle(job, outbox), name=job.key))
            await pool.wait()
        if pool.busy:
            await asyncio.wait(pool.busy)

    async def _settle(self, job: Job, outbox: PostgresOutbox) -> None:
        """Perform a job, and write what came of it: once that is known, whatever becomes of the session."""
        settlement = await self.perform(job)
        _log_outcome(job, settlement)
        writer = asyncio.create_task(_write(job, settlement, outbox))
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)
        await asyncio.shield(writer)
        if settlement.next_effect:  # it may be the work of another worker pool
            self._wake()


async def _recover(outbox: PostgresOutbox) -> None:
    """Take over what others had leased, as soon as they are gone."""
    while True:
        try:
            await outbox.recover()
        except Unavailable as reason:
            _log.warning("nothing can be taken over: %s", reason)
        await asyncio.sleep(_POLL_SECONDS)


async def _lease(outbox: PostgresOutbox, kinds: frozenset[str], limit: int) -> Sequence[Job]:
    try:
        return await outbox.lease(kinds, limit) if limit else ()
    except Unavailable as reason:
        _log.warning("nothing can be leased: %s", reason)
        await asyncio.sleep(_PAUSE_SECONDS)
        return ()


async def _write(job: Job, settlement: Settlement, outbox: PostgresOutbox) -> None:
    """Write what came of a job, as soon as the database is there to take it."""
    while True:
        try:
            return await outbox.settle(job, settlement)
        except Unavailable as reason:
            _log.warning("what came of %s waits for the database: %s", job.key, reason)
        except Exception:
            _log.exception("what came of %s cannot be written, and it is parked", job.key)
            settlement = Settlement(EffectStatus.PARKED, "what came of it cannot be written", in_doubt=True)
        await asyncio.sleep(_PAUSE_SECONDS)


def _name(reasons: BaseExceptionGroup[BaseException]) -> str:
    """Name the first of several reasons; they may be grouped by those who have worked together."""
    first = reasons.exceptions[0]
    return _name(first) if isinstance(first, BaseExceptionGroup) else type(first).__name__


def _log_outcome(job: Job, settlement: Settlement) -> None:
    level = logging.WARNING if settlement.status is EffectStatus.PARKED else logging.INFO
    words = f": {settlement.remark}" if settlement.remark else ""
    _log.log(level, "effect %s, try %d: %s%s", job.key, job.attempts, settlement.status, words)
