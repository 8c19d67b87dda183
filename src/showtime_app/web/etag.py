"""Answers that may be kept, if whoever keeps one asks each time whether it still holds."""

from hashlib import blake2b
from http import HTTPStatus

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from showtime_app.web.asgi import header


def with_etag(app: ASGIApp) -> ASGIApp:
    """Name each answer by its content, and tell who has it already that it still holds: 304."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        start: HTTPResponseStartEvent | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                start = message  # its headers depend on the body
                return
            if start and message["type"] == "http.response.body":
                if _add_etag(start, message["body"], header(scope, b"if-none-match")):
                    message["body"] = b""
                await send(start)
            await send(message)

        await app(scope, receive, send_with_etag)

    return wrapped


def _add_etag(start: HTTPResponseStartEvent, body: bytes, known: str) -> bool:
    """Add the tag to the head of an answer; True: the caller has this body, and gets the head alone."""
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = MutableScopeHeaders.from_message(start)
    headers["etag"], headers["cache-control"] = tag, "no-cache"
    if not _holds(tag, known):
        return False
    start["status"] = HTTPStatus.NOT_MODIFIED.value
    del headers["content-length"], headers["content-type"]
    return True


def _holds(tag: str, known: str) -> bool:
    """Compare weakly: a proxy that compresses says `W/` before what is ours."""
    return known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))
