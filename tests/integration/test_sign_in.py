"""Hosts sign in with Twitch, on two instances; whatever goes wrong there, nobody gets in who is nobody."""

import html
import re
import socket
from contextlib import ExitStack

import httpx
import pytest
from attrs import define

import showtime_adapters.twitch.sign_in as adapter
from showtime_app.web.routes import show_stream
from showtime_core.domain.sessions import Permission
from showtime_core.use_cases.sign_in import DECLINED
from support import auth_service, shared
from support.answers import said
from support.auth_service import SHARED_SECRET, Auth
from support.in_process import running_here
from support.server import free_port, rows
from support.sse import listening
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import World
from support.visitor import Visitor, link_of

database = shared.database
SESSION_ENDED = (401, "the session is not known, or has ended: sign in again")
NO_TOKEN = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
NOT_THE_BROADCASTER = (403, "insufficient access: requires broadcaster; you are moderator")
NOT_LIVE = (400, "no broadcast is currently live")
BEARER = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
WAYS = ('href="../session/sign-in?to=/console">Sign in again<', 'href=".././">The house<')
ALWAYS = 1000
"""Times that Twitch fails: whoever looks after the channel meanwhile fails as well."""
USERS = {"goldenvcr": "953753877", "tapehead": "31337", "evil": "666"}
"""The broadcaster, a moderator, and a stranger."""


@define
class Stage:
    """Two instances of a channel, and Twitch."""

    conninfo: str
    twitch: TwitchApi
    url: str
    elsewhere: str
    opened: ExitStack

    def visitor(self, login: str = "goldenvcr") -> Visitor:
        """Open a browser in which somebody is signed in to Twitch."""
        self.twitch.visitor = login
        visitor = Visitor(self.url)
        self.opened.callback(visitor.client.close)
        return visitor

    def host(self) -> Visitor:
        visitor = self.visitor()
        assert visitor.sign_in().status_code == 303
        return visitor

    def moderator(self) -> Visitor:
        named = self.host().ask("PUT", "/admin/moderators/tapehead")
        assert named.status_code == 200, named.text
        visitor = self.visitor("tapehead")
        assert visitor.sign_in().status_code == 303
        return visitor

    def run(self, statement: str, *values: object) -> None:
        rows(self.conninfo, statement + " returning 1", *values)


@pytest.fixture(scope="module")
def stage(database):
    with ExitStack() as stack:
        auth = stack.enter_context(Auth())
        twitch = stack.enter_context(twitch_api(World(users=dict(USERS))))
        port = free_port()
        settings = twitch.settings | {
            "AUTH_URL": auth.url,
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "TWITCH_KEEP_SUBSCRIPTIONS": "false",
            "TWITCH_REDIRECT_URL": f"http://127.0.0.1:{port}/session/callback",
            "CHAT_SOURCE": "off",
        }
        first = stack.enter_context(running_here(database, settings, port=port))
        second = stack.enter_context(running_here(database, settings))
        yield Stage(database, twitch, first.url, second.url, stack)


@pytest.fixture(autouse=True)
def twitch_is_well(stage):
    """Let Twitch fail no longer than one test."""
    yield
    stage.twitch.failures.clear()
    stage.twitch.validates.clear()


# --- who gets in -------------------------------------------------------------------------------------


def test_the_broadcaster_signs_in_and_out(stage):
    """The broadcaster signs in with Twitch for no scope, may everything on each instance, and signs out."""
    visitor = stage.visitor()
    assert visitor.who() | {"message": ""} == {
        "role": None,
        "userId": None,
        "login": None,
        "displayName": None,
        "way": "twitch",
        "may": [],
        "message": "",
    }
    begun = visitor.client.get(f"{stage.url}/session/sign-in")
    asked = httpx.URL(begun.headers["location"]).params
    assert (asked["scope"], asked["response_type"]) == ("", "code")
    came = visitor.sign_in("/console?kinds=cheer")
    assert (came.status_code, came.headers["location"]) == (303, "/console?kinds=cheer")
    assert came.headers["cache-control"] == "no-store"
    who = visitor.who()
    assert (who["role"], who["userId"], who["login"]) == ("broadcaster", "953753877", "goldenvcr")
    assert (who["displayName"], who["may"]) == ("Goldenvcr", list(Permission))
    assert said(visitor.ask("DELETE", "/admin/tape")) == NOT_LIVE
    elsewhere = {"cookie": f"showtime_session={visitor.token}"}
    assert httpx.get(f"{stage.elsewhere}/admin/state", headers=elsewhere).status_code == 200
    kept = visitor.token
    assert visitor.ask("DELETE", "/session").status_code == 204
    assert visitor.token is None
    assert visitor.who()["role"] is None
    for url in (stage.url, stage.elsewhere):
        stolen = httpx.get(f"{url}/admin/state", headers={"cookie": f"showtime_session={kept}"})
        assert said(stolen) == SESSION_ENDED


def test_nothing_that_opens_a_session_is_kept(stage):
    """The database has the digests of token, state and browser alone; Twitch's token is nowhere."""
    visitor = stage.host()
    begun = visitor.client.get(f"{stage.url}/session/sign-in")
    state = httpx.URL(begun.headers["location"]).params["state"]
    kept = rows(
        stage.conninfo,
        "select row_to_json(s)::text from showtime.session s"
        " union all select row_to_json(c)::text from showtime.one_time_code c",
    )
    everything = str(kept)
    secrets = [visitor.token, state, visitor.client.cookies["showtime_sign_in"], *stage.twitch.tokens]
    assert len(everything) > 200
    assert [secret for secret in secrets if secret in everything or secret.encode().hex() in everything] == []


def test_the_cookie_is_seen_by_no_script_and_sent_by_no_other_site(stage):
    """Cookies are HttpOnly and SameSite=Lax, and beyond loopback Secure and for this host alone."""
    came = stage.visitor().sign_in()
    [session] = [line for line in came.headers.get_list("set-cookie") if line.startswith("showtime_session=")]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session.split("; "))
    assert "Secure" not in session
    assert "Domain" not in session


def test_bearer_tokens_are_as_before(stage):
    """A token needs no Origin, and counts where there is a session too; without either all is as before."""
    client = stage.visitor().client
    client.base_url = stage.url
    assert said(client.delete("/admin/tape", headers=BEARER)) == NOT_LIVE
    assert said(client.delete("/admin/tape")) == NO_TOKEN
    assert said(client.get("/show")) == NO_TOKEN
    viewer = {"authorization": f"Bearer {auth_service.VIEWER}"}
    token = stage.host().token
    both = viewer | {"cookie": f"showtime_session={token}"}
    assert said(client.get("/admin/state", headers=both)) == (
        403,
        "insufficient access: requires broadcaster; you are viewer",
    )


def test_a_session_is_no_viewer_s_token(stage):
    """What viewers do with a token of their own is not done by a session."""
    assert said(stage.host().ask("POST", "/image-gen", json={"subject": "a seal"})) == NO_TOKEN


# --- what goes wrong at Twitch -----------------------------------------------------------------------


def assert_out(visitor, answer, status, words):
    """See that nobody got in: a browser is shown a page that says why and what to do."""
    seen = html.unescape(answer.text)
    assert (answer.status_code, bool(re.search(words, seen, re.IGNORECASE))) == (status, True), seen
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "accept")
    assert [link for link in WAYS if link in seen] == [*WAYS]
    assert visitor.token is None
    assert visitor.who()["role"] is None


@pytest.mark.parametrize(
    ("path", "how", "words"),
    [
        ("/oauth2/token", "503", "Twitch cannot be reached"),
        ("/oauth2/token", "cut", "Twitch cannot be reached"),
        ("/oauth2/token", "rubbish", "Twitch cannot be understood"),
        ("/oauth2/validate", "503", "Twitch cannot be reached"),
        ("/oauth2/validate", "rubbish", "Twitch cannot be understood"),
    ],
)
def test_while_twitch_fails_nobody_gets_in(stage, path, how, words):
    """A Twitch that is away or says what makes no sense is answered 503, and nobody gets in."""
    visitor = stage.visitor()
    page = visitor.go_to_twitch()
    stage.twitch.fail(path, how, ALWAYS)
    assert_out(visitor, visitor.client.get(link_of(page)), 503, words)


def test_a_twitch_that_hangs_is_not_waited_for(stage, monkeypatch):
    """A Twitch that does not answer in time is answered 503."""
    monkeypatch.setattr(adapter, "ANSWER_SECONDS", 0.3)
    visitor = stage.visitor()
    page = visitor.go_to_twitch()
    stage.twitch.fail("/oauth2/token", "hang", ALWAYS)
    assert_out(visitor, visitor.client.get(link_of(page)), 503, "Twitch does not answer in time")


def test_a_name_that_twitch_does_not_tell_is_the_login(stage):
    """Whoever is known gets in, though Twitch does not tell the name that people see."""
    visitor = stage.visitor()
    page = visitor.go_to_twitch()
    stage.twitch.fail("/helix/users", "500", ALWAYS)
    assert visitor.client.get(link_of(page)).status_code == 303
    assert visitor.who()["displayName"] == "goldenvcr"


@pytest.mark.parametrize(
    ("validates", "status", "words"),
    [
        ({"client_id": "somebody-else-s"}, 403, "issued to another application"),
        ({"client_id": None}, 503, "cannot be understood"),
        ({"user_id": "666", "login": "evil"}, 403, "neither the broadcaster nor a moderator"),
        ({"user_id": 953753877}, 503, "cannot be understood"),
        ({"user_id": "953753877\0"}, 503, "cannot be understood"),
        ({"login": "golden vcr"}, 503, "cannot be understood"),
        ({"login": "x" * 1000}, 503, "cannot be understood"),
        ({"login": None}, 503, "cannot be understood"),
    ],
)
def test_what_twitch_validates_is_what_counts(stage, validates, status, words):
    """A token of another application or user, or of nobody that can be read, lets nobody in."""
    stage.twitch.validates |= validates
    visitor = stage.visitor()
    assert_out(visitor, visitor.sign_in(), status, words)


def test_who_declines_or_is_a_stranger_is_told_so(stage):
    """Whoever cancels at Twitch, or is neither broadcaster nor moderator, is answered 403."""
    visitor = stage.visitor()
    assert_out(visitor, visitor.sign_in(click="cancel"), 403, "declined at Twitch")
    visitor = stage.visitor("evil")
    assert_out(visitor, visitor.sign_in(), 403, "Evil is neither the broadcaster nor a moderator")


def test_a_code_that_twitch_does_not_accept_lets_nobody_in(stage):
    """A forged code is answered 400 with Twitch's word for it."""
    visitor = stage.visitor()
    address = httpx.URL(link_of(visitor.go_to_twitch())).copy_set_param("code", "forged")
    assert_out(visitor, visitor.client.get(address), 400, "Invalid authorization code")


@pytest.mark.parametrize(
    ("accept", "type_"),
    [("*/*", "text/plain; charset=utf-8"), ("application/json", "application/problem+json")],
)
def test_a_program_is_told_of_a_sign_in_that_fails_as_of_anything(stage, accept, type_):
    """Whatever asks for no page is answered by the message alone, as text or as a problem."""
    visitor = stage.visitor()
    link = link_of(visitor.go_to_twitch(), "cancel")
    answer = visitor.client.get(link, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (403, type_)
    assert (answer.json()["detail"] if "json" in accept else answer.text) == DECLINED


# --- the state ---------------------------------------------------------------------------------------


def test_an_answer_is_taken_from_the_browser_that_asked_and_once(stage):
    """A state of another browser, a used one, an old one and none at all are answered 400."""
    visitor, victim = stage.visitor(), stage.visitor()
    answer = link_of(visitor.go_to_twitch())
    assert_out(victim, victim.client.get(answer), 400, "belongs to no sign-in of this browser")
    victim.go_to_twitch()  # it is signing in itself
    assert_out(victim, victim.client.get(answer), 400, "belongs to no sign-in of this browser")
    assert_out(visitor, visitor.client.get(answer), 400, "was used")
    assert visitor.client.get(link_of(visitor.go_to_twitch())).status_code == 303
    again = httpx.URL(link_of(stage.visitor().go_to_twitch()))
    for query in ("", "state=", "code=abc", "state=%00%ff&code=%F0%9F", f"state={'x' * 5000}&code=abc"):
        stranger = stage.visitor()
        assert_out(stranger, stranger.client.get(again.copy_with(query=query.encode())), 400, "this answer")


def test_a_sign_in_that_takes_too_long_begins_anew(stage):
    """After ten minutes the answer of Twitch is refused."""
    visitor = stage.visitor()
    answer = link_of(visitor.go_to_twitch())
    stage.run("update showtime.one_time_code set expires_at = expires_at - interval '10 minutes'")
    assert_out(visitor, visitor.client.get(answer), 400, "older than ten minutes")


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nx: y", "console"]
)
def test_a_sign_in_leads_to_no_other_site(stage, to):
    """Where a sign-in is to lead elsewhere, it does not begin."""
    visitor = stage.visitor()
    answer = visitor.client.get(f"{stage.url}/session/sign-in", params={"to": to})
    assert "location" not in answer.headers
    assert_out(visitor, answer, 400, "to must be a path of this service")


# --- sessions ----------------------------------------------------------------------------------------


def test_a_session_is_never_one_that_the_browser_brought(stage):
    """A token that somebody else has put into the browser opens nothing after the sign-in (fixation)."""
    visitor = stage.visitor()
    planted = "planted" * 6
    visitor.client.cookies.set("showtime_session", planted, domain="127.0.0.1")
    assert visitor.sign_in().status_code == 303
    assert planted not in (visitor.token, None)
    stolen = httpx.get(f"{stage.url}/admin/state", headers={"cookie": f"showtime_session={planted}"})
    assert said(stolen) == SESSION_ENDED
    before = visitor.token
    visitor.sign_in()
    assert before != visitor.token
    old = httpx.get(f"{stage.elsewhere}/admin/state", headers={"cookie": f"showtime_session={before}"})
    assert said(old) == SESSION_ENDED


def test_a_session_that_has_expired_is_over(stage):
    """A session ends on every instance when its time is over, though the browser still has it."""
    visitor = stage.host()
    stage.run("update showtime.session set expires_at = clock_timestamp()")
    assert said(visitor.ask("GET", "/admin/state")) == SESSION_ENDED
    assert visitor.who()["role"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost:5001"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"origin": "", "sec-fetch-site": ""},
        {"origin": "", "sec-fetch-site": "cross-site"},
        {"origin": "", "sec-fetch-site": "same-site"},
        {"origin": "", "sec-fetch-site": "none"},
    ],
)
def test_a_page_of_another_site_changes_nothing(stage, headers):
    """A change by a session is refused that does not come from a page of ours (CSRF); reading is not."""
    visitor = stage.host()
    for method, path in (
        ("POST", "/admin/tape/5"),
        ("DELETE", "/session"),
        ("POST", "/show/commands/pause"),
        ("PUT", "/admin/moderators/evil"),
    ):
        answer = visitor.ask(method, path, headers=headers)
        assert (answer.status_code, "must" in answer.text) == (403, True), (path, answer.text)
    assert visitor.ask("GET", "/admin/state", headers=headers).status_code == 200
    assert visitor.who()["role"] == "broadcaster"


def test_a_browser_that_sends_no_origin_says_so_otherwise(stage):
    """Where Origin is missing, Sec-Fetch-Site tells that it is a page of ours."""
    headers = {"origin": "", "sec-fetch-site": "same-origin"}
    assert said(stage.host().ask("DELETE", "/admin/tape", headers=headers)) == NOT_LIVE


@pytest.mark.parametrize(
    "cookie",
    [
        b"showtime_session=",
        b"showtime_session",
        b"showtime_session=" + b"a" * 60_000,
        b"showtime_session=\xff\xfe\x80binary",
        b"showtime_session=" + b"a" * 43 + b"; showtime_session=" + b"b" * 43,
        b'showtime_session="' + b"a" * 43 + b'"',
        b";;;=;==;a",
        b"showtime_sign_in=%00; showtime_session=%ff%00",
        b"showtime_session=\xc3\xa9" + b"a" * 43,
    ],
)
def test_no_cookie_is_a_fault_of_ours(stage, cookie):
    """Whatever a browser sends as a cookie, it is nobody, and never an error of the server."""
    for request, expected in (
        (b"GET /session", {200}),
        (b"GET /admin/state", {400, 401}),
        (b"GET /session/callback?state=a&code=b", {400}),
        (b"DELETE /session", {204, 403}),
        (b"GET /show", {400, 401}),
    ):
        with socket.create_connection(("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))) as line:
            line.sendall(
                request + b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncookie: " + cookie + b"\r\n\r\n"
            )
            status = int(line.makefile("rb").readline().split()[1])
        assert status in expected, (request, status)


# --- moderators --------------------------------------------------------------------------------------


def test_a_moderator_is_known_by_the_id(stage):
    """The broadcaster names moderators by login; they are listed, sign in, and are gone once withdrawn."""
    host, moderator = stage.host(), stage.moderator()
    who = moderator.who()
    assert (who["role"], who["userId"], who["displayName"]) == ("moderator", "31337", "Tapehead")
    assert who["may"] == ["show", "ghosts", "tapes", "tests", "handled"]
    [listed] = host.ask("GET", "/admin/moderators").json()["moderators"]
    assert (listed["id"], listed["login"], listed["displayName"]) == ("31337", "tapehead", "Tapehead")
    for login in ("nobody", "no body", "x" * 26, "%00", "é"):
        assert host.ask("PUT", f"/admin/moderators/{login}").status_code == 404, login
    assert said(host.ask("DELETE", "/admin/moderators/31337")) == (204, "")
    for name in ("31337", "tapehead", "%00", "9" * 30):
        assert said(host.ask("DELETE", f"/admin/moderators/{name}")) == (404, "no such moderator")
    assert said(moderator.ask("GET", "/admin/state")) == SESSION_ENDED
    elsewhere = {"cookie": f"showtime_session={moderator.token}"}
    assert said(httpx.get(f"{stage.elsewhere}/admin/state", headers=elsewhere)) == SESSION_ENDED
    again = stage.visitor("tapehead")
    assert_out(again, again.sign_in(), 403, "neither the broadcaster nor")


OF_MODERATORS = {
    ("GET", "/admin/state"),
    ("POST", "/admin/tape/{tape_id}"),
    ("DELETE", "/admin/tape"),
    ("GET", "/admin/parked"),
    ("GET", "/admin/ghosts"),
    ("POST", "/admin/ghosts/{ghost_id}/{decision}"),
    ("GET", "/admin/show/rules"),
    ("GET", "/admin/preflight"),
    ("POST", "/show/commands/{name}"),
    ("GET", "/show"),
}
OF_THE_BROADCASTER = {
    ("PUT", "/admin/broadcast/{broadcast_id}/vod"),
    ("POST", "/admin/parked/{decision}"),
    ("POST", "/admin/preflight"),
    ("GET", "/admin/show/secrets"),
    ("POST", "/admin/show/secrets"),
    ("DELETE", "/admin/show/secrets/{secret_id}"),
    ("PUT", "/admin/show/rules/{kind}"),
    ("GET", "/admin/moderators"),
    ("PUT", "/admin/moderators/{user}"),
    ("DELETE", "/admin/moderators/{user}"),
}


def test_a_moderator_runs_the_show_and_decides_nothing_for_good(stage):
    """Of all routes that a session opens, a moderator reaches those of the show, and no other."""
    moderator = stage.moderator()
    paths = httpx.get(f"{stage.url}/schema/openapi.json").json()["paths"]
    routes = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "head" and any("session" in each for each in operation.get("security", ()))
    }
    assert routes >= OF_MODERATORS | OF_THE_BROADCASTER
    for method, path in routes - {("GET", "/show")}:
        answer = moderator.ask(method, re.sub(r"\{.*?\}", "1", path))
        security = paths[path][method.lower()]["security"]
        may = (method, path) in OF_MODERATORS or {"session": ["moderator"]} in security
        assert (may, (method, path) in OF_THE_BROADCASTER) != (True, True), path
        assert (said(answer) != NOT_THE_BROADCASTER) == may, (method, path, answer.text)
        assert answer.status_code not in ((401, 403) if may else ()), (method, path, answer.text)
    assert moderator.client.head(f"{stage.url}/show").status_code == 200


async def test_the_stream_of_a_moderator_ends_when_the_moderator_is_withdrawn(stage, monkeypatch):
    """A page that follows the show is told no more once its session is over."""
    monkeypatch.setattr(show_stream, "_LOOK_SECONDS", 0.05)
    moderator = stage.moderator()
    cookie = f"showtime_session={moderator.token}"
    async with listening(f"{stage.elsewhere}/show?layers=state", cookie=cookie) as stream:
        assert (await stream.event()).data == {"isLive": False}
        assert said(stage.host().ask("DELETE", "/admin/moderators/31337")) == (204, "")
        with pytest.raises(EOFError):
            await stream.event()
