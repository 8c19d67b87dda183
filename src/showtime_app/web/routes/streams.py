"""The streams, as server-sent events: `GET /alerts`, `GET /chat` and `GET /state`.

The framing is a contract with the overlay and the website: unnamed events, a comment first on `/alerts` and
`/chat`, the current state first on `/state`. A stream is opened and kept open while the database is away.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import TypeVar
from urllib.parse import parse_qs

from attrs import frozen
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from showtime_app.web import sse
from showtime_app.web.asgi import answer_text, header, refuses_method, send_body
from showtime_app.web.hub import Hub, StreamClient, encode
from showtime_app.web.openapi.descriptions import OPERATIONS, raw
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.errors import Refused, Unavailable

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30.0
_RETRY_MS = 3000
_COMMENT = sse.comment()
_RETRY = sse.block(retry=_RETRY_MS)
_READ_AGAIN_SECONDS = 1.0
_CLOSE_SECONDS = 1.0
MAX_BACKLOG = 256

_FOR_PEOPLE = files(__package__).joinpath("stream.txt").read_text("utf-8")

T = TypeVar("T")
Chunks = AsyncGenerator[bytes, None]
Follow = Callable[[StreamClient], Chunks]
"""What one client gets, as it is written."""
Read = Callable[[int], Awaitable[Sequence[FeedEntry]]]
"""Reads what was shown up to an id; raises Unavailable."""
ReadSome = Callable[[int, int], Awaitable[Sequence[FeedEntry]]]
"""The same: what came after one id, up to another; or so many of the latest, up to an id."""


@frozen
class StreamSource:
    """What the streams of one hub show, and how a client gets what was before."""

    hub: Hub
    missed: ReadSome
    read_tip: Callable[[], Awaitable[FeedPosition]]
    """Reads how far the feed leads, of which this instance may not have read all; raises Unavailable."""

    async def has(self, number: int, begin: FeedPosition) -> bool:
        """Tell whether there is an id in the epoch of this position, maybe beyond it; raises Unavailable."""
        if number <= begin.id:
            return True
        tip = await self.read_tip()
        return tip.epoch == begin.epoch and number <= tip.id


def routes(feed: StreamSource, chat: StreamSource, recent_chat: ReadSome) -> list[ASGIRouteHandler]:
    """Make the routes of the streams."""

    def follow_chat(scope: Scope) -> Follow:
        count = read_backlog(scope)
        recent = partial(recent_chat, count) if count else None
        return partial(resumed, chat, header(scope, b"last-event-id"), recent)

    return [
        _route(
            "alerts", feed.hub, lambda scope: partial(resumed, feed, header(scope, b"last-event-id"), None)
        ),
        _route("chat", chat.hub, follow_chat),
        _route("state", feed.hub, lambda _: _state),
    ]


def _route(stream: str, hub: Hub, read_request: Callable[[Scope], Follow]) -> ASGIRouteHandler:
    """Make the route of one stream; `read_request` raises Refused."""
    operation = OPERATIONS[f"/{stream}"]["get"]

    @asgi(f"/{stream}", copy_scope=False, opt=raw(get=operation))
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if await refuses_method(scope, send, "GET"):
            return
        try:
            _require_acceptable(header(scope, b"accept"), operation["summary"])
            follow = read_request(scope)
        except Refused as reason:
            await answer_text(send, HTTPStatus.BAD_REQUEST, str(reason).encode())
            return
        if scope.get("method") == "HEAD":
            await sse.begin(send)
            await send_body(send)
            return
        client = hub.join(stream)
        try:
            await serve_until([client.closed], follow(client), receive, send)
        finally:
            hub.leave(client)

    return serve


def _require_acceptable(accept: str, summary: str) -> None:
    """Raise Refused unless events are accepted.

    A browser that opens a page names more types than that of pages: it is told what it has come to.
    """
    if accept not in {"", "*/*"} and not accept.startswith("text/event-stream"):
        more = _FOR_PEOPLE.format(summary=summary) if accept.startswith("text/html,") else ""
        raise Refused(f"content-type {accept} is not supported{more}")


def read_backlog(scope: Scope) -> int:
    """Read how many messages of before a new client wants; raises Refused."""
    [text, *_] = parse_qs(scope["query_string"].decode("latin-1")).get("backlog", ["0"])
    if not (text.isascii() and text.isdecimal()):
        raise Refused("backlog must be a whole number")
    return min(int(text[:9]), MAX_BACKLOG)


async def resumed(
    source: StreamSource, last_event_id: str, recent: Read | None, client: StreamClient
) -> Chunks:
    """Yield what the client has missed, or what a new one wants of before, then what comes; with ids."""
    yield _COMMENT
    async for chunk in _until_begun(client):
        yield chunk
    begin = client.begin.result()
    read: Read | None = None
    after, is_known = _read_id(last_event_id, begin.epoch), list[bool]()
    if after is not None:
        async for chunk in _answered(partial(source.has, after, begin), is_known):
            yield chunk
    if after is None or not is_known[0]:
        after, read = begin.id, recent
    elif after < begin.id:
        read = partial(source.missed, after)
    yield sse.block(event_id=f"{begin.epoch}-{after}", retry=_RETRY_MS)
    if read:
        before = list[Sequence[FeedEntry]]()
        async for chunk in _answered(partial(read, begin.id), before):
            yield chunk
        for entry in before[0]:
            yield encode(begin.epoch, entry)
    async for chunk in _queued(client, max(after, begin.id)):
        yield chunk


async def _state(client: StreamClient) -> Chunks:
    """Yield the state, then its changes."""
    async for chunk in _until_begun(client):
        yield chunk
    begin = client.begin.result()
    yield sse.block(data=begin.snapshot) + _RETRY
    async for chunk in _queued(client, begin.id):
        yield chunk


async def _until_begun(client: StreamClient) -> Chunks:
    """Keep the stream open while the database is away: what follows, follows later."""
    if not client.begin.done():
        yield _RETRY
    while not (await asyncio.wait([client.begin], timeout=HEARTBEAT_SECONDS))[0]:
        yield _COMMENT


async def _answered(ask: Callable[[], Awaitable[T]], answer: list[T]) -> Chunks:
    """Ask until there is an answer, and yield a comment each time that the database is away."""
    while not answer:
        try:
            answer.append(await ask())
        except Unavailable:
            yield _COMMENT
            await asyncio.sleep(_READ_AGAIN_SECONDS)


async def _queued(client: StreamClient, after: int) -> Chunks:
    """Yield what is published from now on, and a comment whenever nothing is for a while."""
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                event = await client.queue.get()
        except TimeoutError:
            yield _COMMENT
            continue
        if event.id > after:  # this instance may be behind the one that the client comes from, for a while
            yield event.data


def _read_id(text: str, epoch: str) -> int | None:
    """Read the id that a client brings; one that is malformed or of another epoch counts as none."""
    its_epoch, _, number = text.rpartition("-")
    if its_epoch != epoch or not (number.isascii() and number.isdecimal()) or len(number) > 18:  # noqa: PLR2004 - fits int8
        return None
    return int(number)


async def serve_until(
    closed: Sequence[asyncio.Future[None] | asyncio.Event], chunks: Chunks, receive: Receive, send: Send
) -> None:
    """Send chunks until the client goes, or one of these is over: it is given up, or the server stops."""
    gone = asyncio.create_task(_until_gone(receive))
    ends: list[asyncio.Future[None]] = [gone, asyncio.create_task(_send_all(chunks, send))]
    # A future needs no task that waits for it, and there are many streams.
    ends += [
        asyncio.create_task(_until_set(each)) if isinstance(each, asyncio.Event) else each for each in closed
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
    if gone.cancelled():
        await _end_response(send)


async def _send_all(chunks: Chunks, send: Send) -> None:
    await sse.begin(send)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                await send_body(send, chunk, is_last=False)
    except Exception:  # the client comes again, and resumes by id
        _log.exception("a stream ended with an error")


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end_response(send: Send) -> None:
    """End the answer in due form, unless the client does not even take that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await send_body(send)
