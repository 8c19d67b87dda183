"""A process: it runs, freezes and dies, and whoever is at work knows which one it is."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from datetime import datetime, timedelta
from typing import Any

from showtime_core.errors import Unavailable
from showtime_core.testing.world.channel import Channel

_SILENT_SECONDS = 3.0
"""When an instance that shows no sign of life loses its number."""
_LAG = 0.02
_SKEW_SECONDS = 3.0
"""How far the clocks of instances are off, as long as nothing is wrong with them."""
_OFF_SECONDS = 540.0
"""How far a clock is off with which something is wrong: what is old already is refused by it."""
_SLOW_ANSWERS = 0.5

_CURRENT: ContextVar["Process"] = ContextVar("process")


def current_process() -> "Process":
    """Tell which one is at work."""
    return _CURRENT.get()


class Process:
    """One process: all that it does ends with it, in the midst of whatever it waits for."""

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel, self.number = channel, number
        self.is_dead = False
        self.clock_off = timedelta(seconds=channel.chance.uniform(-_SKEW_SECONDS, _SKEW_SECONDS))
        """How far its clock is off."""
        self.thawed, self.session_lost = asyncio.Event(), asyncio.Event()
        self.thawed.set()
        self.owner = 0
        """The number under which it leases."""
        self.tasks: list[asyncio.Task[Any]] = []

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let it do something on its own."""
        context = copy_context()
        context.run(_CURRENT.set, self)
        return asyncio.create_task(work, context=context)

    async def call(self, work: Coroutine[Any, Any, Any], within: float | None = None) -> Any:  # noqa: ANN401
        """Answer a request; raises Unavailable if the instance dies before, and TimeoutError if it is late.

        Who waits no longer ends nothing of what was begun.
        """
        if self.is_dead:
            work.close()
            raise Unavailable("nobody is there")
        loop, task = asyncio.get_running_loop(), self.spawn(work)
        self.tasks.append(task)
        ended: asyncio.Future[None] = loop.create_future()
        task.add_done_callback(lambda _: _end(ended))
        timer = loop.call_later(within, _end, ended) if within else None
        await ended
        if timer:
            timer.cancel()
        if not task.done():
            raise TimeoutError
        self.tasks.remove(task)
        if task.cancelled():
            raise Unavailable("the connection was reset")
        return task.result()

    async def freeze(self, seconds: float) -> None:
        """Stand still, as a process that is stopped or swapped out does."""
        if self.is_dead or not self.thawed.is_set():
            return
        self.note(f"freezes for {seconds:g} s")
        self.thawed.clear()
        await asyncio.sleep(min(seconds, _SILENT_SECONDS))
        if seconds > _SILENT_SECONDS and not self.is_dead:
            self.channel.trace.sometimes("a frozen instance lost its number")
            self.channel.table.live_instances.discard(self.owner)
            self.channel.alarm.ring()
            await asyncio.sleep(seconds - _SILENT_SECONDS)
            self.session_lost.set()
        self.note("goes on")
        self.thawed.set()

    def clock(self) -> datetime:
        """Tell the time by its own clock."""
        return self.channel.true_time() + self.clock_off

    async def go_wrong(self, seconds: float) -> None:
        """Let its clock be off for a while."""
        off = timedelta(seconds=self.channel.chance.uniform(-_OFF_SECONDS, _OFF_SECONDS))
        self.note(f"its clock is off by {off.total_seconds():.0f} s, for {seconds:g} s")
        self.clock_off += off
        await asyncio.sleep(seconds)
        self.clock_off -= off

    async def gate(self) -> None:
        """Go on only as a process that runs: what is dead never does."""
        while not self.thawed.is_set():
            await self.thawed.wait()
        if self.is_dead:
            raise asyncio.CancelledError

    async def reach_database(self) -> None:
        """Wait for the database, for a moment or none that counts; raises Unavailable while it is away."""
        await self.hear_database()
        self.channel.require_database()

    async def hear_database(self) -> None:
        """Wait for its answer."""
        if self.channel.chance.random() < _SLOW_ANSWERS:
            await self.channel.pause(_LAG)
        await self.gate()

    def require_alive(self) -> None:
        """Raise Unavailable if others may take it for gone."""
        if self.owner not in self.channel.table.live_instances:
            raise Unavailable("this instance may be taken for gone")

    def note(self, what: str) -> None:
        """Note what it does."""
        self.channel.trace.note(f"instance {self.number}", what)

    def kill(self) -> None:
        """End as `kill -9` does: nothing goes on, and what was sent is on its way."""
        self.is_dead = True
        self.note("is killed")
        self.channel.table.live_instances.discard(self.owner)
        self.thawed.set()
        for task in self.tasks:
            task.cancel()
        self.channel.alarm.ring()


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
