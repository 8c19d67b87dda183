"""The hub: passes what is new in the feed, or in the chat, to the open streams; none delays another."""

import asyncio
from collections import deque
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
_WOKEN_AT_ONCE = 256
"""Of the readers of one instance: then whatever else waits has its turn, a message of Twitch above all."""


class EncodedEvent(NamedTuple):
    """An event of a stream, encoded once for all clients."""

    id: int
    data: bytes
    payload: str
    """What it says: JSON."""


@define(eq=False)
class EventQueue:
    """What waits to be sent on one stream, for one reader.

    asyncio's holds four deques: with ten thousand streams they take 25 MiB.
    """

    length: int
    """How many may wait."""
    _events: list[EncodedEvent] = field(factory=list)
    _arrival: asyncio.Future[None] | None = None
    """What the reader waits for."""

    def put_nowait(self, event: EncodedEvent) -> bool:
        """Add an event; tells whether the reader, who may wait, has to be woken; raises QueueFull."""
        if len(self._events) >= self.length:
            raise asyncio.QueueFull
        self._events.append(event)
        return len(self._events) == 1

    def wake(self) -> None:
        """Have the reader go on, if it waits."""
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)

    async def get(self) -> EncodedEvent:
        """Take the next event, as soon as there is one."""
        while not self._events:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self._events.pop(0)


@define(eq=False)
class StreamClient:
    """One open stream, and what waits to be sent on it."""

    stream: str
    begin: asyncio.Future[FeedPosition]
    """The point from which on blocks are queued: known once the database has been reached."""
    queue: EventQueue
    closed: asyncio.Future[None]
    """Done when the stream must end: the client is too slow, or the server stops."""
    page: str = ""
    """The stream that this is a part of, if it is none by itself."""

    @property
    def name(self) -> str:
        """By what it is counted."""
        return self.page or self.stream

    def close(self) -> None:
        """Have the stream end."""
        if not self.closed.done():
            self.closed.set_result(None)


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
    _to_wake: deque[EventQueue] = field(factory=deque)
    _is_waking: bool = False

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
                if client.stream == entry.stream and not client.closed.done():
                    self._put(client, event)
        if not self._is_waking:
            self._wake_some()

    def _wake_some(self) -> None:
        """Wake readers: thousands in turns, since what they all send takes half a second."""
        for _ in range(min(_WOKEN_AT_ONCE, len(self._to_wake))):
            self._to_wake.popleft().wake()
        self._is_waking = bool(self._to_wake)
        if self._is_waking:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def _put(self, client: StreamClient, event: EncodedEvent) -> None:
        """Queue an event; a client that is too slow is given up."""
        try:
            if client.queue.put_nowait(event):
                self._to_wake.append(client.queue)
        except asyncio.QueueFull:
            client.close()
            self.metrics.dropped_stream_clients.labels(client.name).inc()

    def join(self, stream: str, page: str = "") -> StreamClient:
        """Add a client: it gets whatever is published from now on."""
        loop = asyncio.get_running_loop()
        queue = EventQueue(self.queue_length)
        client = StreamClient(stream, loop.create_future(), queue, loop.create_future(), page)
        if self.position:
            client.begin.set_result(self.position)
        if self.is_closed:
            client.close()
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
            client.close()
