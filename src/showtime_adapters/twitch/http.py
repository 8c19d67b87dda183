"""Asking Twitch over HTTP: time limits, attempts, rate limits, and errors in our words."""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from attrs import field, frozen, mutable

from showtime_adapters.http_client import SILENT, InstrumentedClient, Telemetry
from showtime_core.domain.points_and_ghosts.retries import back_off
from showtime_core.errors import Refused, Unavailable
from showtime_core.texts import name_error, quote

_log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""How long one request may take as a whole: a time limit of httpx is one for each read."""
ATTEMPTS = 3
_PAUSE = {"first": timedelta(seconds=0.5), "longest": timedelta(seconds=1)}
_LONGEST_WAIT_SECONDS = 60.0
"""For the rate limit: Twitch fills it up within a minute."""
_TIMEOUT = httpx.Timeout(ANSWER_SECONDS, connect=4.0)


@frozen
class Credentials:
    """What Twitch knows our application by."""

    client_id: str
    client_secret: str = field(repr=False)


@frozen
class TwitchAnswer:
    """An answer of Twitch."""

    status: int
    body: Any
    """What its JSON says; None if it is none."""
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """What Twitch says went wrong."""
        said = self.body.get("message") if isinstance(self.body, dict) else None
        if not isinstance(said, str) or not said:
            return f"it answers {self.status}"
        return f"{quote(said)} ({self.status})"


def make_client(ca_file: Path | None = None, telemetry: Telemetry = SILENT) -> httpx.AsyncClient:
    """Make a client that trusts the machine's authorities, or those of a file; use it as a context."""
    trusted = ssl.create_default_context(cafile=ca_file) if ca_file else None
    return InstrumentedClient(telemetry.observe, trusted, timeout=_TIMEOUT)


@mutable
class RequestSender:
    """Sends requests to Twitch, up to three times each: all that we ask may be asked twice."""

    client: httpx.AsyncClient
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.time
    _free_at: float = 0.0
    """When the rate limit lets us ask again, by the clock of `now`."""

    async def send(self, request: Callable[[], Awaitable[httpx.Request]]) -> TwitchAnswer:
        """Send a request, made afresh for each attempt; raises Unavailable if there is no answer to it."""
        failure, asked = "it gives no answer", "Twitch"
        for attempt in range(1, ATTEMPTS + 1):
            await self._await_rate_limit()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    sent = await request()
                    asked = f"{sent.url.scheme}://{sent.url.netloc.decode()}"
                    answer = _read(await self.client.send(sent))
            except (httpx.HTTPError, TimeoutError) as reason:
                failure = f"{name_error(reason)}, at {asked}"
            else:
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and not self._is_limited(answer):
                    return answer
                failure = answer.reason
            if attempt < ATTEMPTS:
                await self.pause(back_off(attempt, 1.0, **_PAUSE).total_seconds())
        raise Unavailable(f"Twitch cannot be reached: {failure}")

    async def ask(self, method: str, url: str, **content: Any) -> TwitchAnswer:  # noqa: ANN401 - as httpx has it
        """Send a request that is always the same; raises Unavailable as `send` does."""

        async def request() -> httpx.Request:
            return self.client.build_request(method, url, **content)

        return await self.send(request)

    async def _await_rate_limit(self) -> None:
        wait = min(self._free_at - self.now(), _LONGEST_WAIT_SECONDS)
        if wait > 0:
            _log.warning("waiting %.0f s for Twitch's rate limit", wait)
            await self.pause(wait)

    def _is_limited(self, answer: TwitchAnswer) -> bool:
        """Tell whether it was refused for the number of our requests; notes when there may be more."""
        left, reset = (_number(answer.headers.get(f"ratelimit-{name}")) for name in ("remaining", "reset"))
        if left is not None and left <= 0 and reset is not None:
            self._free_at = reset
            return answer.status == HTTPStatus.TOO_MANY_REQUESTS
        return False


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _read(response: httpx.Response) -> TwitchAnswer:
    try:
        body = json.loads(response.content) if response.content else None
    except (ValueError, RecursionError):
        body = None
    return TwitchAnswer(response.status_code, body, response.headers)


def unexpected(answer: TwitchAnswer, what: str, asked: str = "") -> Unavailable | Refused:
    """Make the error of an answer that is none to what was `asked`: a refusal, or it makes no sense."""
    if asked and answer.status != HTTPStatus.OK:
        return refused(answer, asked)
    return Unavailable(f"Twitch cannot be understood: {what}, {answer.reason}")


def refused(answer: TwitchAnswer, asked: str) -> Refused:
    """Make the error of what Twitch will not do."""
    return Refused(f"Twitch refuses {asked}: {answer.reason}")
