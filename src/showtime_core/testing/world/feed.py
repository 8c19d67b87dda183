"""The feed as instances read it, and the streams on which they show it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.testing.world.channel import EPOCH
from showtime_core.testing.world.process import Process

_POLL_SECONDS = 5.0
"""How soon an instance looks of its own accord: so far it may be behind another."""
Told = tuple[str, str | None]
"""What comes on a stream: the id to resume by, and what an alert says, if it is one."""
Missed = Callable[[int, int], Awaitable[Sequence[FeedEntry]]]
"""Reads the alerts after one id, up to another."""
ReadTip = Callable[[], Awaitable[FeedPosition]]
"""Reads how far the feed leads."""


class Streams(Protocol):
    """The alerts as one instance shows them to whoever follows."""

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        """Hand on what is new, and how far it leads."""

    def follow(self, last_event_id: str) -> AsyncGenerator[Told, None]:
        """Give what came after an id, or from now on; ends when it must be resumed."""

    def close(self) -> None:
        """End every stream."""


async def follow_feed(me: Process, streams: Streams) -> None:
    """Hand on what is new, whichever instance has recorded it."""
    channel = me.channel
    position = FeedPosition(EPOCH, len(channel.feed(0)), "")
    streams.publish(position, [])
    while True:
        heard = asyncio.create_task(channel.news.wait())
        await me.hear_database()
        if channel.loop.now < channel.away_until:  # another session is begun as soon as there can be one
            await asyncio.sleep(channel.away_until - channel.loop.now)
        new = channel.feed(position.id)
        await me.hear_database()
        if new:
            position = FeedPosition(EPOCH, new[-1].id, "")
            streams.publish(position, new)
        await heard
        if channel.happens("news of the feed is lost", 0.1):
            await asyncio.sleep(channel.chance.random() * _POLL_SECONDS)
        await me.gate()


class MemoryStreams:
    """Streams in memory: whoever follows has a queue."""

    def __init__(self, missed: Missed, read_tip: ReadTip) -> None:
        self._missed, self._read_tip = missed, read_tip
        self._position: FeedPosition | None = None
        self._queues: list[asyncio.Queue[FeedEntry | None]] = []

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        """Hand on what is new, and how far it leads."""
        self._position = position
        for entry in entries:
            for queue in self._queues if entry.stream == "alerts" else ():
                queue.put_nowait(entry)

    async def follow(self, last_event_id: str) -> AsyncGenerator[Told, None]:
        """Give what came after an id, or from now on."""
        if self._position is None:
            return
        queue: asyncio.Queue[FeedEntry | None] = asyncio.Queue()
        self._queues.append(queue)
        try:
            tip = self._position.id
            after = int(last_event_id.removeprefix(f"{EPOCH}-")) if last_event_id else tip
            if after > tip:
                assert after <= (await self._read_tip()).id, "nobody was shown what is not recorded"
            yield f"{EPOCH}-{after}", None
            if after < tip:
                for entry in await self._missed(after, tip):
                    yield f"{EPOCH}-{entry.id}", entry.payload
            while (told := await queue.get()) is not None:
                if told.id > after:
                    yield f"{EPOCH}-{told.id}", told.payload
        finally:
            self._queues.remove(queue)

    def close(self) -> None:
        """End every stream."""
        for queue in self._queues:
            queue.put_nowait(None)
