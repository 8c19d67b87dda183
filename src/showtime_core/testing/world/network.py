"""Neighbours behind a network: calls and answers are lost or late, and a ledger freezes, then executes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from showtime_core.domain.points_and_ghosts.effects import Credit
from showtime_core.errors import Ambiguous, Refused, Unavailable
from showtime_core.testing.twins.fault_injection import FaultyServices
from showtime_core.testing.world.channel import Channel
from showtime_core.testing.world.process import current_process

_LATE_SECONDS = 25.0
"""How late a ledger may do what it was asked: within the time that is waited, less a clock's jump."""
_TIMEOUT = 10.0
_LAG = 0.3
_LEDGER = {"credit", "reserve", "accept", "reject", "statement", "find"}
_LOOKS = {"statement", "find"}
_PAINT_SECONDS = 20.0
_REFUSED = {"paint": 0.1}
"""How often what is asked for is refused: a subject more often than anything else."""

_Do = Callable[[], Awaitable[Any]]


class SeededServices(FaultyServices):
    """Ledger, painter, bucket and gallery, for all instances; chance decides what becomes of a call."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.ledger_time, timedelta(seconds=_LATE_SECONDS))
        self.channel = channel
        self.by_hand: list[Credit] = []
        self.serving: set[asyncio.Task[Any]] = set()
        self.thawed = asyncio.Event()
        self.thawed.set()

    async def credit(self, credit: Credit, key: str) -> UUID:
        """Credit points; one that seems to be lost, somebody may make by hand."""
        try:
            return await super().credit(credit, key)
        except Ambiguous:
            is_made = self.channel.happens("credits that seem lost are made by hand", 0.1)
            if is_made and key in self.moved_by and self._is_alone(credit):
                await self.ledger.credit(credit, f"by hand {len(self.by_hand)}")
                self.by_hand.append(credit)
                self.channel.trace.note("somebody", f"makes {key} by hand")
                self.channel.trace.sometimes("a credit that seemed lost was made by hand")
            raise

    def _is_alone(self, credit: Credit) -> bool:
        """Tell whether nothing else is under way that looks like it: that would be taken for it."""
        rows = self.channel.table.rows.values()
        return sum(row.is_open and row.planned.effect == credit for row in rows) == 1

    async def _call(self, what: str, do: _Do, refusal: Refused) -> Any:  # noqa: ANN401
        """Send a request, and wait for its answer."""
        channel, me = self.channel, current_process()
        await channel.pause(_LAG)
        await me.gate()
        me.require_alive()
        if channel.happens("calls to neighbours are not reached", 0.04):
            raise Unavailable(f"{what}: not reached")
        if channel.happens("calls to neighbours are refused", _REFUSED.get(what, 0.01)):
            raise refusal
        if channel.happens("calls to neighbours are lost", 0.03):
            await self._never_come(what)
        is_lost = channel.happens("answers of neighbours are lost", 0.05)
        delay = channel.chance.random() * _LAG
        if what == "paint":
            delay *= _PAINT_SECONDS / _LAG
        if what not in _LOOKS and channel.happens("neighbours are late", 0.02):
            delay, is_lost = channel.chance.random() * _LATE_SECONDS, True
        served = asyncio.create_task(self._serve(what, do, delay, str(me.number)))
        self.serving.add(served)
        served.add_done_callback(self.serving.discard)
        return await self._answer(what, served, is_lost=is_lost)

    async def _never_come(self, what: str) -> None:
        """Lose a call on its way: nothing is done, and who has called cannot know it."""
        channel, me = self.channel, current_process()
        await channel.pause(_LAG)
        await me.gate()
        if what in _LOOKS:
            raise Unavailable(f"{what}: no answer")
        me.note(f"hears no answer to {what}")
        channel.trace.sometimes(f"a call to {what} was lost")
        raise Ambiguous(f"{what}: no answer")

    async def _answer(self, what: str, served: asyncio.Task[Any], *, is_lost: bool) -> Any:  # noqa: ANN401
        channel, me = self.channel, current_process()
        timeout = _PAINT_SECONDS * 2 if what == "paint" else _TIMEOUT
        await asyncio.wait([served], timeout=timeout)
        await me.gate()
        if what in _LOOKS and not served.done():
            raise Unavailable(f"{what}: no answer")  # a look that is lost is no answer, and does no harm
        if is_lost or not served.done():
            me.note(f"hears no answer to {what}")
            channel.trace.sometimes(f"an answer to {what} was lost")
            raise Ambiguous(f"{what}: no answer")
        await channel.pause(_LAG)
        await me.gate()
        return served.result()

    async def _serve(self, what: str, do: _Do, delay: float, who: str) -> Any:  # noqa: ANN401
        """Do what was asked for: whoever asked may be gone by then.

        A ledger freezes with what it has not begun. What it works on already is done within its time.
        """
        if what in _LEDGER and not self.thawed.is_set():
            await self.thawed.wait()
            if what not in _LOOKS:  # who looks now is answered before what was asked is done
                delay = self.channel.chance.random() * _LATE_SECONDS
                self.channel.trace.sometimes("a ledger that froze did what it had been asked before")
        await asyncio.sleep(delay)
        try:
            answer = await do()
        finally:
            self.channel.trace.note(what, f"for instance {who}")
        return answer

    def freeze_for(self, seconds: float) -> None:
        """Let the ledger do and answer nothing for a while."""
        if self.thawed.is_set():
            self.thawed.clear()
            asyncio.get_running_loop().call_later(seconds, self.thawed.set)
