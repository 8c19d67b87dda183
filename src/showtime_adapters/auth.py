"""The auth service: who bears an access token.

Viewers come with tokens of Twitch, which are opaque: auth is asked, and asks Twitch. Services come with JWTs
that auth has signed: these are verified here, with the keys that auth publishes. What verifies them is loaded
when the first one comes, since it takes 15 MiB and a tenth of a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from attrs import define, field

from showtime_adapters.http_client import NeighbourClient
from showtime_core.domain.viewers import Identity, Role, Viewer
from showtime_core.errors import NotAuthenticated, Unavailable
from showtime_core.texts import clean

if TYPE_CHECKING:
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ISSUER = "https://goldenvcr.com/api/auth"
"""Whom auth's JWTs name as their issuer, wherever it runs."""
ANSWER_SECONDS = 5.0
"""How long one request to auth may take as a whole: somebody waits for it."""
KEEP_KEYS_SECONDS = 600.0
"""How long the keys are good for, before they are fetched again."""
PAUSE_SECONDS = 10.0
"""The least time from one fetching of the keys to the next: strangers choose which key is looked for."""
PAUSE_AFTER_FAILURE_SECONDS = 1.0
"""The same after a fetching that failed."""

_MAX_NAME = 200
"""Far beyond those of Twitch; what is longer could be too long for an index of the database."""
_ALGORITHMS = ("RS256", "RS384", "RS512")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750: anything else could not even be sent to auth

_log = logging.getLogger(__name__)

_UNAVAILABLE = "access tokens cannot be checked now: the auth service is away"

PublicKeys = Mapping[str, "RSAPublicKey"]
"""Key id → key."""


class AuthService:
    """Tells who bears a token; asks auth when it has to, not before."""

    def __init__(self, client: NeighbourClient, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask auth by this client."""
        self._client = client
        self._keys = _KeyCache(self._fetch_keys, clock)
        self._is_away = False

    async def identify(self, token: str) -> Identity:
        """Tell whose token this is; raises NotAccepted, or Unavailable if auth is needed and away."""
        if not _TOKEN.fullmatch(token):
            raise _not_authenticated()
        header = _header_of_ours(token)
        return await (self._ask(token) if header is None else self._verify(token, header))

    async def look_up_keys(self) -> int:
        """Fetch the keys of auth, and tell how many there are; raises Unavailable."""
        return len(await self._fetch_keys())

    async def _ask(self, token: str) -> Identity:
        """Have auth ask Twitch."""
        match await self._get("/access", token):
            case {"user": dict(user), "role": "viewer" | "broadcaster" as role}:
                if viewer := _viewer(user, "id", "login", "displayName"):
                    self._note_recovery()
                    return Identity(viewer, Role(role))
        raise self._unavailable("it does not say whose token it is")

    async def _verify(self, token: str, header: Mapping[str, Any]) -> Identity:
        """Verify a JWT of auth; what it permits is what a viewer may."""
        import jwt  # noqa: PLC0415 - see above

        if header.get("alg") not in _ALGORITHMS or not isinstance(kid := header.get("kid"), str):
            raise _not_authenticated()
        key = await self._keys.find(kid)
        if key is None:
            raise _not_authenticated()
        try:
            # By its clock auth may be ahead of us: when a token was issued is no reason to refuse it.
            options: jwt.types.Options = {"require": ["exp"], "verify_iat": False}
            claims = jwt.decode(token, key, _ALGORITHMS, options, issuer=ISSUER)
        except jwt.PyJWTError as reason:
            raise _not_authenticated() from reason
        viewer = _viewer(claims, "twitch_user_id", "twitch_user_login", "twitch_display_name")
        if viewer is None or not claims["twitch_display_name"]:
            raise _not_authenticated()
        return Identity(viewer, Role.VIEWER)

    async def _fetch_keys(self) -> PublicKeys:
        import jwt  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - see above

        try:
            keys = jwt.PyJWKSet.from_dict(await self._get("/.well-known/jwks.json"))
            found = {key.key_id: key.key for key in keys if key.key_id and isinstance(key.key, RSAPublicKey)}
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError) as reason:  # a set of something else
            raise self._unavailable("its keys cannot be read") from reason
        if not found:
            raise self._unavailable("it has no keys for us")
        self._note_recovery()
        return found

    async def _get(self, path: str, token: str | None = None) -> Any:  # noqa: ANN401 - whatever is in the JSON
        """Ask auth; raises NotAccepted if it refuses the token, Unavailable if it gives no answer in JSON."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await self._client.ask("GET", path, headers)
        except Unavailable as reason:
            raise self._unavailable(str(reason)) from reason
        if token and answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._note_recovery()
            raise _not_authenticated()
        if not answer.is_success:
            raise self._unavailable(f"it answers {answer.status_code}")
        try:
            return json.loads(answer.content)  # whatever its content type
        except (ValueError, RecursionError) as reason:
            raise self._unavailable("its answer cannot be read") from reason

    def _unavailable(self, why: str) -> Unavailable:
        """Make the error of an auth that cannot tell; the first of a row is logged."""
        if not self._is_away:
            _log.warning("auth cannot tell whose tokens they are: %s", why)
        self._is_away = True
        return Unavailable(_UNAVAILABLE)

    def _note_recovery(self) -> None:
        if self._is_away:
            _log.info("auth tells again whose tokens they are")
        self._is_away = False


@define
class _KeyCache:
    """The public keys of auth: fetched when first needed, one request at a time, and not too often."""

    fetch: Callable[[], Awaitable[PublicKeys]]
    """Raises Unavailable."""
    clock: Callable[[], float]
    _known: PublicKeys = field(factory=dict)
    _good_until: float = float("-inf")
    _fetch_from: float = float("-inf")
    _is_away: bool = False
    """Whether the last fetching failed."""
    _lock: asyncio.Lock = field(factory=asyncio.Lock)

    async def find(self, key_id: str) -> RSAPublicKey | None:
        """Find a key, None if there is none; raises Unavailable if nobody can tell."""
        if key := self._look_up(key_id):
            return key
        async with self._lock:  # who has waited here has the keys that another has fetched
            if not self._look_up(key_id) and self.clock() >= self._fetch_from:
                await self._refresh()
        if not (key := self._look_up(key_id)) and self._is_away:
            raise Unavailable(_UNAVAILABLE)
        return key

    def _look_up(self, key_id: str) -> RSAPublicKey | None:
        return self._known.get(key_id) if self.clock() < self._good_until else None

    async def _refresh(self) -> None:
        try:
            self._known = await self.fetch()
        except Unavailable:
            self._is_away, self._fetch_from = True, self.clock() + PAUSE_AFTER_FAILURE_SECONDS
            raise
        now = self.clock()
        self._is_away, self._fetch_from = False, now + PAUSE_SECONDS
        self._good_until = now + KEEP_KEYS_SECONDS


def _viewer(said: Mapping[str, Any], *fields: str) -> Viewer | None:
    """Read a viewer as the database can keep one; None for somebody without an id, a login or an end."""
    named = [said.get(field) for field in fields]
    if not all(isinstance(name, str) and len(name) <= _MAX_NAME for name in named):
        return None
    viewer = Viewer(*(clean(str(name)) for name in named))
    return viewer if viewer.id and viewer.login else None


def _header_of_ours(token: str) -> Mapping[str, Any] | None:
    """Read the header of a JWT that says it is auth's; None for whatever else, which is a token of Twitch."""
    if token.count(".") < 2:  # noqa: PLR2004 - a JWT has three parts
        return None
    import jwt  # noqa: PLC0415 - see above

    try:
        parsed = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    header: Mapping[str, Any] = parsed["header"]
    return header if parsed["payload"].get("iss") == ISSUER else None


def _not_authenticated() -> NotAuthenticated:
    return NotAuthenticated("access token was not accepted")
