"""auth as it speaks over HTTP, without our code; it can be made to fail as neighbours do."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from support.server import free_port

BROADCASTER = "b4xj7bsgoldenvcrtoken0broadcaster"
VIEWER = "v13w3rtapeheadtina0token0000000"
REJECTED = "r3j3ct3dby0twitch00000000000000"
TROUBLED = "7w17ch1stroubled000000000000000"
"""A token at which Twitch fails."""

_USERS: dict[str, dict[str, Any]] = {
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
class Auth:
    """A running auth service, and how it does."""

    port: int
    keys: list[Key]
    failure: str | None = None
    """How it fails: `500`, `302`, `hang`, `drip` (a byte now and then), `cut`, or a body of rubbish."""
    requests: Counter[str] = field(factory=Counter)
    """Path → how often it was asked for."""
    request_ids: list[str | None] = field(factory=list)
    connections: set[socket.socket] = field(factory=set)
    most_connections: int = 0
    _server: ThreadingHTTPServer | None = None
    _stopping: threading.Event = field(factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> Key:
        """The key that it signs with."""
        return self.keys[-1]

    def rotate(self) -> None:
        self.keys = [Key(f"tape-{time.monotonic_ns()}")]

    def start(self) -> Self:
        auth = self

        class Handler(_Handler):
            service = auth

        self._stopping.clear()
        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Go away: what is open is cut, and who comes is refused."""
        self._stopping.set()
        if self._server:
            self._server.shutdown()
            for connection in list(self.connections):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._server.server_close()
            self._server = None

    def await_end(self, seconds: float) -> None:
        """Wait, as one that hangs does."""
        self._stopping.wait(seconds)


@contextmanager
def auth_service(port: int = 0, key: Key | None = None) -> Iterator[Auth]:
    """Run an auth service for a while, on this port (0: a free one), with this key (none: one of its own)."""
    auth = Auth(port or free_port(), [key or Key("tape-1986")])
    auth.start()
    try:
        yield auth
    finally:
        auth.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were cut: that is what they are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Auth

    def setup(self) -> None:
        super().setup()
        self.service.connections.add(self.connection)
        self.service.most_connections = max(self.service.most_connections, len(self.service.connections))

    def finish(self) -> None:
        self.service.connections.discard(self.connection)
        super().finish()

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.service.requests[self.path] += 1
        self.service.request_ids.append(self.headers["x-request-id"])
        match self.service.failure:
            case None:
                self._answer(*self._as_it_should())
            case "500":
                self._answer(500, "failed to ask Twitch\n")
            case "302":
                self._answer(302, "")
            case "hang":
                self.service.await_end(60)
                self.close_connection = True
            case "drip":
                self._drip()
            case "cut":
                self.close_connection = True
            case rubbish:
                self._answer(200, rubbish)

    def _as_it_should(self) -> tuple[int, str, str]:
        plain = "text/plain; charset=utf-8"
        if self.path == "/.well-known/jwks.json":
            return 200, json.dumps({"keys": [key.jwk for key in self.service.keys]}), "application/json"
        if self.path != "/access":
            return 404, "404 page not found\n", plain
        token = (self.headers["authorization"] or "").removeprefix("Bearer ")
        if not token or token == "Bearer":
            return 400, "Twitch user access token must be supplied in Authorization header\n", plain
        if token == TROUBLED:
            return 500, "failed to validate token: 502 Bad Gateway\n", plain
        if token not in _USERS:
            return 401, "access denied\n", plain
        return 200, json.dumps(_USERS[token]), plain

    def _answer(self, status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-request-id", self.headers["x-request-id"] or "one-of-ours")
        if status == 302:
            self.send_header("location", "/access?elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for _ in range(60):
                self.wfile.write(b" ")
                self.service.await_end(0.5)
