"""What the routes share that speak ASGI themselves, for speed or for streaming."""

from http import HTTPStatus

from litestar.types import Scope, Send


def header(scope: Scope, name: bytes) -> str:
    """Read a request header; its name in lower case. Empty if there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


async def answer_text(
    send: Send, status: HTTPStatus, body: bytes = b"", extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer with a text, or with nothing."""
    headers = [*extra]
    if status is not HTTPStatus.NO_CONTENT:
        headers += [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def refuses_method(scope: Scope, send: Send, allowed: str) -> bool:
    """Answer any other method; a raw route gets them all."""
    if scope.get("method") == allowed:
        return False
    allow = ((b"allow", allowed.encode()),)
    await answer_text(send, HTTPStatus.METHOD_NOT_ALLOWED, b"Method Not Allowed", allow)
    return True
