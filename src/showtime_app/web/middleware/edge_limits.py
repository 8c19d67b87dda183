"""What stands before all routes but the callback: limits, and headers that tell browsers what to refuse."""

import asyncio
from http import HTTPStatus
from typing import cast

from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from showtime_app.metrics import Metrics
from showtime_app.web import sse
from showtime_app.web.asgi import send_body
from showtime_app.web.middleware.stream_limits import StreamLimits, StreamSlots

BODY_SECONDS = 10.0
"""How long a client may take to send a body."""
MAX_BODY_BYTES = 64 * 1024
"""The largest body of any route here: a request for a ghost takes less than one of these."""
_STREAMS = frozenset({"alerts", "chat", "show", "state"})
"""Their paths, without slashes: the router passes over more of these than it says, at either end."""

# A client that gets no slot is told to come again: so an overlay that a flood kept out is back when the flood
# is over.
_TOO_MANY_STREAMS = sse.comment("too many streams are open, try again") + sse.block(retry=30_000)

_ALWAYS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
_NO_STORE = {"cache-control": "no-store"}
"""Of all that is told to the host or to one viewer: names, points, what was written (RFC 9111, 5.2.2.5)."""
_POLICY_OF_PAGES = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_POLICY_OF_THE_REST = "default-src 'none'; frame-ancestors 'none'"


def with_edge_limits(app: ASGIApp, limits: StreamLimits, metrics: Metrics) -> ASGIApp:
    """Wrap an application."""
    slots = StreamSlots(limits)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if "path" not in scope:  # the lifespan
            await app(scope, receive, send)
            return
        send, receive = _with_headers(send, is_kept=not is_private(scope["path"])), _in_time(receive)
        is_head, is_stream = scope.get("method") == "HEAD", scope["path"].strip("/") in _STREAMS
        if is_head or not is_stream:  # whoever asks for the head of a stream takes no slot
            await app(_as_get(scope) if is_head and not is_stream else scope, receive, send)
            return
        with slots.acquire(scope) as refusal:
            if refusal:
                metrics.refused_streams.labels(refusal).inc()
                await sse.begin(send)
                await send_body(send, _TOO_MANY_STREAMS)
            else:
                await app(scope, receive, send)

    return wrapped


def _as_get(scope: Scope) -> Scope:
    """Let HEAD be answered as GET (RFC 9110, 9.3.2): the server knows what was asked, and sends no body."""
    return cast("Scope", {**scope, "method": "GET"})


def _in_time(receive: Receive) -> Receive:
    """Limit the time in which the whole body must have come."""
    deadline: float | None = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive_in_time() -> ReceiveMessage:
        nonlocal deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                "the body did not come in time",
                status_code=HTTPStatus.REQUEST_TIMEOUT,
                headers={"connection": "close"},
            ) from None
        if not message.get("more_body", False):
            deadline = None  # it is all there
        return message

    return receive_in_time


def is_private(path: str) -> bool:
    """Tell whether a path is for the host's or one viewer's eyes, however many slashes stand before it."""
    return path.strip("/").partition("/")[0] in {"admin", "ledger", "session"}


def _with_headers(send: Send, *, is_kept: bool) -> Send:
    """Add what all answers have, and to one that nobody is to keep that it is so, be it a refusal.

    One that names the methods of a route names HEAD with GET.
    """

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers.update(_ALWAYS if is_kept else _ALWAYS | _NO_STORE)
            is_page = headers.get("content-type", "").startswith("text/html")
            policy = _POLICY_OF_PAGES if is_page else _POLICY_OF_THE_REST
            headers.setdefault("content-security-policy", policy)  # a page may need another
            if "GET" in (allowed := headers.get("allow", "").replace(",", " ").split()):
                headers["allow"] = ", ".join(sorted({*allowed, "HEAD"}))
        await send(message)

    return send_with_headers
