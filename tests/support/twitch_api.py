"""Twitch's API and its sign-in as they speak over HTTP; they can be made to fail as neighbours do."""

import html
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field

from support.twitch_world import BROADCASTER_ID, CLIENT_ID, CLIENT_SECRET, World

PAGE = 4
"""Subscriptions on one page: few, so that there are several."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

_CONSENT = """<!doctype html><title>Twitch</title><h1>{login} - showtime wants to see {scopes}</h1>
<a id="authorize" href="{yes}">Authorize</a> <a id="cancel" href="{no}">Cancel</a>"""


@define
class Failure:
    """How requests to a path fail, and how often: a status, `hang`, `slow`, `cut` or `rubbish`."""

    path: str
    how: str
    times: int = 1
    method: str = ""
    """Empty: any."""


@define
class TwitchApi:
    """A running Twitch."""

    world: World
    port: int = 0
    client_secret: str = CLIENT_SECRET
    failures: list[Failure] = field(factory=list)
    requests: list[tuple[str, str]] = field(factory=list)
    """Method and path with its query, of each."""
    seconds: int = 5_000_000
    """How long an app token is good for."""
    app_tokens: list[str] = field(factory=list)
    """All that were given out; each is good until it is revoked."""
    revoked: set[str] = field(factory=set)
    remaining: int = 800
    """What is left of the rate limit."""
    resets_in: float = 1.0
    visitor: str = "goldenvcr"
    """Who is signed in with the browser, or types in the code."""
    withholds: set[str] = field(factory=set)
    """Scopes that the visitor does not consent to."""
    validates: dict[str, Any] = field(factory=dict)
    """What the validation of a token says in place of the truth."""
    ahead_seconds: float = 0.0
    """How far its clock is ahead of ours."""
    typed_in: bool = False
    """Whether the visitor has typed in the device code."""
    has_devices: bool = True
    codes: dict[str, tuple[str, set[str], str]] = field(factory=dict)
    """Code → who, what for, and where to."""
    tokens: dict[str, tuple[str, set[str]]] = field(factory=dict)
    """User token → who, and what for."""
    stopping: threading.Event = field(factory=threading.Event)

    @property
    def settings(self) -> dict[str, str]:
        """What showtime is told of it."""
        return {
            "TWITCH_API_URL": f"http://127.0.0.1:{self.port}/helix",
            "TWITCH_AUTH_URL": f"http://127.0.0.1:{self.port}/oauth2",
            "TWITCH_CHANNEL_NAME": "GoldenVCR",
            "TWITCH_CLIENT_ID": CLIENT_ID,
            "TWITCH_CLIENT_SECRET": self.client_secret,
        }

    def fail(self, path: str, how: str, times: int = 1, method: str = "") -> None:
        self.failures.append(Failure(path, how, times, method))

    def counted(self) -> Counter[str]:
        """Count the requests by method and path."""
        return Counter(f"{method} {target.partition('?')[0]}" for method, target in self.requests)

    def go_live(self, stream_id: str, started_at: str) -> None:
        self.world.live[BROADCASTER_ID] = {"id": stream_id, "started_at": started_at}

    # --- answers -----------------------------------------------------------------------------------

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("client_id") != CLIENT_ID:
            return 400, {"status": 400, "message": "invalid client"}
        grant = form.get("grant_type")
        if grant == DEVICE_GRANT:
            return self._device_token(form)
        if form.get("client_secret") != self.client_secret:
            return 403, {"status": 403, "message": "invalid client secret"}
        if grant == "client_credentials":
            self.app_tokens.append(secrets.token_hex(15))
            return 200, {
                "access_token": self.app_tokens[-1],
                "expires_in": self.seconds,
                "token_type": "bearer",
            }
        who, scopes, redirect = self.codes.pop(form.get("code", ""), ("", set(), ""))
        if not who or form.get("redirect_uri") != redirect:
            return 400, {"status": 400, "message": "Invalid authorization code"}
        return 200, self._user_token(who, scopes)

    def _device_token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("device_code") not in self.codes:
            return 400, {"status": 400, "message": "invalid device code"}
        if not self.typed_in:
            return 400, {"status": 400, "message": "authorization_pending"}
        _, scopes, _ = self.codes.pop(form["device_code"])
        return 200, self._user_token(self.visitor, scopes)

    def _user_token(self, who: str, asked: set[str]) -> dict[str, Any]:
        token, scopes = secrets.token_hex(15), asked - self.withholds
        self.tokens[token] = (who, scopes)
        self.world.consents.setdefault(self.world.users[who], set()).update(scopes)
        return {
            "access_token": token,
            "expires_in": 14000,
            "refresh_token": secrets.token_hex(25),
            "scope": sorted(scopes),
            "token_type": "bearer",
        }

    def device(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self.has_devices:
            return 400, {"status": 400, "message": "device flow is not enabled"}
        code = secrets.token_hex(20)
        self.codes[code] = ("", set(form["scopes"].split()), "")
        return 200, {
            "device_code": code,
            "user_code": "ABCDEFGH",
            "verification_uri": "https://www.twitch.tv/activate?device-code=ABCDEFGH",
            "expires_in": 1800,
            "interval": 1,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Make the page on which the visitor is asked."""
        code, scopes = secrets.token_hex(15), set(query["scope"].split())
        self.codes[code] = (self.visitor, scopes, query["redirect_uri"])
        back = {"state": query["state"]}
        yes = urlencode({"code": code, "scope": query["scope"]} | back)
        no = urlencode({"error": "access_denied", "error_description": "The user denied you access"} | back)
        return _CONSENT.format(
            login=self.visitor,
            scopes=", ".join(sorted(scopes)),
            yes=html.escape(f"{query['redirect_uri']}?{yes}"),
            no=html.escape(f"{query['redirect_uri']}?{no}"),
        )

    def validate(self, token: str) -> tuple[int, dict[str, Any]]:
        if token not in self.tokens:
            return 401, {"status": 401, "message": "invalid access token"}
        who, scopes = self.tokens[token]
        said = {"client_id": CLIENT_ID, "login": who, "user_id": self.world.users[who], "expires_in": 13999}
        return 200, said | {"scopes": sorted(scopes) or None} | self.validates

    def is_good(self, token: str) -> bool:
        return token in self.app_tokens and token not in self.revoked

    def users(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        by_id = {user_id: login for login, user_id in self.world.users.items()}
        login = query.get("login") or by_id.get(query.get("id", ""), "")
        user_id = self.world.users.get(login)
        found = [{"id": user_id, "login": login, "display_name": login.title()}] if user_id else []
        return 200, {"data": found}

    def automod(self, query: dict[str, str], document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Let everything pass but what is called a demon."""
        assert query == {"broadcaster_id": BROADCASTER_ID}
        said = [
            {"msg_id": each["msg_id"], "is_permitted": "demon" not in each["msg_text"]}
            for each in document["data"]
        ]
        return 200, {"data": said}

    def streams(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        live = self.world.live.get(query["user_id"])
        found = [{"user_id": query["user_id"], "type": "live", "title": "Tapes!", **live}] if live else []
        return 200, {"data": found, "pagination": {}}

    def listed(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        subs = sorted(self.world.subs.values(), key=lambda sub: sub.created_at)
        if wanted := query.get("subscription_id"):
            subs = [sub for sub in subs if sub.id == wanted]
        start = int(query.get("after", "0"))
        rest = start + PAGE < len(subs)
        return 200, {
            "data": [sub.document() for sub in subs[start : start + PAGE]],
            "total": len(subs),
            "pagination": {"cursor": str(start + PAGE)} if rest else {},
        }


@contextmanager
def twitch_api(world: World | None = None) -> Iterator[TwitchApi]:
    """Run Twitch for a while, on a free port."""
    api = TwitchApi(world or World())

    class Handler(_Handler):
        twitch = api

    server = _Server(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield api
    finally:
        api.stopping.set()
        server.shutdown()
        server.server_close()
        api.world.client.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were cut: that is what they are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    twitch: TwitchApi

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time by Twitch's clock."""
        return super().date_time_string((timestamp or time.time()) + self.twitch.ahead_seconds)

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.twitch.requests.append((method, self.path))
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if self._fails(method, url.path):
            return
        if url.path.startswith("/oauth2/"):
            self._sign_in(url.path, query, dict(parse_qsl(body.decode())))
        else:
            self._api(method, url.path, query, body)

    def _fails(self, method: str, path: str) -> bool:
        """Fail, if that was asked for; a slow one is answered all the same."""
        for failure in self.twitch.failures:
            if failure.times and path.startswith(failure.path) and failure.method in ("", method):
                failure.times -= 1
                break
        else:
            return False
        match failure.how:
            case "slow":
                self.twitch.stopping.wait(1.5)
                return False
            case "hang":
                self.twitch.stopping.wait(60)
                self.close_connection = True
            case "cut":
                self.close_connection = True
            case "rubbish":
                self._answer(200, "<html>we are down", "text/html")
            case "limit":
                self.twitch.remaining = 0
                self._json(429, {"error": "Too Many Requests", "status": 429, "message": "slow down"})
                self.twitch.remaining = 800
            case status:
                self._json(int(status), {"status": int(status), "message": "Twitch is unwell"})
        return True

    def _sign_in(self, path: str, query: dict[str, str], form: dict[str, str]) -> None:
        match path:
            case "/oauth2/token":
                self._json(*self.twitch.token(form))
            case "/oauth2/device":
                self._json(*self.twitch.device(form))
            case "/oauth2/validate":
                self._json(*self.twitch.validate(self.headers["authorization"].removeprefix("OAuth ")))
            case "/oauth2/authorize":
                self._answer(200, self.twitch.authorize(query), "text/html; charset=utf-8")
            case _:
                self._json(404, {"status": 404, "message": "not found"})

    def _api(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        token = (self.headers["authorization"] or "").removeprefix("Bearer ")
        if not self.twitch.is_good(token) or self.headers["client-id"] != CLIENT_ID:
            self._json(401, {"error": "Unauthorized", "status": 401, "message": "Invalid OAuth token"})
            return
        match method, path:
            case "GET", "/helix/users":
                self._json(*self.twitch.users(query))
            case "GET", "/helix/streams":
                self._json(*self.twitch.streams(query))
            case "POST", "/helix/moderation/enforcements/status":
                self._json(*self.twitch.automod(query, json.loads(body)))
            case "GET", "/helix/eventsub/subscriptions":
                self._json(*self.twitch.listed(query))
            case "POST", "/helix/eventsub/subscriptions":
                self._json(*self.twitch.world.create(json.loads(body)))
            case "DELETE", "/helix/eventsub/subscriptions":
                self._json(*self.twitch.world.delete(query["id"]))
            case _:
                self._json(404, {"error": "Not Found", "status": 404, "message": ""})

    def _json(self, status: int, document: dict[str, Any] | None) -> None:
        self._answer(status, "" if document is None else json.dumps(document), "application/json")

    def _answer(self, status: int, body: str, content_type: str) -> None:
        data = body.encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(data)))
            self.send_header("ratelimit-limit", "800")
            self.send_header("ratelimit-remaining", str(self.twitch.remaining))
            self.send_header("ratelimit-reset", str(int(time.time() + self.twitch.resets_in)))
            self.end_headers()
            self.wfile.write(data)
