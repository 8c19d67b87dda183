"""The hub: passes what is new in the feed, or in the chat, to the open streams; none delays another."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from attrs import define, field

from showtime_app.metrics import Metrics
from showtime_app.web import sse
from showtime_core.domain.feed import FeedEntry, FeedPosition

QUEUE_LENGTH = 512
"""What a client may be behind; a slower one is disconnected, and resumes by id."""
CHAT_QUEUE_LENGTH = 4096
"""The same for chat, in a flood: all clients share the lines, and only their places are queued for each."""


class EncodedEvent(NamedTuple):
    """An event of a stream, encoded once for all clients."""

    id: int
    data: bytes
    payload: str
    """What it says: JSON."""


@define(eq=False)
class StreamClient:
    """One open stream, and what waits to be sent on it."""

    stream: str
    begin: asyncio.Future[FeedPosition]
    """The point from which on blocks are queued: known once the database has been reached."""
    queue: asyncio.Queue[EncodedEvent]
    closed: asyncio.Event = field(factory=asyncio.Event)
    """Set when the stream must end: the client is too slow, or the server stops."""
    page: str = ""
    """The stream that this is a part of, if it is none by itself."""

    @property
    def name(self) -> str:
        """By what it is counted."""
        return self.page or self.stream


def encode(epoch: str, entry: FeedEntry) -> bytes:
    """Write an entry as an event; those of the state have no id, for nobody resumes it."""
    event_id = "" if entry.stream == "state" else f"{epoch}-{entry.id}"
    return sse.block(event_id=event_id, data=entry.payload)


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

    def is_read(self, stream: str) -> bool:
        """Tell whether anybody reads a stream by itself, and not as a part of a page's."""
        return any(client.name == stream for client in self.clients)

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        """Hand on what is new, and how far it leads."""
        if self.position and (position.epoch != self.position.epoch or position.id < self.position.id):
            self._end_all()  # their ids mean nothing any more: they come again, and begin anew
        self.position = position
        for client in self.clients:
            if not client.begin.done():
                client.begin.set_result(position)
        for entry in entries:
            event = EncodedEvent(entry.id, encode(position.epoch, entry), entry.payload)
            for client in self.clients:
                if client.stream == entry.stream and not client.closed.is_set():
                    self._put(client, event)

    def _put(self, client: StreamClient, event: EncodedEvent) -> None:
        """Queue an event; a client that is too slow is given up."""
        try:
            client.queue.put_nowait(event)
        except asyncio.QueueFull:
            client.closed.set()
            self.metrics.dropped_stream_clients.labels(client.name).inc()

    def join(self, stream: str, page: str = "") -> StreamClient:
        """Add a client: it gets whatever is published from now on."""
        begin = asyncio.get_running_loop().create_future()
        client = StreamClient(stream, begin, asyncio.Queue(self.queue_length), page=page)
        if self.position:
            client.begin.set_result(self.position)
        if self.is_closed:
            client.closed.set()
        self.clients.add(client)
        if not page:
            self.metrics.stream_clients.labels(stream).inc()
        return client

    def leave(self, client: StreamClient) -> None:
        """Remove a client."""
        self.clients.remove(client)
        if not client.page:
            self.metrics.stream_clients.labels(client.stream).dec()

    def close(self) -> None:
        """End every stream, also those that are still to come: the server stops."""
        self.is_closed = True
        self._end_all()

    def _end_all(self) -> None:
        for client in self.clients:
            client.closed.set()
