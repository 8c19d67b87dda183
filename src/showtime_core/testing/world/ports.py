"""The ports of one instance: twins that all instances share, behind a network and a database of one's own."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from attrs import define, frozen

from showtime_core.domain.journal import Entry, JournalChanges
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import effect_kind
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.queue import ShowView
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.ports import Answer, ChangeShow, PlanChanges
from showtime_core.testing.twins.outbox import MemoryOutbox

if TYPE_CHECKING:
    from showtime_core.testing.world.instance import Instance

_LOST_COMMITS = 0.03
_LONG = 600.0


@define(eq=False)
class Bell:
    """Wakes all who wait for something to happen."""

    waiting: list[asyncio.Future[None]]

    def ring(self) -> None:
        """Wake them."""
        for each in self.waiting:
            if not each.done():
                each.set_result(None)
        self.waiting.clear()

    async def wait(self, seconds: float = _LONG) -> None:
        """Wait until it rings, or for so long."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(seconds, _wake, future)
        self.waiting.append(future)
        try:
            await future
        finally:
            timer.cancel()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@frozen
class InstanceUnits:
    """The unit of work as one instance reaches it."""

    me: "Instance"

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Commit; the answer may be lost."""
        me, world = self.me, self.me.world
        me.commits += 1
        try:
            await me.reach_database()
            changes = await world.units.record(entries, policy, plan)
            me.note("commits " + " ".join(entry.id for entry in entries))
            world.tell_news()
            await me.reach_database()
            if world.happens("commits are not answered", _LOST_COMMITS):
                me.note("hears nothing of its commit")
                raise Unavailable("the connection was lost")
        finally:
            me.commits -= 1
        return changes


@frozen
class InstanceShow:
    """The queue of the show as one instance reaches it."""

    me: "Instance"

    async def change(self, change: ChangeShow[Answer], named: UUID | None = None) -> Answer:
        """Change the queue."""
        await self.me.reach_database()
        return await self.me.world.show.change(change, named)

    async def read(self) -> ShowView:
        """Read it."""
        await self.me.reach_database()
        return await self.me.world.show.read()


@frozen
class InstanceOutbox:
    """The outbox under one instance number: answers when there is something, so that nobody has to poll."""

    me: "Instance"
    outbox: MemoryOutbox

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Wait for something that is due, and take it."""
        await self.me.reach_database()
        while not (jobs := await self.outbox.lease(kinds, limit) if self._is_any_due(kinds) else ()):
            await self.me.world.bell.wait(self._next_due(kinds))
            await self.me.gate()
        self.me.note("leases " + " ".join(job.key for job in jobs))
        await self.me.reach_database()
        return jobs

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job."""
        await self.me.reach_database()
        await self.outbox.settle(job, settlement)
        self.me.note(f"settles {job.key}: {settlement.status} {settlement.remark or ''}".rstrip())
        self.me.world.bell.ring()
        await self.me.reach_database()

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        """Write what came of several jobs, all or nothing."""
        await self.me.reach_database()
        for job, settlement in settled:
            await self.outbox.settle(job, settlement)
            self.me.note(f"settles {job.key}: {settlement.status} {settlement.remark or ''}".rstrip())
        self.me.world.bell.ring()
        await self.me.reach_database()

    async def claimed(self, viewer: Viewer) -> Collection[UUID]:
        """Tell which transactions are ours."""
        await self.me.reach_database()
        return await self.outbox.claimed(viewer)

    async def is_under_way(self, viewer: Viewer) -> bool:
        """Tell whether a transaction may be being made."""
        await self.me.reach_database()
        return await self.outbox.is_under_way(viewer)

    async def recover(self) -> None:
        """Wait for something to take over, and take it over."""
        await self.me.gate()
        while not self._is_any_lost():
            await self.me.world.bell.wait(self._next_check())
            await self.me.gate()
        await self.outbox.recover()
        self.me.note("takes over what others had leased")
        self.me.world.judge_takeover(self.me)
        self.me.world.bell.ring()

    def _is_any_due(self, kinds: Collection[str]) -> bool:
        table, now = self.outbox.table, self.outbox.table.units.clock()
        if self.outbox.owner not in table.live_instances:
            return False
        table.load_planned()
        return any(
            row.status is EffectStatus.DUE and row.due_at <= now and effect_kind(row.planned.effect) in kinds
            for row in table.rows.values()
        )

    def _next_due(self, kinds: Collection[str]) -> float:
        now = self.outbox.table.units.clock()
        later = [
            row.due_at - now
            for row in self.outbox.table.rows.values()
            if row.status is EffectStatus.DUE and row.due_at > now
            and effect_kind(row.planned.effect) in kinds
        ]
        return min(later, default=timedelta(seconds=_LONG)).total_seconds() + 0.001

    def _is_any_lost(self) -> bool:
        table, now = self.outbox.table, self.outbox.table.units.clock()
        return any(
            (row.status is EffectStatus.LEASED and row.owner not in table.live_instances)
            or (row.check_at is not None and row.check_at <= now)
            for row in table.rows.values()
        )

    def _next_check(self) -> float:
        now = self.outbox.table.units.clock()
        checks = [row.check_at - now for row in self.outbox.table.rows.values() if row.check_at]
        return max(0.001, min(checks, default=timedelta(seconds=_LONG)).total_seconds())
