"""Answers that may be kept, if whoever keeps one asks each time whether it still holds."""

from hashlib import blake2b
from http import HTTPStatus

from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from showtime_app.web.asgi import header

_OF_THE_BODY = {b"content-length", b"content-type"}


def with_etag(app: ASGIApp) -> ASGIApp:
    """Name each answer by its content, and tell who has it already that it still holds: 304."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        start: HTTPResponseStartEvent | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                start = message  # its headers depend on the body
            elif start and message["type"] == "http.response.body":
                for part in _with_etag(start, message, header(scope, b"if-none-match")):
                    await send(part)
            else:
                await send(message)

        await app(scope, receive, send_with_etag)

    return wrapped


def _with_etag(
    start: HTTPResponseStartEvent, body: HTTPResponseBodyEvent, known: str
) -> tuple[HTTPResponseStartEvent, HTTPResponseBodyEvent]:
    tag = f'"{blake2b(body["body"], digest_size=12).hexdigest()}"'
    headers = [*start["headers"], (b"etag", tag.encode()), (b"cache-control", b"no-cache")]
    if not _holds(tag, known):
        return {**start, "headers": headers}, body
    left = [(name, value) for name, value in headers if name.lower() not in _OF_THE_BODY]
    status = HTTPStatus.NOT_MODIFIED.value
    return {**start, "status": status, "headers": left}, {**body, "body": b""}


def _holds(tag: str, known: str) -> bool:
    """Compare weakly: a proxy that compresses says `W/` before what is ours."""
    return known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))
