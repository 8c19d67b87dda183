"""A channel and the instances that serve it."""

from collections.abc import Callable

from attrs import frozen

from showtime_core.domain.journal import Entry
from showtime_core.testing.world.channel import Channel
from showtime_core.testing.world.feed import MemoryStreams, Missed, ReadTip, Streams
from showtime_core.testing.world.front import MakeFront, MemoryFront
from showtime_core.testing.world.instance import SeededInstance
from showtime_core.testing.world.network import SeededServices
from showtime_core.testing.world.night import INSTANCES, SeededNight

MakeStreams = Callable[[Missed, ReadTip], Streams]


@frozen
class Parts:
    """What of an instance may be other than in memory."""

    make_streams: MakeStreams = MemoryStreams
    make_front: MakeFront = MemoryFront


MEMORY = Parts()


class World(Channel):
    """A channel for one night, its neighbours and its instances."""

    def __init__(self, night: SeededNight, parts: Parts = MEMORY) -> None:
        super().__init__(night)
        self._parts = parts
        self.services = SeededServices(self)
        self.sent: dict[str, Entry] = {}
        """What Twitch has told, by id."""
        self.instances: list[SeededInstance] = []
        self._started = 0

    async def start(self) -> None:
        """Let the instances begin."""
        self.instances = [await self._start_instance() for _ in range(INSTANCES)]

    async def _start_instance(self) -> SeededInstance:
        self._started += 1
        streams = self._parts.make_streams(self.missed, self.read_tip)
        instance = SeededInstance(self, self._started, self.services, streams, self._parts.make_front)
        await instance.start()
        return instance

    async def crash(self, which: int) -> None:
        """Kill an instance, and let another take its place."""
        if self.commits:
            self.trace.sometimes("an instance was killed while a commit was under way")
        self.instances[which].kill()
        self.instances[which] = await self._start_instance()
