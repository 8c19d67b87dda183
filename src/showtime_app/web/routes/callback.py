"""`POST /callback`: where Twitch delivers.

It stands in front of the web framework, whose routing would cost it as much as the signature, the parsing and
the reaction together: see `bench/callback`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from litestar.types import ASGIApp, Receive, Scope, Send

from showtime_app.metrics import Metrics
from showtime_app.web.asgi import answer_text, header, refuses_method
from showtime_app.web.rejection_log import RejectionLog, message_of

_log = logging.getLogger(__name__)

SECONDS_IN_ALL = 5.0
"""How long a request may take, whatever happens: Twitch waits 10 s at most."""
MAX_BODY_BYTES = 1024 * 1024
"""Twitch's messages are a few kilobytes; a larger body is refused without reading it to its end."""


class CallbackAnswer(Protocol):
    """What to answer a request with."""

    @property
    def status(self) -> HTTPStatus:
        """The status code."""

    @property
    def body(self) -> bytes:
        """A text, or nothing."""

    @property
    def rejection(self) -> str | None:
        """Why the request was not taken: a label of the metrics."""


Receiver = Callable[[Mapping[str, str], bytes], Awaitable[CallbackAnswer]]
"""Takes the headers, their names in lower case, and the body of one request."""


def in_front(app: ASGIApp, receiver: Receiver, metrics: Metrics) -> ASGIApp:
    """Answer `/callback`, and leave everything else to the application behind."""
    rejections = RejectionLog(metrics)
    accepted = metrics.callback_requests.labels("accepted")
    observe = metrics.callback_seconds.observe

    async def callback(scope: Scope, receive: Receive, send: Send) -> None:
        if await refuses_method(scope, send, "POST"):
            return
        began = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS_IN_ALL):
                body = await _read_body(scope, receive)
                answer = await receiver(_headers(scope), body)
        except _TooLargeError:
            rejections.record("too-large", scope)
            await answer_text(
                send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"the body is larger than 1 MiB", _CLOSE
            )
        except _GoneError:
            rejections.record("gone", scope)
        except TimeoutError:
            rejections.record("timeout", scope)
            await answer_text(
                send, HTTPStatus.SERVICE_UNAVAILABLE, b"it was not recorded in time; send it again", _CLOSE
            )
        except Exception:  # whatever it is, Twitch must come again
            _log.exception("a message was not received", extra=message_of(scope))
            rejections.record("failed", scope)
            await answer_text(send, HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error", _CLOSE)
        else:
            if answer.rejection:
                rejections.record(answer.rejection, scope)
            else:
                accepted.inc()
                observe(time.perf_counter() - began)
            await answer_text(send, answer.status, answer.body)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        # The scope of the lifespan has no path. Slashes do not matter: Twitch would follow no redirect.
        is_callback = scope.get("path", "").strip("/") == "callback"
        await (callback if is_callback else app)(scope, receive, send)

    return front


_CLOSE = ((b"connection", b"close"),)  # the rest of the body is not read


class _TooLargeError(Exception):
    """The body is larger than a message can be."""


class _GoneError(Exception):
    """The client went away before its body was complete."""


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name.startswith(b"twitch-")
    }


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    declared = header(scope, b"content-length")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY_BYTES:
        raise _TooLargeError
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _GoneError
        body += message["body"]
        if len(body) > MAX_BODY_BYTES:
            raise _TooLargeError
        if not message["more_body"]:
            return body
