"""One instance of showtime: the real receiving, group commit, dispatch, performing, feed and show."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.errors import Unavailable
from showtime_core.testing.world.feed import follow_feed
from showtime_core.testing.world.ports import InstanceOutbox, InstanceShow, InstanceUnits
from showtime_core.use_cases.dispatch import Dispatcher, WorkerPool
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.run_show import RunShow

if TYPE_CHECKING:
    from showtime_core.testing.world.world import World

_POINTS = ("credit-cheer", "credit-subscription", "credit-gift-subs", "summon-ghost")
_CHECKS = (f"check-{kind}" for kind in _POINTS)
_POOLS = (
    WorkerPool(frozenset({*_POINTS, *_CHECKS, GhostTask.PAY, GhostTask.REFUND}), size=64),
    WorkerPool(frozenset({GhostTask.PAINT}), size=64),
    WorkerPool(frozenset({GhostTask.STORE, GhostTask.SHOW, GhostTask.POST}), size=64),
)
"""Large, so that no pool is ever full: whoever waits for a slot looks every second."""
_SILENT_SECONDS = 3.0
"""When an instance that shows no sign of life loses its number."""
_LAG = 0.02
_SLOW_ANSWERS = 0.25

_CURRENT: ContextVar["Instance"] = ContextVar("instance")


def current_instance() -> "Instance":
    """Tell which instance is at work."""
    return _CURRENT.get()


class Instance:
    """One process: all that it does ends with it, in the midst of whatever it waits for."""

    def __init__(self, world: "World", number: int) -> None:
        self.world, self.number = world, number
        self.is_dead = False
        self.commits = 0
        """How many are under way."""
        self.opening = 0
        """How many streams have not begun yet."""
        self.thawed, self.session_lost = asyncio.Event(), asyncio.Event()
        self.thawed.set()
        self.owner = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.units = InstanceUnits(self)
        self.streams = world.make_streams(world.missed)
        self.inbox = GroupCommit(partial(receive, units=self.units, policy=world.policy), self._is_known)
        self.run_show = RunShow(InstanceShow(self), self.units, world.policy)

    async def start(self) -> None:
        """Begin."""
        self.note("starts")
        await self.spawn(self._enter())
        self.tasks += [self.spawn(follow_feed(self)), self.spawn(self._relay())]

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let it do something on its own."""

        async def mine() -> Any:  # noqa: ANN401
            _CURRENT.set(self)
            return await work

        return asyncio.create_task(mine())

    async def _enter(self) -> None:
        await self.inbox.__aenter__()

    async def submit(self, entry: Entry) -> None:
        """Receive a message, and return once it is durable; raises Unavailable if the instance dies."""
        await self.gate()
        await self.inbox.submit(entry)
        await self.gate()

    async def call(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        """Answer a request; raises Unavailable if the instance dies before."""
        if self.is_dead:
            work.close()
            raise Unavailable("nobody is there")
        task = self.spawn(work)
        self.tasks.append(task)
        await asyncio.wait([task])
        self.tasks.remove(task) if task in self.tasks else None
        if task.cancelled():
            raise Unavailable("the connection was reset")
        return task.result()

    def kill(self) -> None:
        """End as `kill -9` does: nothing goes on, and what was sent is on its way."""
        self.is_dead = True
        self.note("is killed")
        self.world.table.live_instances.discard(self.owner)
        self.streams.close()
        self.thawed.set()
        for task in self.tasks:
            task.cancel()
        if self.inbox._worker:  # noqa: SLF001 - nobody leaves it in due form
            self.inbox._worker.cancel()  # noqa: SLF001
        self.world.alarm.ring()

    async def freeze(self, seconds: float) -> None:
        """Stand still, as a process that is stopped or swapped out does."""
        if self.is_dead or not self.thawed.is_set():
            return
        while self.opening:  # an instance that resumes a stream counts its own time, which would stand still too
            await asyncio.sleep(0.1)
        if self.is_dead:
            return
        self.note(f"freezes for {seconds:g} s")
        self.thawed.clear()
        await asyncio.sleep(min(seconds, _SILENT_SECONDS))
        if seconds > _SILENT_SECONDS and not self.is_dead:
            self.world.trace.sometimes("a frozen instance lost its number")
            self.world.table.live_instances.discard(self.owner)
            self.world.alarm.ring()
            await asyncio.sleep(seconds - _SILENT_SECONDS)
            self.session_lost.set()
        self.note("goes on")
        self.thawed.set()

    async def gate(self) -> None:
        """Go on only as a process that runs: what is dead never does."""
        while not self.thawed.is_set():
            await self.thawed.wait()
        if self.is_dead:
            raise asyncio.CancelledError

    async def reach_database(self) -> None:
        """Wait for the database for a moment."""
        await self.world.pause(_LAG)
        await self.gate()

    async def hear_database(self) -> None:
        """Wait for its answer, which is often there at once."""
        if self.world.chance.random() < _SLOW_ANSWERS:
            await self.reach_database()

    def require_alive(self) -> None:
        """Raise Unavailable if others may take it for gone."""
        if self.owner not in self.world.table.live_instances:
            raise Unavailable("this instance may be taken for gone")

    def note(self, what: str) -> None:
        """Note what it does."""
        self.world.trace.note(f"instance {self.number}", what)

    async def _is_known(self, entry_id: str) -> bool:
        await self.reach_database()
        return entry_id in self.world.units.memory.journal

    async def _relay(self) -> None:
        """Perform what is due, from session to session."""
        dispatcher = Dispatcher(self._perform, _POOLS)
        while True:
            self.session_lost.clear()
            session = self.world.table.instance()
            self.owner = session.owner
            self.outbox = InstanceOutbox(self, session)
            running = asyncio.create_task(dispatcher.run(self.outbox))
            lost = asyncio.create_task(self.session_lost.wait())
            try:
                await asyncio.wait([running, lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                running.cancel()
                lost.cancel()
            await asyncio.wait([running])
            self.world.table.live_instances.discard(self.owner)
            self.world.alarm.ring()

    async def _perform(self, job: Job) -> Settlement:
        services = self.world.services
        ports = Services(
            outbox=self.outbox,
            ledger=services,
            account=services,
            painter=services,
            bucket=services,
            gallery=services,
            receive=self.inbox.submit,
            settle_after=self.world.settle_after,
        )
        return await perform(job, ports, self.world.chance.random())
