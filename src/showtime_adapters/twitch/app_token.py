"""The app access token: renewed before it expires and when Twitch rejects it, once and not in a storm."""

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from attrs import field, mutable

from showtime_adapters.twitch.http import Credentials, RequestSender, unexpected
from showtime_core.errors import Refused

_log = logging.getLogger(__name__)

_BEFORE_EXPIRY_SECONDS = 300.0
_ONCE_IN_SECONDS = 60.0
"""One that took the place of a rejected one is not renewed sooner: the next would fare no better."""


@mutable
class AppToken:
    """The token with which our application asks, shared by whoever asks at the same time."""

    auth_url: str
    credentials: Credentials
    sender: RequestSender
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _rejected_at: float = float("-inf")
    _good_until: float = float("-inf")
    _lock: asyncio.Lock = field(factory=asyncio.Lock)

    async def get(self) -> str:
        """Tell the token. Raises Refused if our credentials are not accepted, Unavailable."""
        async with self._lock:  # who has waited here has the token that another has fetched
            if self.clock() >= self._good_until:
                await self._renew()
            return self._token

    async def reject(self, token: str) -> bool:
        """Take note that Twitch does not accept this token; tells whether it is worth asking again."""
        async with self._lock:
            if token != self._token:
                return True
            if self.clock() - self._rejected_at < _ONCE_IN_SECONDS:
                return False
            self._rejected_at, self._good_until = self.clock(), float("-inf")
            return True

    async def _renew(self) -> None:
        form = {
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "grant_type": "client_credentials",
        }

        answer = await self.sender.ask("POST", f"{self.auth_url}/token", data=form)
        match answer.status, answer.body:
            case HTTPStatus.OK, {"access_token": str(token), "expires_in": int(seconds)}:
                self._token = token
                self._good_until = self.clock() + max(seconds - _BEFORE_EXPIRY_SECONDS, seconds / 2)
            case HTTPStatus.OK, _:
                raise unexpected(answer, "its token")
            case _:
                raise Refused(
                    "Twitch does not accept TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET: " + answer.reason
                )
