"""Twitch, which delivers until it is answered, and watchers of the stream of alerts, who come again."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable

if TYPE_CHECKING:
    from showtime_core.testing.world.instance import SeededInstance
    from showtime_core.testing.world.world import World

_TRIES = 100
_ANSWER_SECONDS = 10.0
"""How long Twitch waits for an answer, in seconds."""


class Twitch:
    """Delivers each message until it is answered, in any order."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._under_way: dict[str, int] = {}

    async def deliver(self, entry: Entry) -> None:
        """Deliver a message at least once; it may be late, and some are delivered twice at once."""
        world = self._world
        if world.happens("deliveries are late", 0.1):
            await world.pause(60)
        deliveries = [self._until_taken(entry)]
        if world.happens("deliveries are doubled", 0.08):
            deliveries.append(self._until_taken(entry))
        await asyncio.gather(*deliveries)

    async def _until_taken(self, entry: Entry) -> None:
        world = self._world
        await world.pause(0.05)
        for _ in range(_TRIES):
            if await self._try(entry):
                return
            await world.pause(20)
        raise AssertionError(f"{entry.id} was never taken")

    async def _try(self, entry: Entry) -> bool:
        world = self._world
        instance = world.chance.choice(world.instances)
        if self._under_way.get(entry.id):
            world.trace.sometimes("a message was delivered again while its first delivery was under way")
        self._under_way[entry.id] = self._under_way.get(entry.id, 0) + 1
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await instance.call(instance.submit(entry))
        except (Unavailable, TimeoutError):
            world.trace.note("Twitch", f"was not answered for {entry.id}")
            return False
        finally:
            self._under_way[entry.id] -= 1
        return not world.happens("deliveries are not answered", 0.06)


class Watcher:
    """A client of the stream of alerts: it goes, and comes again with the last id it has seen."""

    def __init__(self, world: "World", name: str) -> None:
        self._world, self.name = world, name
        self.seen: list[int] = []
        self.begun_after: int | None = None
        """The id at which it began."""
        self._last = ""

    async def watch(self) -> None:
        """Watch until cancelled."""
        world = self._world
        while True:
            instance = world.chance.choice(world.instances)
            if self._last:
                world.trace.sometimes("a watcher came again after a drop-out")
            reading = instance.spawn(self._read(instance))
            stays_for = (
                world.chance.choice((5, 60, 900)) if "watchers come again" in world.night.faults else None
            )
            try:
                await asyncio.wait([reading], timeout=stays_for)
            finally:
                reading.cancel()
            await asyncio.wait([reading])
            await world.pause(3)

    async def _read(self, instance: "SeededInstance") -> None:
        await instance.gate()
        instance.opening += 1
        is_opening = True
        try:
            async with aclosing(instance.streams.follow(self._last)) as told:
                async for event_id, number in told:
                    instance.opening -= is_opening
                    is_opening = False
                    self._see(event_id, number)
        finally:
            instance.opening -= is_opening

    def _see(self, event_id: str, number: int | None) -> None:
        self._last = event_id
        if self.begun_after is None:
            self.begun_after = int(event_id.rpartition("-")[2])
        if number is not None:
            self.seen.append(number)
            self._world.trace.note(self.name, f"sees alert {number}")

    def check(self, alerts: list[int]) -> None:
        """Every alert since it began was seen once, in order."""
        assert self.begun_after is not None, f"{self.name} was never answered"
        wanted = [number for number in alerts if number > self.begun_after]
        assert self.seen == wanted, f"{self.name} has not seen every alert once, in order"
