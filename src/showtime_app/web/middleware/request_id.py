"""Every answer bears the id of its request, taken from the caller or made here, as the log lines do."""

import itertools
import re
import secrets
from contextvars import ContextVar

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.types import EventDict, WrappedLogger

from showtime_app.web.asgi import header

_ACCEPTABLE = re.compile(r"[\x21-\x7e]{1,128}")
_OF_THIS_PROCESS = secrets.token_hex(6)
_numbers = itertools.count(1)
_current: ContextVar[str] = ContextVar("request_id")


def with_request_id(app: ASGIApp) -> ASGIApp:
    """Wrap an application."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:  # the lifespan, which litestar's types leave out
            await app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        fits = given and _ACCEPTABLE.fullmatch(given)
        request_id = given if fits else f"{_OF_THIS_PROCESS}-{next(_numbers):x}"
        _current.set(request_id)  # a request is a task of its own: nobody else sees it

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        await app(scope, receive, send_with_id)

    return wrapped


def current() -> str | None:
    """Tell the id of the request that is being answered here; None if there is none."""
    return _current.get(None)


def add_request_id(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Add the id to a line of the log, if it is written for a request."""
    if request_id := current():
        line["request_id"] = request_id
    return line
