"""Sends requests over HTTP, as fast and as many at a time as wished, and counts the answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
from attrs import define, field, frozen

from showtime_app.simulate.messages import Expectation, Request
from showtime_app.simulate.report import RequestOutcome, ServerAnswer, Tally

Watcher = Callable[[RequestOutcome], None]
"""Is told every outcome as it comes."""

_MAX_CONNECTIONS = 1000


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
        return await self._exchange("POST", self.url, request.headers, request.body)

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
        answer = await self._exchange(method, url, (("Authorization", f"Bearer {token}"),), b"")
        self._count(f"{method} {httpx.URL(url).path}", expected, answer)

    def _count(self, label: str, expected: Expectation, answer: ServerAnswer) -> None:
        outcome = RequestOutcome(label, expected, answer)
        self.tally.add(outcome)
        self.watch(outcome)

    async def _exchange(
        self, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> ServerAnswer:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout):
                response = await self.client.request(method, url, headers=list(headers), content=body)
        except TimeoutError:
            failure = f"no answer within {self.timeout:g} s from {url}"
        except (httpx.HTTPError, httpx.InvalidURL) as reason:
            failure = f"no answer from {url}: {str(reason) or type(reason).__name__}"
        else:
            elapsed = time.perf_counter() - started
            return ServerAnswer(response.status_code, elapsed, dict(response.headers), response.content)
        return ServerAnswer(None, time.perf_counter() - started, failure=failure)


@asynccontextmanager
async def open_client(*, allow_remote: bool) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that behaves like Twitch: no redirects, no compression."""
    async with httpx.AsyncClient(
        timeout=None,  # noqa: S113 - the sender limits the whole exchange
        limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS),
        # A proxy from the environment would take loopback elsewhere.
        trust_env=allow_remote,
        headers={"User-Agent": "showtime simulate", "Accept": "*/*", "Accept-Encoding": "identity"},
    ) as client:
        yield client
