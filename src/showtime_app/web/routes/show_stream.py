"""`GET /show`: one stream for a page, of server-sent events with names.

It is read with `fetch`, so that what is refused has its status. What changes as a whole is sent as a whole:
state, queue, train, health. Of the rest chat alone is replayed, by an id that tells how far both have come.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec
from attrs import define, field, frozen
from litestar import asgi
from litestar.connection import ASGIConnection
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from showtime_app.web import sse
from showtime_app.web.asgi import header, refuses_method, send_body
from showtime_app.web.hub import StreamClient
from showtime_app.web.middleware.access import Guards
from showtime_app.web.openapi.descriptions import OPERATIONS, raw
from showtime_app.web.routes.status import ReadinessCache, Status
from showtime_app.web.routes.streams import Chunks, ReadSome, StreamSource, read_backlog, serve_until
from showtime_app.web.watch import Watch
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.show.show_secrets import SecretKind
from showtime_core.errors import Refused, Unavailable

T = TypeVar("T")

_USUAL = ("state", "queue", "train", "health", "alert", "chat")
LAYERS = (*_USUAL, "night")
"""The names of its events; the last only for who asks for it."""
HEARTBEAT_SECONDS = 15.0
_LOOK_SECONDS = 5.0
"""How often it is looked how things stand that tell of no change: health, and whether the secret holds."""
_READ_AGAIN_SECONDS = 1.0
_WAITING = 64
"""What one page may be behind before its sources are held up, which have bounds of their own."""
_ID = re.compile(r"(?P<epoch>.+)-(?P<feed>[0-9]{1,18})\.(?P<chat>[0-9]{1,18})")


@frozen
class ShowSources:
    """What the stream tells, and of whom."""

    feed: StreamSource
    chat: StreamSource
    recent_chat: ReadSome
    watches: Mapping[str, Watch]
    """By layer: what is told as it is, then whenever it has changed."""
    health: ReadinessCache
    stopped: asyncio.Event = field(factory=asyncio.Event)
    """Set when the server stops."""

    def is_watched(self) -> bool:
        """Tell whether any page is to be told of what is watched."""
        return any(watch.is_watched() for watch in self.watches.values())

    async def look(self) -> None:
        """Read what is watched, and tell of what has changed; raises Unavailable."""
        for watch in self.watches.values():
            if watch.is_watched():
                await watch.look()


@define
class OpenPage:
    """One page that reads the stream: what it wants, how far it has come, and what is to be sent to it."""

    sources: ShowSources
    layers: Collection[str]
    last_id: str
    backlog: int
    check_access: Callable[[], Awaitable[None]] | None
    """Raises for who may read it no longer; None: that is not known here."""
    ended: asyncio.Event = field(factory=asyncio.Event)
    """Set when its secret or its session holds no longer."""
    feed_id: int = 0
    chat_id: int | None = None
    """None: it is not known yet how far it has come; by an id without it all of chat would come again."""
    out: asyncio.Queue[bytes] = field(factory=partial(asyncio.Queue, _WAITING))

    def event(self, name: str, data: str, *, has_id: bool = False) -> bytes:
        """Write an event, with the id by which the page goes on after it, once that is known."""
        position = self.sources.feed.hub.position
        if has_id and position and (self.chat_id is not None or "chat" not in self.layers):
            number = f"{position.epoch}-{self.feed_id}.{self.chat_id or 0}"
        else:
            number = ""
        return sse.block(event=name, event_id=number, data=data)


def route(sources: ShowSources, guards: Guards) -> ASGIRouteHandler:
    """Make the route of the stream, for overlays with a secret and for hosts."""
    guard = guards.holders_of(SecretKind.OVERLAY, guards.host)

    @asgi("/show", copy_scope=False, guards=[guard], opt=raw(get=OPERATIONS["/show"]["get"]))
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if await refuses_method(scope, send, "GET"):
            return
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        check = partial(guard, connection, serve) if guards.may_end(connection) else None
        page = _read_page(scope, sources, check)
        if scope.get("method") == "HEAD":
            await sse.begin(send)
            await send_body(send)
            return
        opened = sources.feed.hub.metrics.stream_clients.labels("show")
        async with joined(page) as clients:
            of_clients = (client.closed for client in clients.values())
            closed: list[asyncio.Future[None] | asyncio.Event] = [page.ended, sources.stopped, *of_clients]
            with opened.track_inprogress():
                await serve_until(closed, chunks_of(page, clients), receive, send)

    return serve


def _read_page(scope: Scope, sources: ShowSources, check: Callable[[], Awaitable[None]] | None) -> OpenPage:
    """Read what a page wants; raises Refused."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("layers", [",".join(_USUAL)])
    layers = [layer for layer in asked[0].split(",") if layer]
    if unknown := [layer for layer in layers if layer not in LAYERS]:
        raise Refused(f"no such layer: {unknown[0]}; choose {', '.join(LAYERS)}")
    return OpenPage(sources, layers, header(scope, b"last-event-id"), read_backlog(scope), check)


@asynccontextmanager
async def joined(page: OpenPage) -> AsyncIterator[dict[str, StreamClient]]:
    """Join the hubs of what a page wants."""
    hubs = {"state": ("state", page.sources.feed.hub), "alert": ("alerts", page.sources.feed.hub)}
    hubs["chat"] = ("chat", page.sources.chat.hub)
    async with AsyncExitStack() as stack:
        clients: dict[str, StreamClient] = {}
        for layer, (stream, hub) in hubs.items():
            if layer in page.layers:
                clients[layer] = hub.join(stream, page="show")
                stack.callback(hub.leave, clients[layer])
        yield clients


async def chunks_of(page: OpenPage, clients: dict[str, StreamClient]) -> Chunks:
    """Yield what is told to a page, and a comment whenever nothing is for a while."""
    tellers: list[Coroutine[Any, Any, None]] = [_check_access(page)]
    tellers += [_TELLERS[layer](page, client) for layer, client in clients.items()]
    watches = page.sources.watches
    tellers += [_tell_changes(page, name, watches[name]) for name in watches if name in page.layers]
    tellers += [_tell_health(page)] if "health" in page.layers else []
    yield sse.comment()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(teller) for teller in tellers]
        try:
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        chunk = await page.out.get()
                except TimeoutError:
                    chunk = sse.comment()
                yield chunk
        finally:
            for task in tasks:
                task.cancel()


async def _tell_state(page: OpenPage, client: StreamClient) -> None:
    begin = await client.begin
    await page.out.put(page.event("state", begin.snapshot))
    while True:
        event = await client.queue.get()
        if event.id > begin.id:
            await page.out.put(page.event("state", event.payload))


async def _tell_alerts(page: OpenPage, client: StreamClient) -> None:
    begin = await client.begin
    page.feed_id = max(await _reached(page, "feed", page.sources.feed, begin) or 0, begin.id)
    while True:
        event = await client.queue.get()
        if event.id > page.feed_id:
            page.feed_id = event.id
            data = f'{{"id":{event.id},{event.payload[1:]}'
            await page.out.put(page.event("alert", data, has_id=True))


async def _tell_chat(page: OpenPage, client: StreamClient) -> None:
    """Tell what the page has missed of chat, or what it wants of before, then each line."""
    begin = await client.begin
    for entry in await _chat_before(page, begin):
        page.chat_id = entry.id
        await page.out.put(page.event("chat", entry.payload, has_id=True))
    chat_id = page.chat_id = max(page.chat_id or 0, begin.id)
    while True:
        event = await client.queue.get()
        if event.id > chat_id:
            chat_id = page.chat_id = event.id
            await page.out.put(page.event("chat", event.payload, has_id=True))


async def _chat_before(page: OpenPage, begin: FeedPosition) -> Sequence[FeedEntry]:
    reached = await _reached(page, "chat", page.sources.chat, begin)
    if reached is not None:
        page.chat_id = reached
        if reached >= begin.id:
            return ()
        return await _answer(partial(page.sources.chat.missed, reached, begin.id))
    if page.backlog:
        return await _answer(partial(page.sources.recent_chat, page.backlog, begin.id))
    return ()


async def _reached(page: OpenPage, which: str, source: StreamSource, begin: FeedPosition) -> int | None:
    """Tell which id of a source the page has seen last, by the id that it brings; None: there is none."""
    known = _ID.fullmatch(page.last_id)
    if not known or known["epoch"] != begin.epoch:
        return None
    number = int(known[which])
    return number if await _answer(partial(source.has, number, begin)) else None


async def _answer(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the database is there to answer."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(_READ_AGAIN_SECONDS)


async def _tell_changes(page: OpenPage, name: str, watch: Watch) -> None:
    """Tell something as it is, then each change of it."""
    with watch.watching() as changed:
        await _answer(watch.look)
        while True:
            changed.clear()
            await page.out.put(page.event(name, watch.document))
            await changed.wait()


async def _tell_health(page: OpenPage) -> None:
    """Tell how it stands, then each change of it."""
    told = ""
    while True:
        now = await page.sources.health.current()
        health = msgspec.json.encode(Status(now.is_ready, now.message)).decode()
        if health != told:
            told = health
            await page.out.put(page.event("health", health))
        await asyncio.sleep(_LOOK_SECONDS)


async def _check_access(page: OpenPage) -> None:
    """End the stream of a secret or a session that holds no longer."""
    while page.check_access:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await page.check_access()
        except Unavailable:
            continue
        except Refused:
            page.ended.set()


_TELLERS = {"state": _tell_state, "alert": _tell_alerts, "chat": _tell_chat}
"""By layer: what tells a page of what a hub publishes."""
