"""The streams, as server-sent events: `GET /alerts`, `GET /chat` and `GET /state`.

The framing is a contract with the overlay and the website: unnamed events, a comment first on `/alerts` and
`/chat`, the current state first on `/state`. A browser gives up for good on any answer but 200, so a stream
is opened and kept open while the database is away.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

from attrs import frozen
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from showtime_app.web.asgi import answer_text, header, refuses_method
from showtime_app.web.hub import Hub, StreamClient
from showtime_app.web.openapi.asgi_operations import ALERTS, CHAT, STATE
from showtime_app.web.openapi.descriptions import raw
from showtime_core.domain.feed import FeedEntry
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30.0
_COMMENT = b":\n\n"
_RETRY = b"retry: 3000\n\n"
_READ_AGAIN_SECONDS = 1.0
_CLOSE_SECONDS = 1.0
MAX_BACKLOG = 256
_BEHIND_TENTHS = 20
"""Tenths of a second that one instance may be behind another."""

Read = Callable[[int], Awaitable[Sequence[FeedEntry]]]
"""Reads what was shown up to an id; raises Unavailable."""
ReadSome = Callable[[int, int], Awaitable[Sequence[FeedEntry]]]
"""The same: what came after one id, up to another; or so many of the latest, up to an id."""


@frozen
class StreamSource:
    """What the streams of one hub show, and how a client gets what was before."""

    hub: Hub
    missed: ReadSome


def routes(feed: StreamSource, chat: StreamSource, recent_chat: ReadSome) -> list[ASGIRouteHandler]:
    """Make the routes of the streams."""

    @asgi("/alerts", copy_scope=False, opt=raw(get=ALERTS))
    async def alerts(scope: Scope, receive: Receive, send: Send) -> None:
        if not await _refuses(scope, send):
            client = feed.hub.join("alerts")
            chunks = _resumed(feed, client, header(scope, b"last-event-id"))
            await _serve(feed.hub, client, chunks, receive, send)

    @asgi("/chat", copy_scope=False, opt=raw(get=CHAT))
    async def chat_(scope: Scope, receive: Receive, send: Send) -> None:
        if not await _refuses(scope, send):
            count = _read_backlog(scope)
            if count is None:
                await answer_text(send, HTTPStatus.BAD_REQUEST, b"backlog must be a whole number")
                return
            client = chat.hub.join("chat")
            recent = partial(recent_chat, count) if count else None
            chunks = _resumed(chat, client, header(scope, b"last-event-id"), recent)
            await _serve(chat.hub, client, chunks, receive, send)

    @asgi("/state", copy_scope=False, opt=raw(get=STATE))
    async def state(scope: Scope, receive: Receive, send: Send) -> None:
        if not await _refuses(scope, send):
            client = feed.hub.join("state")
            await _serve(feed.hub, client, _state(client), receive, send)

    return [alerts, chat_, state]


def _read_backlog(scope: Scope) -> int | None:
    """Read how many messages of before a new client wants; None: it does not say it right."""
    [text, *_] = parse_qs(scope["query_string"].decode("latin-1")).get("backlog", ["0"])
    return min(int(text[:9]), MAX_BACKLOG) if text.isascii() and text.isdecimal() else None


async def _refuses(scope: Scope, send: Send) -> bool:
    if await refuses_method(scope, send, "GET"):
        return True
    accept = header(scope, b"accept")
    if accept in {"", "*/*"} or accept.startswith("text/event-stream"):
        return False
    await answer_text(send, HTTPStatus.BAD_REQUEST, f"content-type {accept} is not supported".encode())
    return True


async def _resumed(
    source: StreamSource, client: StreamClient, last_event_id: str, recent: Read | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield what the client has missed, or what a new one wants of before, then what comes; with ids."""
    yield _COMMENT
    async for chunk in _until_begun(client):
        yield chunk
    begin = client.begin.result()
    read: Read | None = None
    after = _read_id(last_event_id, begin.epoch)
    if after is None or (after > begin.id and not await _reaches(source.hub, after)):
        after, read = begin.id, recent
    elif after < begin.id:
        read = partial(source.missed, after)
    yield f"id: {begin.epoch}-{after}\n".encode() + _RETRY
    while read:
        try:
            for entry in await read(begin.id):
                yield f"id: {begin.epoch}-{entry.id}\ndata: {entry.payload}\n\n".encode()
            break
        except Unavailable:
            yield _COMMENT
            await asyncio.sleep(_READ_AGAIN_SECONDS)
    async for chunk in _queued(client, max(after, begin.id)):
        yield chunk


async def _state(client: StreamClient) -> AsyncGenerator[bytes, None]:
    """Yield the state, then its changes."""
    async for chunk in _until_begun(client):
        yield chunk
    begin = client.begin.result()
    yield f"data: {begin.snapshot}\n\n".encode() + _RETRY
    async for chunk in _queued(client, begin.id):
        yield chunk


async def _until_begun(client: StreamClient) -> AsyncGenerator[bytes, None]:
    """Keep the stream open while the database is away: what follows, follows later."""
    if not client.begin.done():
        yield _RETRY
    while not client.begin.done():
        await asyncio.wait([client.begin], timeout=HEARTBEAT_SECONDS)
        if not client.begin.done():
            yield _COMMENT


async def _queued(client: StreamClient, after: int) -> AsyncGenerator[bytes, None]:
    """Yield what is published from now on, and a comment whenever nothing is for a while."""
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                block = await client.next()
        except TimeoutError:
            yield _COMMENT
            continue
        if block.id > after:  # this instance may be behind the one that the client comes from
            yield block.data


async def _reaches(hub: Hub, number: int) -> bool:
    """Wait a little for what another instance has shown already; False: it counts as an id that never was."""
    for _ in range(_BEHIND_TENTHS):
        if hub.position and hub.position.id >= number:
            return True
        await asyncio.sleep(0.1)
    return False


def _read_id(text: str, epoch: str) -> int | None:
    """Read the id that a client brings; one that is malformed or of another epoch counts as none."""
    its_epoch, _, number = text.rpartition("-")
    if its_epoch != epoch or not (number.isascii() and number.isdecimal()) or len(number) > 18:  # noqa: PLR2004 - fits int8
        return None
    return int(number)


async def _serve(
    hub: Hub, client: StreamClient, chunks: AsyncGenerator[bytes, None], receive: Receive, send: Send
) -> None:
    """Send chunks until the client goes, is given up, or the server stops."""
    gone = asyncio.create_task(_until_gone(receive))
    ends = [
        asyncio.create_task(_send_all(chunks, send)),
        asyncio.create_task(client.closed.wait()),
        gone,
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        was_gone = gone.done()
    finally:
        hub.leave(client)
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
    if not was_gone:
        await _end_response(send)


async def _send_all(chunks: AsyncGenerator[bytes, None], send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": headers})
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except Exception:  # the client comes again, and resumes by id
        _log.exception("a stream ended with an error")


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end_response(send: Send) -> None:
    """End the answer in due form, unless the client does not even take that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
