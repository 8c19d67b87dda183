"""Requests to our neighbours: bounded in time and number, and clear about what may have happened.

What is raised never holds what was sent: tokens and secrets are in it.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Self

import httpx
from attrs import define, field, frozen

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


@frozen
class Telemetry:
    """What is told of requests to a neighbour: to the neighbour, and to us."""

    request_id: Callable[[], str | None] = lambda: None
    """Tells for which request of ours it is asked."""
    observe: RequestObserver = lambda _outcome, _seconds: None


SILENT = Telemetry()
"""Nobody is told anything."""


async def measured(sending: Awaitable[Any], observe: RequestObserver, most: int = MAX_ANSWER_BYTES) -> Any:  # noqa: ANN401 - httpx has a twin: see above
    """Wait for an answer and read it, if it is no larger than this once unpacked, and tell how that ended."""
    began = time.perf_counter()
    outcome = "lost"
    try:
        answer = await _whole(await sending, most)
        outcome = f"{answer.status_code // 100}xx"
    except Exception as reason:
        if isinstance(reason, Unavailable) or type(reason).__name__ in _UNSENT:
            outcome = "unsent"
        raise
    finally:
        observe(outcome, time.perf_counter() - began)
    return answer


async def _whole(answer: Any, most: int) -> Any:  # noqa: ANN401 - as above
    """Read the rest of an answer, and give it without what it was packed by."""
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


@lru_cache(maxsize=64)
def _read_url(text: str) -> httpx.URL:
    """Read a URL, which takes half as long as sending a request to it: there are few, asked over and over."""
    return httpx.URL(text)


@cache
def _tls() -> ssl.SSLContext:
    """Make the rules of TLS once for all: to read all certificates takes a while."""
    return httpx.create_ssl_context()


def connections(most: int = 20, verify: ssl.SSLContext | None = None) -> AiohttpTransport:
    """Make the connections of a client: so many at once, to whom the machine trusts, or others."""
    return AiohttpTransport(verify or _tls(), most)


def _given_or_usual(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncBaseTransport:
    return transport or connections()


class InstrumentedClient(httpx.AsyncClient):
    """An httpx client that reports how each request ended; an answer that is too large is lost."""

    def __init__(self, observe: RequestObserver, tls: ssl.SSLContext | None, timeout: httpx.Timeout) -> None:
        """Tell this observer; trust whom the machine trusts, or others."""
        super().__init__(transport=connections(verify=tls), timeout=timeout)
        self._observe = observe

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        """Send a request, and read the answer."""
        sending = super().send(request, **{**options, "stream": True})
        answer: httpx.Response = await measured(sending, self._observe)
        return answer


@define(slots=False, eq=False, repr=False)
class NeighbourClient:
    """Sends requests to one neighbour while its context is open; connects when it has to."""

    name: str
    _url: str
    """Where it is; where this is empty, each path is a URL."""
    _telemetry: Telemetry = SILENT
    _transport: httpx.AsyncBaseTransport = field(default=None, converter=_given_or_usual)
    _seconds: float = ANSWER_SECONDS
    _most: int = MAX_ANSWER_BYTES
    """How many bytes an answer may have."""

    async def __aenter__(self) -> Self:
        """Open the connections, each when it is needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._transport.aclose()

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
        url, sent = self._url.rstrip("/") + path, {**_HEADERS, **named, **(headers or {})}
        try:
            request = httpx.Request(method, _read_url(url), headers=sent, **content)
        except Exception as reason:  # whatever it is, nothing was sent
            raise Refused(f"{self.name} cannot be asked this ({name_error(reason)})") from None
        request.extensions["timeout"] = httpx.Timeout(self._seconds, connect=_CONNECT_SECONDS).as_dict()
        try:
            async with asyncio.timeout(self._seconds):
                sending = self._answer(request)
                answer: httpx.Response = await measured(sending, self._telemetry.observe, self._most)
                return answer
        except _NOTHING_SENT as reason:
            raise Unavailable(f"{self.name} cannot be reached ({name_error(reason)})") from reason
        except (httpx.HTTPError, TimeoutError) as reason:
            raise Ambiguous(f"the answer of {self.name} was lost ({name_error(reason)})") from reason

    async def ask(self, *request: Any, **content: Any) -> httpx.Response:  # noqa: ANN401 - as `send`
        """Send a request that does no harm when it is repeated: a lost answer is Unavailable, too."""
        try:
            return await self.send(*request, **content)
        except Ambiguous as reason:
            raise Unavailable(str(reason)) from reason

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """Send a request as it is: a client of httpx would look for redirects and cookies, which none has."""
        answer = await self._transport.handle_async_request(request)
        answer.request = request
        return answer
