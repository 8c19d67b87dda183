"""One instance of showtime: the real receiving, group commit, dispatch, performing, feed and show."""

import asyncio
from functools import partial

from showtime_core.domain.chat import report_key
from showtime_core.domain.events import ChatEvent
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.testing.world.channel import SETTLE_AFTER, Channel
from showtime_core.testing.world.feed import Streams, follow_feed
from showtime_core.testing.world.front import MakeFront
from showtime_core.testing.world.network import SeededServices
from showtime_core.testing.world.ports import InstanceChatLog, InstanceOutbox, InstanceShow, InstanceUnits
from showtime_core.testing.world.process import Process
from showtime_core.use_cases.dispatch import Dispatcher, WorkerPool
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.record_chat import RecordChat
from showtime_core.use_cases.run_show import RunShow

_POINTS = ("credit-cheer", "credit-subscription", "credit-gift-subs", "summon-ghost")
_CHECKS = (f"check-{kind}" for kind in _POINTS)
_POOLS = (
    WorkerPool(frozenset({*_POINTS, *_CHECKS, GhostTask.PAY, GhostTask.REFUND}), size=64),
    WorkerPool(frozenset({GhostTask.PAINT}), size=64),
    WorkerPool(frozenset({GhostTask.STORE, GhostTask.SHOW, GhostTask.POST}), size=64),
)
"""Large, so that no pool is ever full: whoever waits for a slot looks every second."""


class SeededInstance(Process):
    """A process that receives, performs and shows."""

    def __init__(
        self,
        channel: Channel,
        number: int,
        services: SeededServices,
        streams: Streams,
        make_front: MakeFront,
    ) -> None:
        super().__init__(channel, number)
        self.services, self.streams = services, streams
        self.units = InstanceUnits(self)
        self.inbox = GroupCommit(partial(receive, units=self.units, policy=channel.policy), self.is_known)
        record_chat = RecordChat(InstanceChatLog(self))
        self.chat_inbox = GroupCommit(record_chat.record_entries, self.is_known)
        self.front = make_front(self, self.clock)
        self.run_show = RunShow(InstanceShow(self), self.units, channel.policy)

    async def start(self) -> None:
        """Begin."""
        self.note("starts")
        self.tasks += [
            self.spawn(self._receive()),
            self.spawn(follow_feed(self, self.streams)),
            self.spawn(self._relay()),
        ]

    async def _receive(self) -> None:
        async with self.inbox, self.chat_inbox:
            await asyncio.Event().wait()

    def kill(self) -> None:
        """End as `kill -9` does."""
        self.streams.close()
        super().kill()

    async def submit(self, entry: Entry) -> None:
        """Record a message, and return once it is durable; raises Unavailable if it may not be."""
        await (self.chat_inbox if isinstance(entry.content, ChatEvent) else self.inbox).submit(entry)
        await self.gate()

    async def is_known(self, entry_id: str) -> bool:
        """Tell whether there is an entry of this id."""
        await self.reach_database()
        is_of_chat = report_key(entry_id) in self.channel.chat.dedup_keys
        return is_of_chat or entry_id in self.channel.units.memory.journal

    async def receive(self, entry: Entry, *, is_forged: bool) -> bool:
        """Take a message as it comes, and tell whether it was answered as taken."""
        await self.gate()
        return await self.front.receive(entry, is_forged=is_forged)

    async def _relay(self) -> None:
        """Perform what is due, from session to session."""
        dispatcher = Dispatcher(self._perform, _POOLS)
        while True:
            self.session_lost.clear()
            session = self.channel.table.instance()
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
            self.channel.table.live_instances.discard(self.owner)
            self.channel.alarm.ring()

    async def _perform(self, job: Job) -> Settlement:
        services = self.services
        ports = Services(
            outbox=self.outbox,
            ledger=services,
            account=services,
            painter=services,
            bucket=services,
            gallery=services,
            receive=self.inbox.submit,
            settle_after=SETTLE_AFTER,
        )
        return await perform(job, ports, self.channel.chance.random())
