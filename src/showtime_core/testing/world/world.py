"""What all instances share: the twins, the clocks, chance, and what is noted of it all."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.feed import FeedEntry
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import OPENING_NIGHT
from showtime_core.testing.twins.outbox import MemoryOutboxTable
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.testing.world.feed import MemoryStreams, Missed, Streams, read_feed
from showtime_core.testing.world.instance import Instance
from showtime_core.testing.world.network import SETTLE_AFTER, SeededServices
from showtime_core.testing.world.night import INSTANCES, Night
from showtime_core.testing.world.ports import Alarm, Bell
from showtime_core.testing.world.trace import Trace
from showtime_core.testing.world.virtual_loop import VirtualLoop

_SKEW_SECONDS = 2.0
"""How far the clocks of Twitch and of the ledger are from the database's."""
MakeStreams = Callable[[Missed], Streams]


class World:
    """A channel for one night."""

    settle_after = SETTLE_AFTER

    def __init__(self, night: Night, make_streams: MakeStreams = MemoryStreams) -> None:
        self.night, self.make_streams, self.policy = night, make_streams, Policy()
        self.chance = Random(f"{night.seed} play")  # noqa: S311 - one that can be repeated
        self.loop = VirtualLoop(self.chance)
        self.trace = Trace(self.loop.time)
        self.units = MemoryUnitOfWork(clock=self.now)
        self.table = MemoryOutboxTable(self.units, SETTLE_AFTER)
        self.show = MemoryShow(self.units)
        twitch, ledger = (self.chance.uniform(-_SKEW_SECONDS, _SKEW_SECONDS) for _ in range(2))
        self.twitch_skew, ledger_skew = timedelta(seconds=twitch), timedelta(seconds=ledger)
        self.services = SeededServices(self, lambda: self.now() + ledger_skew)
        self.alarm, self.news = Alarm(self.table), Bell()
        self.sent: dict[str, Entry] = {}
        self.instances: list[Instance] = []
        self._started = self._read = 0
        self._alerts: list[int] = []

    def now(self) -> datetime:
        """Tell the time by the database's clock."""
        return OPENING_NIGHT + timedelta(seconds=self.loop.now)

    def happens(self, fault: str, odds: float) -> bool:
        """Decide by chance whether a fault that this night has happens now."""
        return self.chance.random() < odds and fault in self.night.faults

    async def pause(self, most: float) -> None:
        """Let time pass, up to so many seconds."""
        await asyncio.sleep(self.chance.random() * most)

    async def start(self) -> None:
        """Let the instances begin."""
        self.instances = [await self._start_instance() for _ in range(INSTANCES)]

    async def _start_instance(self) -> Instance:
        self._started += 1
        instance = Instance(self, self._started)
        await instance.start()
        return instance

    async def crash(self, which: int) -> None:
        """Kill an instance, and let another take its place."""
        old = self.instances[which]
        if old.commits:
            self.trace.sometimes("an instance was killed while a commit was under way")
        old.kill()
        self.instances[which] = await self._start_instance()

    def tell_news(self) -> None:
        """Tell all instances that something was recorded."""
        self.alarm.ring()
        self.news.ring()

    async def missed(self, after: int, until: int) -> Sequence[FeedEntry]:
        """Read the alerts after one id, up to another."""
        await self.pause(0.02)
        return [entry for entry in read_feed(self.units, after, until) if entry.stream == "alerts"]

    def note_takeover(self, by: Instance) -> None:
        """Note a takeover, and whether somebody is committing meanwhile."""
        self.trace.sometimes("an instance took over what another had leased")
        if any(each.commits for each in self.instances):
            self.trace.sometimes("a takeover while a commit was under way")
        by.note("takes over what another had leased")

    def is_at_rest(self) -> bool:
        """Tell whether nothing is to be done outside any more."""
        self.table.load_planned()
        busy = {EffectStatus.DUE, EffectStatus.LEASED}
        return not any(row.status in busy or row.check_at for row in self.table.rows.values())

    def alerts(self) -> list[int]:
        """Number the alerts that were shown, in order."""
        items = self.units.memory.feed_items
        for number, item in enumerate(items[self._read :], self._read + 1):
            if not isinstance(item.content, Snapshot):
                self._alerts.append(number)
        self._read = len(items)
        return self._alerts

    def has_unplayed(self) -> bool:
        """Tell whether an alert is still to be shown."""
        showings = self.show.all_showings.values()
        if any(each.is_open for each in showings):
            return True
        return sum(len(each.covers) for each in showings if each.attempt == 1) < len(self.alerts())
