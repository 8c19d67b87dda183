"""What all instances share: the twins, the clocks, chance, and what is noted of it all."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Unavailable
from showtime_core.testing.entries import OPENING_NIGHT
from showtime_core.testing.twins.chat_log import MemoryChatLog
from showtime_core.testing.twins.outbox import MemoryOutboxTable
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.testing.world.night import SeededNight
from showtime_core.testing.world.shown import words_of
from showtime_core.testing.world.trace import Trace
from showtime_core.testing.world.virtual_loop import VirtualLoop
from showtime_core.testing.world.wakeups import Alarm, Signal

EPOCH = "epoch"
SETTLE_AFTER = timedelta(seconds=30)
_AWAY_SECONDS = 8.0
_SKEW_SECONDS = 2.0
"""How far the clocks of Twitch and of the ledger are from the database's; that of Twitch is never ahead,
since the reference has no clocks that differ: a tape would be put on before the night has begun."""


class Channel:
    """What is kept of a channel in a night, and the time and the chance by which it happens."""

    def __init__(self, night: SeededNight) -> None:
        self.night, self.policy = night, Policy()
        self.chance = Random(f"{night.seed} play")  # noqa: S311 - one that can be repeated
        self.loop = VirtualLoop(self.chance)
        self.trace = Trace(self.loop.time)
        self.units = MemoryUnitOfWork(clock=self.now)
        self.table = MemoryOutboxTable(self.units, SETTLE_AFTER)
        self.show = MemoryShow(self.units)
        self.chat = MemoryChatLog()
        ledger = self.chance.uniform(-_SKEW_SECONDS, _SKEW_SECONDS)
        twitch = self.chance.uniform(-_SKEW_SECONDS, 0)
        self.twitch_skew, self.ledger_skew = timedelta(seconds=twitch), timedelta(seconds=ledger)
        self.alarm, self.news = Alarm(self.table), Signal()
        self.jump = timedelta(0)
        """How far the database's clock has jumped."""
        self.jumped_at = list[float]()
        self.away_until = 0.0
        """Until when nobody reaches the database."""
        self.commits = 0
        """How many are under way."""
        self._alerts: list[FeedEntry] = []
        self._entries: list[FeedEntry] = []

    def ledger_time(self) -> datetime:
        """Tell the time by the ledger's clock."""
        return self.true_time() + self.ledger_skew

    def true_time(self) -> datetime:
        """Tell the time by a clock that never jumps."""
        return OPENING_NIGHT + timedelta(seconds=self.loop.now)

    def now(self) -> datetime:
        """Tell the time by the database's clock."""
        return OPENING_NIGHT + timedelta(seconds=self.loop.now) + self.jump

    def jump_clock(self, seconds: float) -> None:
        """Let the clock of the database jump."""
        self.trace.note("database", f"its clock jumps by {seconds:g} s")
        self.jump += timedelta(seconds=seconds)
        self.jumped_at.append(self.loop.now)
        self.alarm.ring()

    def lose_database(self, seconds: float) -> None:
        """Let nobody reach the database for a while, of some seconds at most."""
        self.trace.note("database", "is away")
        self.away_until = self.loop.now + min(seconds, _AWAY_SECONDS)

    def require_database(self) -> None:
        """Raise Unavailable while the database is away."""
        if self.loop.now < self.away_until:
            raise Unavailable("the database is away")

    def happens(self, fault: str, odds: float) -> bool:
        """Decide by chance whether a fault that this night has happens now."""
        return self.chance.random() < odds and fault in self.night.faults

    async def pause(self, most: float) -> None:
        """Let time pass, up to so many seconds."""
        await asyncio.sleep(self.chance.random() * most)

    def tell_news(self) -> None:
        """Tell all instances that something was recorded."""
        self.alarm.ring()
        self.news.give()

    async def missed(self, after: int, until: int) -> Sequence[FeedEntry]:
        """Read the alerts after one id, up to another."""
        await self.pause(0.02)
        self.require_database()
        return [entry for entry in self.feed(after, until) if entry.stream == "alerts"]

    def is_at_rest(self) -> bool:
        """Tell whether nothing is to be done outside any more."""
        self.table.load_planned()
        busy = {EffectStatus.DUE, EffectStatus.LEASED}
        return not any(row.status in busy or row.check_at for row in self.table.rows.values())

    def _read_feed(self) -> None:
        items = self.units.memory.feed_items
        for number, item in enumerate(items[len(self._entries) :], len(self._entries) + 1):
            if isinstance(item.content, Snapshot):
                entry = FeedEntry(number, "state", repr(item.content))
            else:
                entry = FeedEntry(number, "alerts", words_of(item.content))
                self._alerts.append(entry)
            self._entries.append(entry)

    def alerts(self) -> list[FeedEntry]:
        """Give the alerts that were shown, in order."""
        self._read_feed()
        return self._alerts

    def has_unplayed(self) -> bool:
        """Tell whether an alert is still to be shown."""
        return self.show.has_unplayed()

    def feed(self, after: int, until: int | None = None) -> list[FeedEntry]:
        """Read what is shown after one id, up to another."""
        self._read_feed()
        return self._entries[after:until]

    async def read_tip(self) -> FeedPosition:
        """Tell how far the feed leads, however far any instance has read."""
        await self.pause(0.02)
        self.require_database()
        self._read_feed()
        return FeedPosition(EPOCH, len(self._entries), "")
