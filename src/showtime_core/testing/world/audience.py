"""Twitch, which delivers until it is answered, and watchers of the stream of alerts, who come again."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from showtime_core.domain.events import StreamOffline, StreamOnline
from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable
from showtime_core.testing.world.front import TOLERANCE

if TYPE_CHECKING:
    from showtime_core.testing.world.instance import SeededInstance
    from showtime_core.testing.world.world import World

_ANSWER_SECONDS = 10.0
"""How long Twitch waits for an answer, in seconds."""
_LATE_SECONDS = (1.0, 20.0, 240.0)
_AGAIN_SECONDS = 20.0
_OLD_SECONDS = 900.0
FORGED = "forged-"
"""How the ids begin of what Twitch has not sent, or has sent too long ago."""


class Twitch:
    """Delivers each message until it is answered, in any order."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._under_way: dict[str, int] = {}
        self.first_tried: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        """When each message was first answered as taken."""

    async def deliver(self, entry: Entry) -> None:
        """Deliver a message at least once; it may be late, and some are delivered twice at once."""
        world = self._world
        odds = 0.4 if isinstance(entry.content, StreamOnline | StreamOffline) else 0.1
        if world.happens("deliveries are late", odds):
            await world.pause(world.chance.choice(_LATE_SECONDS))
        if world.happens("forgeries are sent", 0.05):
            await self._forge(entry)
        deliveries = [self._until_taken(entry)]
        if world.happens("deliveries are doubled", 0.08):
            deliveries.append(self._until_taken(entry))
        await asyncio.gather(*deliveries)
        if world.happens("old messages are replayed", 0.02):
            await asyncio.sleep(_OLD_SECONDS)
            await self._until_taken(entry)

    async def _forge(self, entry: Entry) -> None:
        """Send what must not be taken."""
        world = self._world
        is_old = world.chance.random() < 0.5  # noqa: PLR2004 - the other half is signed wrongly
        at = entry.sent_at
        assert at, "Twitch stamps all its messages"
        forged = evolve(
            entry, id=FORGED + entry.id, sent_at=at - timedelta(seconds=_OLD_SECONDS * 2) if is_old else at
        )
        assert not await self._try(forged, is_forged=not is_old), "what Twitch has not sent now is refused"

    async def _until_taken(self, entry: Entry) -> None:
        world = self._world
        await world.pause(0.05)
        while not await self._try(entry):
            await world.pause(_AGAIN_SECONDS)
            if entry.id not in self.answered:
                age = world.true_time() + world.twitch_skew - (entry.sent_at or world.true_time())
                assert age < TOLERANCE, f"{entry.id} was never taken"

    async def _try(self, entry: Entry, *, is_forged: bool = False) -> bool:
        world = self._world
        instance = world.chance.choice(world.instances)
        if self._under_way.get(entry.id):
            world.trace.sometimes("a message was delivered again while its first delivery was under way")
        self._under_way[entry.id] = self._under_way.get(entry.id, 0) + 1
        self.first_tried.setdefault(entry.id, world.loop.now)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                is_taken = await instance.call(instance.receive(entry, is_forged=is_forged))
        except (Unavailable, TimeoutError):
            world.trace.note("Twitch", f"was not answered for {entry.id}")
            return False
        finally:
            self._under_way[entry.id] -= 1
        if not is_taken:
            world.trace.note("Twitch", f"was refused {entry.id}")
            return False
        self.answered.setdefault(entry.id, world.loop.now)
        return is_forged or not world.happens("deliveries are not answered", 0.06)


class Watcher:
    """A client of the stream of alerts: it goes, and comes again with the last id it has seen."""

    def __init__(self, world: "World", name: str) -> None:
        self._world, self.name = world, name
        self.seen: list[tuple[int, str]] = []
        """The ids of the alerts, and what they said."""
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
        async with aclosing(instance.streams.follow(self._last)) as told:
            async for event_id, said in told:
                self._see(event_id, said)

    def _see(self, event_id: str, said: str | None) -> None:
        self._last, number = event_id, int(event_id.rpartition("-")[2])
        if self.begun_after is None:
            self.begun_after = number
        if said is not None:
            self.seen.append((number, said))
            self._world.trace.note(self.name, f"sees alert {number}: {said}")

    def check(self, alerts: list[tuple[int, str]]) -> None:
        """Every alert since it began was seen once, in order."""
        assert self.begun_after is not None, f"{self.name} was never answered"
        wanted = [one for one in alerts if one[0] > self.begun_after]
        assert self.seen == wanted, f"{self.name} has not seen every alert once, in order"
