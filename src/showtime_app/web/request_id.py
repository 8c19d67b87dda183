"""Every answer bears the id of its request, taken from the caller or made here, as the log lines do."""

import re
import uuid

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from showtime_app.web.raw import header

_ACCEPTABLE = re.compile(r"[\x21-\x7e]{1,128}")


def with_request_id(app: ASGIApp) -> ASGIApp:
    """Wrap an application."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        given = header(scope, b"x-request-id")
        request_id = given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await app(scope, receive, send_with_id)

    return wrapped
