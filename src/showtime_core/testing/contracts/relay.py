"""What every relay keeps to: a suite of rules, to be mixed into a class of tests beside `OutboxContract`.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from attrs import Factory, define, frozen

from showtime_core.domain.events import Cheer
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, Settlement
from showtime_core.testing.contracts.outbox import DONE, OutboxStage
from showtime_core.testing.entries import BOB, LARRY, MARGE, REWIND

_SECONDS = 30.0
"""How long to wait, at most, for what is awaited."""
_CROWD = (MARGE, BOB, LARRY, REWIND)


class _Relay(AbstractAsyncContextManager[Any], Protocol):
    def stop(self) -> None: ...


@frozen
class RelayStage:
    """An outbox with nothing in it, and relays as instances run them."""

    outbox: OutboxStage
    relay: Callable[[Callable[[Job], Awaitable[Settlement]]], _Relay]
    """As `relay` of `showtime_app.composition.ports.Storage`, with slots for four at least."""

    async def record(self, count: int) -> set[str]:
        """Let so many viewers cheer; gives the keys of the effects."""
        names = await self.outbox.record(*(Cheer(_CROWD[each % 4], 50, "") for each in range(count)))
        return {f"{name}:credit-cheer" for name in names}

    async def until_parked(self, count: int) -> None:
        """Wait until so many effects are parked."""
        async with asyncio.timeout(_SECONDS):
            while len(await self.outbox.parked_items.list_parked(count)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # nobody is told when it is written


@define
class _Performer:
    """Performs what it is given, when it is let."""

    settlement: Settlement = DONE
    begun: list[str] = Factory(list)
    ended: list[str] = Factory(list)
    go_on: asyncio.Event = Factory(asyncio.Event)
    _news: asyncio.Event = Factory(asyncio.Event)

    async def perform(self, job: Job) -> Settlement:
        self.begun.append(job.key)
        self._news.set()
        await self.go_on.wait()
        self.ended.append(job.key)
        self._news.set()
        return self.settlement

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()


class RelayContract:
    """The rules of `showtime_app.composition.ports.Relay`."""

    async def test_what_is_due_is_performed_once(self, relays: RelayStage) -> None:
        """What was due before, and what is recorded meanwhile, is performed once, and is due no more."""
        performer, expected = _Performer(), await relays.record(3)
        performer.go_on.set()
        async with relays.relay(performer.perform):
            await performer.until(lambda: len(performer.ended) >= 3)  # noqa: PLR2004
            expected |= await relays.record(3)
            await performer.until(lambda: len(performer.ended) >= len(expected))
        assert sorted(performer.ended) == sorted(expected)
        assert await relays.outbox.lease() == []

    async def test_what_comes_of_it_is_written(self, relays: RelayStage) -> None:
        """What a performer says of an effect is settled: what it parks is parked with its remark."""
        performer, expected = _Performer(Settlement(EffectStatus.PARKED, "be kind")), await relays.record(2)
        performer.go_on.set()
        async with relays.relay(performer.perform):
            await performer.until(lambda: len(performer.ended) >= len(expected))
        parked = await relays.outbox.parked_items.list_parked(10)
        effects = [each for each in parked if isinstance(each, ParkedEffect)]
        assert {each.job.key for each in effects} == expected
        assert {each.reason for each in effects} == {"be kind"}

    async def test_two_relays_share_what_is_due(self, relays: RelayStage) -> None:
        """Two relays at once perform each effect on one of them."""
        performer, expected = _Performer(), await relays.record(4)
        performer.go_on.set()
        async with relays.relay(performer.perform), relays.relay(performer.perform):
            expected |= await relays.record(8)
            await performer.until(lambda: len(performer.ended) >= len(expected))
        assert sorted(performer.ended) == sorted(expected)

    async def test_after_a_stop_nothing_is_begun(self, relays: RelayStage) -> None:
        """Once it is stopped nothing more is begun, and what is under way is brought to its end."""
        performer = _Performer(Settlement(EffectStatus.PARKED, "be kind"))
        await relays.record(1)
        async with relays.relay(performer.perform) as relay:
            await performer.until(lambda: len(performer.begun) == 1)
            relay.stop()
            later = await relays.record(2)
            performer.go_on.set()
            await relays.until_parked(1)
            for _ in range(20):  # a slot is free, and there is time to fill it
                await relays.until_parked(1)
                await asyncio.sleep(0)
        assert len(performer.begun) == 1
        assert {*await relays.outbox.lease()} == later
