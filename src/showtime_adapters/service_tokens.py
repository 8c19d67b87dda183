"""Service tokens of the auth service: with them showtime acts for a viewer who is not there."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

from attrs import define, field

from showtime_adapters.encoding import encode
from showtime_adapters.http_client import NeighbourClient
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused, Unavailable
from showtime_core.texts import quote

RENEW_SECONDS = 60.0
"""How long before its end a token is renewed: the ledger fails at one that has expired on the way."""
KEEP_VIEWERS = 5000
"""Of how many viewers a token is kept: those who were active last. A token takes about a kilobyte."""

_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@define
class _CachedToken:
    """The token of one viewer, and whose turn it is to fetch it."""

    token: str = field(default="", repr=False)
    good_until: float = float("-inf")
    lock: asyncio.Lock = field(factory=asyncio.Lock)


@define(slots=False, eq=False)
class ServiceTokens:
    """Gives tokens for viewers; each is fetched once and kept."""

    _client: NeighbourClient
    _secret: str = field(repr=False)
    """What auth shares with us."""
    _clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Viewer, _CachedToken] = field(factory=OrderedDict, init=False, repr=False)

    async def token(self, viewer: Viewer) -> str:
        """Give a token that speaks for a viewer, good for a minute at least.

        Raises Unavailable, or Refused for a viewer that auth will not have.
        """
        cached = self._kept.get(viewer) or self._kept.setdefault(viewer, _CachedToken())
        self._kept.move_to_end(viewer)
        if len(self._kept) > KEEP_VIEWERS:
            self._kept.popitem(last=False)
        if self._clock() < cached.good_until:
            return cached.token
        async with cached.lock:  # who has waited here has the token that another has fetched
            if self._clock() >= cached.good_until:
                asked_at = self._clock()
                cached.token = await self._fetch(viewer)
                cached.good_until = asked_at + _lifetime(cached.token) - RENEW_SECONDS
            return cached.token

    async def issue(self, viewer: Viewer) -> timedelta:
        """Have a token issued anew, and tell how long it is good for; raises what `token` does."""
        return timedelta(seconds=_lifetime(await self._fetch(viewer)))

    def forget(self, viewer: Viewer, token: str) -> None:
        """Keep a token no longer: somebody did not accept it."""
        cached = self._kept.get(viewer)
        if cached and cached.token == token:
            cached.good_until = float("-inf")

    async def _fetch(self, viewer: Viewer) -> str:
        user = {"id": viewer.id, "login": viewer.login, "displayName": viewer.name}
        body = encode({"service": "showtime", "user": user}).encode()
        request_id, timestamp = str(uuid4()), datetime.now(UTC).isoformat()
        headers = {
            "content-type": "application/json",
            "x-hmac-request-id": request_id,
            "x-hmac-request-timestamp": timestamp,
            "x-hmac-signature": sign(self._secret, request_id, timestamp, body),
        }
        answer = await self._client.ask("POST", "/service-token", headers, content=body)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise Refused(f"the auth service gives no token for the viewer {viewer.id}: {quote(answer.text)}")
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise Unavailable("the auth service does not accept our signature: check AUTH_SHARED_SECRET")
        if not answer.is_success or not _TOKEN.fullmatch(answer.text.strip()):
            raise Unavailable(f"the auth service gives no token (it answers {answer.status_code})")
        return answer.text.strip()


def sign(secret: str, request_id: str, timestamp: str, body: bytes) -> str:
    """Sign a request to auth."""
    signed = request_id.encode() + timestamp.encode() + body
    return "sha256=" + hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def _lifetime(token: str) -> float:
    """Tell how many seconds a token lasts, by the clock of who has issued it: ours may be another."""
    _, payload, _ = token.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(payload + "=="))
        return float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError, RecursionError) as reason:
        raise Unavailable("the auth service gives a token that cannot be read") from reason
