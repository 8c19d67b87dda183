"""Sends requests over HTTP, as fast and as many at a time as asked for, and counts the answers."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpcore
import httpx
from attrs import define, evolve, field, frozen

from showtime_app.simulate.messages import Expectation, Request
from showtime_app.simulate.report import RequestOutcome, ServerAnswer, Tally
from showtime_core.texts import name_error

Watcher = Callable[[RequestOutcome], None]
"""Is told every outcome as it comes."""

_MAX_CONNECTIONS = 1000
_LARGE_BYTES = 256 * 1024
_HEAD_START_SECONDS = 1.0
"""How long a server may take to refuse a large message by its headers, before the body is sent."""
_PARKED = re.compile(r"^showtime_parked_messages ([0-9.]+)$", re.MULTILINE)


@define
class Pace:
    """Gives out turns at a steady rate; one that is late is not made up for by a burst."""

    rate: float | None
    """Turns each second; None is as fast as it goes."""
    _next: float = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        if self.rate is None:
            return
        now = time.monotonic()
        due = max(now, self._next)
        self._next = due + 1 / self.rate
        await asyncio.sleep(due - now)


@define
class _LargeBody:
    """A body of which no more is sent once there is an answer: to go on would lose it.

    A server that refuses a body by its length may close the connection; what is sent then makes it reset.
    """

    body: bytes
    _stream: httpcore.AsyncNetworkStream | None = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note the connection that the request goes over."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._stream = info["return_value"]

    async def parts(self) -> AsyncIterator[bytes]:
        """Give the body, after a moment for an answer to its headers."""
        deadline = time.monotonic() + _HEAD_START_SECONDS
        while self._stream and time.monotonic() < deadline:
            if self._stream.get_extra_info("is_readable"):
                raise httpcore.WriteError  # which has the answer read
            await asyncio.sleep(0.01)
        yield self.body


@frozen
class Sender:
    """Sends to one address."""

    client: httpx.AsyncClient
    url: str
    timeout: float
    """Seconds that an answer may take, to its last byte."""
    tally: Tally = field(factory=Tally)
    watch: Watcher = field(default=lambda _: None)

    async def send(self, request: Request) -> ServerAnswer:
        """Send a message, without counting its answer."""
        return await self.exchange("POST", self.url, request.headers, request.body)

    async def deliver(
        self, requests: Iterator[Request], *, rate: float | None = None, at_once: int = 1
    ) -> None:
        """Send many, so many at once, until they are all sent or nobody proves to be there."""
        pace = Pace(rate)

        async def keep_sending() -> None:
            await pace.turn()
            # Taken when it is to be sent, so that its timestamp is the time.
            while not self.tally.is_hopeless and (request := next(requests, None)):
                self._count(request.label, request.expected, await self.send(request))
                await pace.turn()

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(keep_sending())

    async def call(self, method: str, url: str, token: str, expected: Expectation) -> None:
        """Call another route of the server, with a bearer token."""
        answer = await self.exchange(method, url, (("Authorization", f"Bearer {token}"),), b"")
        self._count(f"{method} {httpx.URL(url).path}", expected, answer)

    async def count_parked(self, base: str) -> int | None:
        """Ask how many messages the server has parked: no answer to one says so. None: it does not tell."""
        brief = evolve(self, timeout=min(self.timeout, 2.0))
        # A message begins with a connection of its own, which a large one must know.
        answer = await brief.exchange("GET", f"{base}/metrics", (("Connection", "close"),), b"")
        found = _PARKED.search(answer.body.decode(errors="replace"))
        return int(float(found[1])) if found else None

    def _count(self, label: str, expected: Expectation, answer: ServerAnswer) -> None:
        outcome = RequestOutcome(label, expected, answer)
        self.tally.add(outcome)
        self.watch(outcome)

    async def exchange(
        self, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> ServerAnswer:
        """Send a request, and give what came back, or why nothing did."""
        options: dict[str, Any] = {"headers": [*headers], "content": body}
        if len(body) > _LARGE_BYTES:
            large = _LargeBody(body)
            options["headers"].append(("Content-Length", str(len(body))))
            options |= {"content": large.parts(), "extensions": {"trace": large.trace}}
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout):
                response = await self.client.request(method, url, **options)
        except TimeoutError:
            failure = f"no answer within {self.timeout:g} s from {url}"
        except (httpx.HTTPError, httpx.InvalidURL) as reason:
            failure = f"no answer from {url}: {str(reason) or name_error(reason)}"
        else:
            elapsed = time.perf_counter() - started
            return ServerAnswer(response.status_code, elapsed, dict(response.headers), response.content)
        return ServerAnswer(None, time.perf_counter() - started, failure=failure)


@asynccontextmanager
async def open_client(url: str, *, allow_remote: bool) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client for an address that behaves like Twitch: no redirects, no compression."""
    async with httpx.AsyncClient(
        timeout=None,  # noqa: S113 - the sender limits the whole exchange
        limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS),
        # Nothing is to be verified without TLS, and to load all that it takes costs the most of a short run.
        verify=url.startswith("https:") or allow_remote,
        # A proxy from the environment would take loopback elsewhere.
        trust_env=allow_remote,
        headers={"User-Agent": "showtime simulate", "Accept": "*/*", "Accept-Encoding": "identity"},
    ) as client:
        yield client
