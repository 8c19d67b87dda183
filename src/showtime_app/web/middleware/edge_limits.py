"""What stands before all routes but the callback: limits, and headers that tell browsers what to refuse."""

import asyncio
from http import HTTPStatus

from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from showtime_app.metrics import Metrics
from showtime_app.web.middleware.stream_limits import StreamLimits, StreamSlots

BODY_SECONDS = 10.0
"""How long a client may take to send a body."""
MAX_BODY_BYTES = 64 * 1024
"""The largest body of any route here: a request for a ghost takes less than one of these."""
_STREAMS = frozenset({"alerts", "chat", "state"})
"""Their paths, without slashes: the router passes over more of these than it says, at either end."""

# A browser's EventSource gives up for good on any answer but 200, so that whom we have no place for is told
# to come again: an overlay that was kept out by a flood is back when the flood is over.
_TOO_MANY_STREAMS = b": too many streams are open, try again\n\nretry: 30000\n\n"

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
NO_STORE = (b"cache-control", b"no-store")
"""Of all that is told to the host: names, and what viewers wrote (RFC 9111, 5.2.2.5)."""
_POLICY_OF_PAGES = (
    b"default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'"
)
_POLICY_OF_THE_REST = b"default-src 'none'; frame-ancestors 'none'"


def with_edge_limits(app: ASGIApp, limits: StreamLimits, metrics: Metrics) -> ASGIApp:
    """Wrap an application."""
    places = StreamSlots(limits)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if "path" not in scope:  # the lifespan
            await app(scope, receive, send)
            return
        send, receive = _with_headers(send, is_kept=not is_of_host(scope["path"])), _in_time(receive)
        if scope["path"].strip("/") not in _STREAMS:
            await app(scope, receive, send)
            return
        with places.acquire(scope) as refusal:
            if refusal:
                metrics.streams.refused.labels(refusal).inc()
                await _answer_too_many_streams(send)
            else:
                await app(scope, receive, send)

    return wrapped


async def _answer_too_many_streams(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_MANY_STREAMS, "more_body": False})


def _in_time(receive: Receive) -> Receive:
    """Limit the time in which the whole body must have come."""
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    is_read = False

    async def receive_in_time() -> ReceiveMessage:
        nonlocal is_read
        if is_read:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                "the body did not come in time",
                status_code=HTTPStatus.REQUEST_TIMEOUT,
                headers={"connection": "close"},
            ) from None
        is_read = not message.get("more_body", False)
        return message

    return receive_in_time


def is_of_host(path: str) -> bool:
    """Tell whether a path is one of the host's routes, however many slashes stand before it."""
    return path.strip("/").partition("/")[0] == "admin"


def _with_headers(send: Send, *, is_kept: bool) -> Send:
    """Add what all answers have, and to one that nobody is to keep that it is so, be it a refusal."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], *_ALWAYS]
            if not is_kept:
                headers = [each for each in headers if each[0].lower() != NO_STORE[0]] + [NO_STORE]
            names = {name.lower(): value for name, value in headers}
            if b"content-security-policy" not in names:  # a page may need another
                is_page = names.get(b"content-type", b"").startswith(b"text/html")
                policy = _POLICY_OF_PAGES if is_page else _POLICY_OF_THE_REST
                headers.append((b"content-security-policy", policy))
            message["headers"] = headers
        await send(message)

    return send_with_headers
