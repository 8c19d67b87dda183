"""auth as it speaks over HTTP, without our code; it can be made to fail as neighbours do."""

import base64
import functools
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from support.neighbour import Neighbour, Reply, Request
from support.server import free_port

BROADCASTER = "b4xj7bsgoldenvcrtoken0broadcaster"
VIEWER = "v13w3rtapeheadtina0token0000000"
REJECTED = "r3j3ct3dby0twitch00000000000000"
TROUBLED = "7w17ch1stroubled000000000000000"
"""A token at which Twitch fails."""
SHARED_SECRET = "be-kind-rewind-among-friends"
"""Signs what services ask for."""

USERS: dict[str, dict[str, Any]] = {
    BROADCASTER: {
        "user": {"id": "953753877", "login": "goldenvcr", "displayName": "GoldenVCR"},
        "role": "broadcaster",
    },
    VIEWER: {"user": {"id": "31337", "login": "tapehead", "displayName": "TapeHead"}, "role": "viewer"},
}


@define
class Key:
    """A key that signs tokens."""

    id: str
    private: RSAPrivateKey = field(factory=lambda: generate_private_key(65537, 2048), repr=False)

    @property
    def jwk(self) -> dict[str, Any]:
        own = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**own, "kid": self.id, "use": "sig", "alg": "RS256"}

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@functools.cache
def _usual_key() -> Key:
    """Give the key of every auth that has not changed it: to make one takes a fifth of a second of CPU."""
    return Key("tape-1986")


def claims(**changes: object) -> dict[str, Any]:
    """Make the claims of a service token; a claim that is changed to None is left out."""
    now = int(time.time())
    usual = {
        "iss": "https://goldenvcr.com/api/auth",
        "iat": now,
        "exp": now + 900,
        "gvcr_service": "dispatch",
        "twitch_user_id": "31337",
        "twitch_user_login": "tapehead",
        "twitch_display_name": "TapeHead",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(key: Key, alg: str = "RS256", kid: str | None = None, **changes: object) -> str:
    return jwt.encode(claims(**changes), key.private, alg, headers={"kid": kid or key.id})


def unsigned(key: Key) -> str:
    """Make a token that says it needs no signature."""
    return jwt.encode(claims(), None, "none", headers={"kid": key.id})


def signed_with_what_all_know(key: Key) -> str:
    """Make a token that is signed by HMAC, with the public key as the secret."""
    parts = ({"alg": "HS256", "typ": "JWT", "kid": key.id}, claims())
    head = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    return (head + b"." + _base64(hmac.digest(key.pem, head, hashlib.sha256))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@define
class Auth(Neighbour):
    """A running auth service: it knows the tokens of Twitch below, and issues tokens to services."""

    keys: list[Key] = field(factory=lambda: [_usual_key()])
    secret: str = SHARED_SECRET
    lifetime_seconds: int = 900
    """How long a service token lasts."""

    @property
    def key(self) -> Key:
        """The key that it signs with."""
        return self.keys[-1]

    def rotate(self) -> None:
        self.keys = [Key(f"tape-{time.monotonic_ns()}")]

    def handle(self, request: Request) -> Reply:
        match request.method, request.path:
            case "GET", "/.well-known/jwks.json":
                keys = json.dumps({"keys": [key.jwk for key in self.keys]})
                return Reply(200, keys, "application/json")
            case "GET", "/access":
                return self._access(request.token)
            case "POST", "/service-token":
                return self._issue(request)
        return Reply(404, "404 page not found\n")

    def _access(self, token: str) -> Reply:
        if not token:
            return Reply(400, "Twitch user access token must be supplied in Authorization header\n")
        if token == TROUBLED:
            return Reply(500, "failed to validate token: 502 Bad Gateway\n")
        if token not in USERS:
            return Reply(401, "access denied\n")
        return Reply(200, json.dumps(USERS[token]))

    def _issue(self, request: Request) -> Reply:
        """Issue a token to a service that knows the secret, for a viewer."""
        if not self._is_signed(request):
            return Reply(401, "access denied\n")
        try:
            wanted = json.loads(request.body)
            user = wanted.get("user") or {}
        except (ValueError, AttributeError):
            return Reply(400, "bad JSON\n")
        needed = {"'service'": wanted.get("service")}
        needed |= {f"'user.{name}'": user.get(name) for name in ("id", "login", "displayName")}
        for name, value in needed.items():
            if not value:
                return Reply(400, f"invalid payload: {name} is required\n")
        now = int(time.time())
        token = signed(
            self.key,
            iat=now,
            exp=now + self.lifetime_seconds,
            gvcr_service=wanted["service"],
            twitch_user_id=user["id"],
            twitch_user_login=user["login"],
            twitch_display_name=user["displayName"],
        )
        return Reply(201, token, "application/jwt")

    def _is_signed(self, request: Request) -> bool:
        parts = [request.headers.get(f"x-hmac-request-{part}", "") for part in ("id", "timestamp")]
        said = "".join(parts).encode() + request.body
        right = "sha256=" + hmac.new(self.secret.encode(), said, hashlib.sha256).hexdigest()
        return all(parts) and hmac.compare_digest(right, request.headers.get("x-hmac-signature", ""))


@contextmanager
def auth_service(port: int = 0, key: Key | None = None) -> Iterator[Auth]:
    """Run an auth service for a while, on this port (0: a free one), with this key (none: the usual one)."""
    with Auth(port or free_port(), keys=[key or _usual_key()]) as auth:
        yield auth
