"""Wakes who waits for something to happen, so that nobody has to look again and again."""

import asyncio
from collections.abc import Collection
from datetime import datetime

from attrs import Factory, define

from showtime_core.domain.outbox import EffectStatus
from showtime_core.testing.twins.outbox import MemoryOutboxTable

_MOMENT = 0.001
TAKE_OVER = "take over"
"""What whoever recovers waits for: leases of the dead, and checks that are due."""


@define(eq=False)
class Signal:
    """Wakes all who wait for something to happen."""

    waiting: list[asyncio.Future[None]] = Factory(list)

    def give(self) -> None:
        """Wake them."""
        for each in self.waiting:
            if not each.done():
                each.set_result(None)
        self.waiting.clear()

    async def wait(self) -> None:
        """Wait until it is given."""
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
                    due.add(row.kind)
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
