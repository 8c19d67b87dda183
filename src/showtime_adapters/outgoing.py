"""Requests to our neighbours: bounded in time and number, and clear about what may have happened.

What is raised never holds what was sent: tokens and secrets are in it.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx

from showtime_core.errors import Ambiguous, Unavailable

ANSWER_SECONDS = 10.0
"""How long one request may take as a whole: a time limit of httpx is one for each read.

Longer than it takes to get a connection, so that a request that runs out of it has been sent.
"""
_CONNECT_SECONDS = 3.0
_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=5)
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@cache
def _tls() -> ssl.SSLContext:
    """Make the rules of TLS once for all: to read all certificates takes a while."""
    return httpx.create_ssl_context()


class Client:
    """Speaks with one neighbour for as long as its context is open; connects when it has to, not before."""

    def __init__(
        self,
        name: str,
        url: str,
        request_id: Callable[[], str | None] = lambda: None,
        transport: httpx.AsyncBaseTransport | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Reach a neighbour at this base URL; `request_id` tells for which request of ours it is asked."""
        self.name = name
        self._seconds = seconds
        self._request_id = request_id
        timeout = httpx.Timeout(seconds, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        self._http = httpx.AsyncClient(
            base_url=url, timeout=timeout, limits=_LIMITS, transport=transport, verify=_tls()
        )

    async def __aenter__(self) -> Self:
        """Open the connections, each when it is needed."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.__aexit__(exc_type, exc_value, traceback)

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **content: Any,  # noqa: ANN401 - as httpx takes it
    ) -> httpx.Response:
        """Send a request, and give whatever is answered; `content` is as httpx takes it.

        Raises Unavailable if nothing was sent, Ambiguous if the answer was lost.
        """
        request_id = self._request_id()
        named = {"x-request-id": request_id} if request_id else {}
        try:
            async with asyncio.timeout(self._seconds):
                return await self._http.request(method, path, headers={**named, **(headers or {})}, **content)
        except _NOTHING_SENT as reason:
            raise Unavailable(f"{self.name} cannot be reached ({type(reason).__name__})") from reason
        except (httpx.HTTPError, TimeoutError) as reason:
            raise Ambiguous(f"the answer of {self.name} was lost ({type(reason).__name__})") from reason
