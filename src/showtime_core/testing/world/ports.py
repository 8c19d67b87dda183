"""The ports of one instance: twins that all instances share, behind a network and a database of one's own."""

from collections.abc import Collection, Sequence
from uuid import UUID

from attrs import define, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.journal import AdmittedBatch, Entry, JournalChanges, ghost_requesters
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.queue import ShowView
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.ports import Answer, ChangeShow, PlanChanges
from showtime_core.testing.twins.outbox import MemoryOutbox
from showtime_core.testing.world.channel import Channel
from showtime_core.testing.world.process import Process
from showtime_core.testing.world.wakeups import TAKE_OVER

_LOST_COMMITS = 0.03
_COMMIT_SECONDS = 0.2


@define
class InstanceUnits:
    """The unit of work as an instance reaches it: as that in PostgreSQL, it works out what follows first."""

    me: Process
    seen: ChannelState = ChannelState()
    """The state as this instance saw it last."""

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Commit; the answer may be lost."""
        me, channel = self.me, self.me.channel
        channel.commits += 1
        try:
            assumed = self._assume(entries, policy, plan)
            await channel.pause(_COMMIT_SECONDS)
            await me.gate()
            channel.require_database()
            if assumed and _holds(assumed, entries, channel):
                plan = _as_assumed(assumed)
            changes = await channel.units.record(entries, policy, plan)
            self.seen = channel.units.memory.state
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

    def _assume(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges | None:
        """Work out what follows if all entries are new, and the state is the one seen last."""
        is_plain = all(entry.sent_at and not entry.payment for entry in entries)
        if not is_plain or ghost_requesters(entries, policy):
            return None
        changes = plan(AdmittedBatch(self.seen, None, tuple(entries), {}), policy)
        return changes if changes.state is self.seen and not changes.show_changes else None


def _holds(assumed: JournalChanges, entries: Sequence[Entry], channel: Channel) -> bool:
    """Tell whether all entries are new, and the state is still that which was assumed: it does not change."""
    memory = channel.units.memory
    if memory.state is not assumed.state:
        channel.trace.sometimes("a commit found another state than it had assumed")
        return False
    keys = [entry.dedup_key for entry in entries if entry.dedup_key]
    ids = {entry.id for entry in entries}
    is_new = memory.journal.keys().isdisjoint(ids) and memory.first_reports.keys().isdisjoint(keys)
    return is_new and len(ids) == len(entries) and len(set(keys)) == len(keys)


def _as_assumed(assumed: JournalChanges) -> PlanChanges:
    return lambda _admitted, _policy: assumed


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
class InstanceChatLog:
    """The chat log as one instance reaches it."""

    me: Process

    async def write(self, reports: Sequence[ChatReport]) -> None:
        """Write; the answer may be lost."""
        me, channel = self.me, self.me.channel
        await channel.pause(_COMMIT_SECONDS)
        await me.gate()
        channel.require_database()
        await channel.chat.write(reports)
        me.note(f"writes {len(reports)} lines of chat")
        await me.hear_database()
        if channel.happens("commits are not answered", _LOST_COMMITS):
            raise Unavailable("the connection was lost")


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
