"""The hub: passes what is new in the feed, or in the chat, to the open streams; none delays another."""

import asyncio
from collections import deque
from collections.abc import Sequence

from attrs import define, field, frozen

from showtime_app.metrics import Metrics
from showtime_core.domain.feed import FeedEntry, FeedPosition

QUEUE_LENGTH = 512
"""What a client may be behind; a slower one is disconnected, and resumes by id."""


@frozen
class EncodedEvent:
    """An event of a stream, encoded once for all clients."""

    id: int
    data: bytes


@define(eq=False)
class StreamClient:
    """One open stream, and what waits to be sent on it."""

    stream: str
    begin: asyncio.Future[FeedPosition]
    """The point from which on blocks are queued: known once the database has been reached."""
    queue: deque[EncodedEvent] = field(factory=deque)
    woken: asyncio.Event = field(factory=asyncio.Event)
    closed: asyncio.Event = field(factory=asyncio.Event)
    """Set when the stream must end: the client is too slow, or the server stops."""

    def put(self, block: EncodedEvent, queue_length: int) -> bool:
        """Queue a block; False: the client is too slow, and is given up."""
        if len(self.queue) >= queue_length:
            self.closed.set()
            return False
        self.queue.append(block)
        self.woken.set()
        return True

    async def next(self) -> EncodedEvent:
        """Wait for the next block."""
        while not self.queue:
            self.woken.clear()
            await self.woken.wait()
        return self.queue.popleft()


@define
class Hub:
    """Clients of this instance, and the point that their feed has reached."""

    metrics: Metrics
    queue_length: int = QUEUE_LENGTH
    position: FeedPosition | None = None
    """None until the database has been reached."""
    clients: set[StreamClient] = field(factory=set)
    is_closed: bool = False

    def is_watched(self) -> bool:
        """Tell whether there are clients."""
        return bool(self.clients)

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        """Hand on what is new, and how far it leads."""
        if self.position and (position.epoch != self.position.epoch or position.id < self.position.id):
            self._end_all()  # their ids mean nothing any more: they come again, and begin anew
        self.position = position
        for client in self.clients:
            if not client.begin.done():
                client.begin.set_result(position)
        for entry in entries:
            prefix = "" if entry.stream == "state" else f"id: {position.epoch}-{entry.id}\n"
            block = EncodedEvent(entry.id, f"{prefix}data: {entry.payload}\n\n".encode())
            for client in self.clients:
                if client.stream == entry.stream and not client.closed.is_set():
                    self._put(client, block)

    def _put(self, client: StreamClient, block: EncodedEvent) -> None:
        if not client.put(block, self.queue_length):
            self.metrics.streams.dropped.labels(client.stream).inc()

    def join(self, stream: str) -> StreamClient:
        """Add a client: it gets whatever is published from now on."""
        client = StreamClient(stream, asyncio.get_running_loop().create_future())
        if self.position:
            client.begin.set_result(self.position)
        if self.is_closed:
            client.closed.set()
        self.clients.add(client)
        self.metrics.streams.clients.labels(stream).inc()
        return client

    def leave(self, client: StreamClient) -> None:
        """Remove a client."""
        self.clients.remove(client)
        self.metrics.streams.clients.labels(client.stream).dec()

    def close(self) -> None:
        """End every stream, also those that are still to come: the server stops."""
        self.is_closed = True
        self._end_all()

    def _end_all(self) -> None:
        for client in self.clients:
            client.closed.set()
