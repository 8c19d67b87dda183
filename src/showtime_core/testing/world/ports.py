"""The ports of one instance: twins that all instances share, behind a network and a database of one's own."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from attrs import Factory, define, frozen

from showtime_core.domain.journal import Entry, JournalChanges
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import effect_kind
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.queue import ShowView
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.ports import Answer, ChangeShow, PlanChanges
from showtime_core.testing.twins.outbox import MemoryOutbox, MemoryOutboxTable

if TYPE_CHECKING:
    from showtime_core.testing.world.instance import Instance

_LOST_COMMITS = 0.03
_COMMIT_SECONDS = 0.2
_MOMENT = 0.001
TAKE_OVER = "take over"
"""What whoever recovers waits for: leases of the dead, and checks that are due."""


@define(eq=False)
class Bell:
    """Wakes all who wait for something to happen."""

    waiting: list[asyncio.Future[None]] = Factory(list)

    def ring(self) -> None:
        """Wake them."""
        for each in self.waiting:
            if not each.done():
                each.set_result(None)
        self.waiting.clear()

    async def wait(self) -> None:
        """Wait until it rings."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await future


@define(eq=False)
class Alarm:
    """Wakes those who wait for effects as soon as some of theirs are due, so that nobody has to poll."""

    table: MemoryOutboxTable
    waiting: list[tuple[Collection[str], asyncio.Future[None]]] = Factory(list)
    _timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Look what is due, wake who waits for it, and look again when more is."""
        self.table.load_planned()
        due, later = self._look()
        waiting, self.waiting = self.waiting, []
        for wanted, future in waiting:
            if due.isdisjoint(wanted):
                self.waiting.append((wanted, future))
            elif not future.done():
                future.set_result(None)
        if self._timer:
            self._timer.cancel()
        if later:
            wait = (later - self.table.units.clock()).total_seconds() + _MOMENT
            self._timer = asyncio.get_running_loop().call_later(wait, self.ring)

    def _look(self) -> tuple[set[str], datetime | None]:
        """Name the kinds that are due, and say when the next will be."""
        now, due, later = self.table.units.clock(), set[str](), list[datetime]()
        for row in self.table.rows.values():
            if row.status is EffectStatus.DUE:
                if row.due_at <= now:
                    due.add(effect_kind(row.planned.effect))
                else:
                    later.append(row.due_at)
            elif row.status is EffectStatus.LEASED and row.owner not in self.table.live_instances:
                due.add(TAKE_OVER)
            if row.check_at:
                due |= {TAKE_OVER} if row.check_at <= now else set()
                later += [row.check_at] if row.check_at > now else []
        return due, min(later, default=None)

    async def wait(self, kinds: Collection[str]) -> None:
        """Wait until something of these kinds may be due."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((kinds, future))
        await future


@frozen
class InstanceUnits:
    """The unit of work as one instance reaches it."""

    me: "Instance"

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Commit; the answer may be lost."""
        me, world = self.me, self.me.world
        me.commits += 1
        try:
            await world.pause(_COMMIT_SECONDS)
            await me.gate()
            changes = await world.units.record(entries, policy, plan)
            me.note("commits " + " ".join(entry.id for entry in entries))
            world.tell_news()
            await world.pause(_COMMIT_SECONDS)
            await me.gate()
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
        while not (jobs := await self._lease(kinds, limit)):
            await self.me.world.alarm.wait(kinds)
            await self.me.gate()
        self.me.note("leases " + " ".join(job.key for job in jobs))
        await self.me.hear_database()
        return jobs

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job."""
        await self.settle_all([(job, settlement)])

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        """Write what came of several jobs, all or nothing."""
        await self.me.reach_database()
        for job, settlement in settled:
            await self.outbox.settle(job, settlement)
            self.me.note(f"settles {job.key}: {settlement.status} {settlement.remark or ''}".rstrip())
            self._note_waiting_ghost(job, settlement)
        self.me.world.alarm.ring()
        await self.me.hear_database()

    def _note_waiting_ghost(self, job: Job, settlement: Settlement) -> None:
        rows = self.outbox.table.rows
        ghost = rows.get(job.key.replace("credit-cheer", "summon-ghost"))
        is_waiting = ghost is not None and ghost.status is EffectStatus.WAITING
        if is_waiting and settlement.status is not EffectStatus.DONE:
            self.me.world.trace.sometimes("a ghost waited for its cheer")

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
        await self.me.world.alarm.wait({TAKE_OVER})
        await self.me.gate()
        await self.outbox.recover()
        self.me.world.note_takeover(self.me)
        self.me.world.alarm.ring()

    async def _lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        is_alive = self.outbox.owner in self.outbox.table.live_instances
        return await self.outbox.lease(kinds, limit) if is_alive else ()
