"""What the routes share that speak ASGI themselves, for speed or for streaming."""

from http import HTTPStatus

from litestar.types import Scope, Send


def header(scope: Scope, name: bytes) -> str:
    """Read a request header; its name in lower case. Empty if there is none."""
    for key, value in scope["headers"]:  # a generator would cost a message as much as its JSON
        if key == name:
            return value.decode("latin-1")
    return ""


def without_slash(scope: Scope) -> str:
    """Lead from the address that was asked for to the one without slashes at its end, relatively.

    It stands before what a page or an answer refers to: what is right there would else lead to nowhere.
    """
    asked = scope["raw_path"]
    return "../" * (len(asked) - len(asked.rstrip(b"/")))


async def send_body(send: Send, body: bytes = b"", *, is_last: bool = True) -> None:
    """Send a part of the body of an answer, or the rest."""
    await send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def answer_text(
    send: Send, status: HTTPStatus, body: bytes = b"", extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer with a text, or with nothing."""
    headers = [*extra]
    if status is not HTTPStatus.NO_CONTENT:
        length = str(len(body)).encode()
        headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send_body(send, body)


async def refuses_method(scope: Scope, send: Send, allowed: str) -> bool:
    """Answer any other method; a raw route gets them all. Where GET is allowed, so is HEAD."""
    method = scope.get("method")
    if method == allowed or (method == "HEAD" and allowed == "GET"):
        return False
    allow = ((b"allow", allowed.encode()),)
    await answer_text(send, HTTPStatus.METHOD_NOT_ALLOWED, b"Method Not Allowed", allow)
    return True
