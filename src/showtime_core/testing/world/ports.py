"""The ports of one instance: twins that all instances share, behind a network and a database of one's own."""

from collections.abc import Collection, Sequence
from uuid import UUID

from attrs import frozen

from showtime_core.domain.journal import Entry, JournalChanges
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.queue import ShowView
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.ports import Answer, ChangeShow, PlanChanges
from showtime_core.testing.twins.outbox import MemoryOutbox
from showtime_core.testing.world.process import Process
from showtime_core.testing.world.wakeups import TAKE_OVER

_LOST_COMMITS = 0.03
_COMMIT_SECONDS = 0.2


@frozen
class InstanceUnits:
    """The unit of work as one instance reaches it."""

    me: Process

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Commit; the answer may be lost."""
        me, channel = self.me, self.me.channel
        channel.commits += 1
        try:
            await channel.pause(_COMMIT_SECONDS)
            await me.gate()
            changes = await channel.units.record(entries, policy, plan)
            me.note("commits " + " ".join(entry.id for entry in entries))
            channel.tell_news()
            await channel.pause(_COMMIT_SECONDS)
            await me.gate()
            if channel.happens("commits are not answered", _LOST_COMMITS):
                me.note("hears nothing of its commit")
                raise Unavailable("the connection was lost")
        finally:
            channel.commits -= 1
        return changes


@frozen
class InstanceShow:
    """The queue of the show as one instance reaches it."""

    me: Process

    async def change(self, change: ChangeShow[Answer], named: UUID | None = None) -> Answer:
        """Change the queue."""
        await self.me.reach_database()
        return await self.me.channel.show.change(change, named)

    async def read(self) -> ShowView:
        """Read it."""
        await self.me.reach_database()
        return await self.me.channel.show.read()


@frozen
class InstanceOutbox:
    """The outbox under one instance number: answers when there is something, so that nobody has to poll."""

    me: Process
    outbox: MemoryOutbox

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Wait for something that is due, and take it."""
        await self.me.reach_database()
        while not (jobs := await self._lease(kinds, limit)):
            await self.me.channel.alarm.wait(kinds)
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
        self.me.channel.alarm.ring()
        await self.me.hear_database()

    def _note_waiting_ghost(self, job: Job, settlement: Settlement) -> None:
        rows = self.outbox.table.rows
        ghost = rows.get(job.key.replace("credit-cheer", "summon-ghost"))
        is_waiting = ghost is not None and ghost.status is EffectStatus.WAITING
        if is_waiting and settlement.status is not EffectStatus.DONE:
            self.me.channel.trace.sometimes("a ghost waited for its cheer")

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
        await self.me.channel.alarm.wait({TAKE_OVER})
        await self.me.gate()
        await self.outbox.recover()
        self._note_takeover()
        self.me.channel.alarm.ring()

    async def _lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        is_alive = self.outbox.owner in self.outbox.table.live_instances
        return await self.outbox.lease(kinds, limit) if is_alive else ()

    def _note_takeover(self) -> None:
        channel = self.me.channel
        self.me.note("takes over what another had leased")
        channel.trace.sometimes("an instance took over what another had leased")
        if channel.commits:
            channel.trace.sometimes("a takeover while a commit was under way")
