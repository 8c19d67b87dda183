"""Server-sent events as they are written (WHATWG HTML, 9.2): the blocks, and the head of the answer.

Where a client goes on that comes back is decided in `routes.streams`.
"""

from http import HTTPStatus

from litestar.types import Send


def block(*, event: str = "", event_id: str = "", retry: int = 0, data: str = "") -> bytes:
    """Write a block of those fields that are given: with `data`, which is one line, it is an event.

    `retry` is in milliseconds.
    """
    fields = {"event": event, "id": event_id, "retry": retry, "data": data}
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value).encode() + b"\n"


def comment(text: str = "") -> bytes:
    """Write a comment, which clients pass over."""
    return f": {text}".rstrip().encode() + b"\n\n"


CACHE_CONTROL = "no-cache, no-transform"
"""Nobody keeps a stream, or compresses it on the way, which would hold it back (RFC 9111, 5.2.2.6)."""
ACCEL_BUFFERING = "no"
"""Of the header `X-Accel-Buffering`, by which an nginx that nobody has tuned hands on what comes."""
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", CACHE_CONTROL.encode()),
    (b"x-accel-buffering", ACCEL_BUFFERING.encode()),
]


async def begin(send: Send) -> None:
    """Begin the answer: always 200, for a browser's EventSource gives up for good on any other."""
    await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": [*_HEADERS]})
