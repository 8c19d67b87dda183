"""Requests to our neighbours: bounded in time and number, and clear about what may have happened.

What is raised never holds what was sent: tokens and secrets are in it.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx
from attrs import frozen

from showtime_adapters.aiohttp_transport import AiohttpTransport
from showtime_core.errors import Ambiguous, Refused, Unavailable
from showtime_core.texts import name_error, quote

ANSWER_SECONDS = 10.0
"""How long one request may take as a whole: a time limit of httpx is one for each read.

Longer than it takes to get a connection, so that a request that runs out of it has been sent.
"""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""How much a neighbour may answer: more than any of them has to say to us."""
_CONNECT_SECONDS = 3.0
_HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "showtime"}
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_UNSENT = frozenset(error.__name__ for error in _NOTHING_SENT)
"""By name, for the library of OpenAI has an httpx of its own."""

RequestObserver = Callable[[str, float], None]
"""Is told of a request how it ended, and how many seconds that took.

It ends with a class of status codes, `2xx` to `5xx`, or `unsent`, or `lost`: no answer came, or not in time.
"""


def _ignore(_outcome: str, _seconds: float) -> None:
    pass


@frozen
class Telemetry:
    """What is told of requests to a neighbour: to the neighbour, and to us."""

    request_id: Callable[[], str | None] = lambda: None
    """Tells for which request of ours it is asked."""
    observe: RequestObserver = _ignore


SILENT = Telemetry()
"""Nobody is told anything."""


class _Answer(Protocol):
    @property
    def status_code(self) -> int: ...


A = TypeVar("A", bound=_Answer)


async def instrumented(sending: Awaitable[A], observe: RequestObserver) -> A:
    """Wait for an answer, or for its head where it is a stream, and report how that ended."""
    began = time.perf_counter()
    outcome = "lost"
    try:
        answer = await sending
        outcome = f"{answer.status_code // 100}xx"
    except Exception as reason:
        if isinstance(reason, Unavailable) or type(reason).__name__ in _UNSENT:
            outcome = "unsent"
        raise
    finally:
        observe(outcome, time.perf_counter() - began)
    return answer


async def bounded(sending: Awaitable[Any], most: int) -> Any:  # noqa: ANN401 - httpx has a twin: see above
    """Wait for an answer and read it, if it is no larger than this once it is unpacked."""
    answer = await sending
    body = bytearray()
    try:
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > most:
                raise httpx.ReadError(f"the answer is larger than {most} bytes")
    finally:
        await answer.aclose()
    headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-encoding"]
    return type(answer)(answer.status_code, headers=headers, content=bytes(body), request=answer.request)


def reason_in(text: str) -> str:
    """Read from the body of an answer why it is none: the messages in its JSON, or its text, as a quotation.

    Empty where nothing is said, or only a page for browsers.
    """
    try:
        said = "; ".join(_messages(json.loads(text)))
    except (ValueError, RecursionError):
        said = ""
    return quote(said or ("" if text.lstrip().startswith("<") else text))


def _messages(document: object) -> Iterator[str]:
    """Find what is called a message, wherever it stands."""
    if isinstance(document, list):
        for each in document:
            yield from _messages(each)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name == "message" and isinstance(value, str):
                yield value
            else:
                yield from _messages(value)


@cache
def _tls() -> ssl.SSLContext:
    """Make the rules of TLS once for all: to read all certificates takes a while."""
    return httpx.create_ssl_context()


def connections(most: int = 20, verify: ssl.SSLContext | None = None) -> AiohttpTransport:
    """Make the connections of a client: so many at once, to whom the machine trusts, or others."""
    return AiohttpTransport(verify or _tls(), most)


class InstrumentedClient(httpx.AsyncClient):
    """An httpx client that reports how each request ended; an answer that is too large is lost."""

    def __init__(
        self,
        observe: RequestObserver,
        verify: ssl.SSLContext | None = None,
        **options: Any,  # noqa: ANN401 - as httpx takes them
    ) -> None:
        """Tell this observer; trust whom the machine trusts, or others; the options are those of httpx."""
        super().__init__(transport=connections(verify=verify), **options)
        self._observe = observe

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        **options: Any,  # noqa: ANN401 - as above
    ) -> httpx.Response:
        """Send a request."""
        sending = super().send(request, stream=True, **options)
        if not stream:
            sending = bounded(sending, MAX_ANSWER_BYTES)
        return await instrumented(sending, self._observe)


class NeighbourClient:
    """Sends requests to one neighbour while its context is open; connects when it has to."""

    def __init__(
        self,
        name: str,
        url: str,
        telemetry: Telemetry = SILENT,
        transport: httpx.AsyncBaseTransport | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Reach a neighbour at this base URL; where it is empty, each path is a URL."""
        self.name = name
        self._url = url.rstrip("/")
        self._seconds = seconds
        self._telemetry = telemetry
        self._transport = transport or connections()
        self._extensions = {"timeout": httpx.Timeout(seconds, connect=_CONNECT_SECONDS).as_dict()}

    async def __aenter__(self) -> Self:
        """Open the connections, each when it is needed."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **content: Any,  # noqa: ANN401 - as httpx takes it
    ) -> httpx.Response:
        """Send a request, and give whatever is answered; `content` is as httpx takes it.

        Raises Unavailable if nothing was sent, Ambiguous if the answer was lost, and Refused for what cannot
        be written as a request.
        """
        request_id = self._telemetry.request_id()
        named = {"x-request-id": request_id} if request_id else {}
        try:
            request = httpx.Request(
                method, self._url + path, headers={**_HEADERS, **named, **(headers or {})}, **content
            )
        except Exception as reason:  # whatever it is, nothing was sent
            raise Refused(f"{self.name} cannot be asked this ({name_error(reason)})") from None
        request.extensions = {**self._extensions, **request.extensions}
        try:
            async with asyncio.timeout(self._seconds):
                answering = bounded(self._answer(request), MAX_ANSWER_BYTES)
                return await instrumented(answering, self._telemetry.observe)
        except _NOTHING_SENT as reason:
            raise Unavailable(f"{self.name} cannot be reached ({name_error(reason)})") from reason
        except (httpx.HTTPError, TimeoutError) as reason:
            raise Ambiguous(f"the answer of {self.name} was lost ({name_error(reason)})") from reason

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """Send a request as it is: a client of httpx would look for redirects and cookies, which none has."""
        answer = await self._transport.handle_async_request(request)
        answer.request = request
        return answer
