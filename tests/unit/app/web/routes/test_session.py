"""Signing in on a laptop and behind a proxy: the routes before what is kept in memory."""

import html
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import httpx
import pytest
from attrs import evolve

from showtime_app.server import create_app
from showtime_app.web.middleware.cookies import Cookies
from showtime_app.web.middleware.same_origin import SameOrigin
from showtime_app.web.routes.session import SessionRoutes
from showtime_core.domain.sessions import CodePurpose, OneTimeCode
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.contracts.sessions import HOST
from showtime_core.testing.twins.sessions import MemoryModerators, MemoryOneTimeCodes, MemorySessions
from showtime_core.texts import digest_of
from showtime_core.use_cases.sign_in import SignIn
from support.answers import said

HERE = "http://127.0.0.1:5001"
PHONE, LAN = "192.168.1.50", "http://192.168.1.20:5001"
ELSEWHERE = "a change by a cookie must come from a page of this service; this one comes from elsewhere"
NOT_HERE = "one signs in without Twitch on this machine alone, at the address that `showtime dev` prints"


class Twitch:
    """Lets the broadcaster in by any code."""

    def authorization_url(self, state: str) -> str:
        return f"https://id.twitch.example/authorize?state={state}"

    async def identify(self, code: str) -> Viewer:
        assert code
        return HOST


def in_memory() -> SignIn:
    """Keep everything in memory, with no way in."""
    moderators = MemoryModerators()
    return SignIn(MemorySessions(moderators), moderators, MemoryOneTimeCodes(), "goldenvcr")


@asynccontextmanager
async def serving(
    routes: SessionRoutes, url: str = HERE, client: str = "127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the routes without a socket, to a client at this address."""
    app = create_app([routes.router()], nullcontext, {})
    transport = httpx.ASGITransport(app, client=(client, 50123))
    async with httpx.AsyncClient(transport=transport, base_url=url) as browser:
        yield browser


@pytest.fixture
def at_home() -> SessionRoutes:
    """Let whoever sits at the machine sign in."""
    return SessionRoutes(evolve(in_memory(), local_host=HOST), Cookies(is_secure=False), SameOrigin(""))


async def test_one_click_signs_in_on_a_laptop(at_home):
    """Whoever sits at the machine is the broadcaster by one click, and signs out by another."""
    async with serving(at_home) as browser:
        assert (await browser.get("/session")).json()["way"] == "laptop"
        clicked = await browser.post("/session/laptop", headers={"origin": HERE})
        assert clicked.status_code == 204
        assert (await browser.get("/session")).json()["role"] == "broadcaster"
        assert said(await browser.delete("/session", headers={"origin": HERE})) == (204, "")
        assert (await browser.get("/session")).json()["role"] is None


@pytest.mark.parametrize("url", [HERE, "http://localhost:5001", "http://[::1]:5001", "http://127.0.0.2"])
async def test_a_laptop_has_several_addresses(at_home, url):
    """Each address of the machine itself will do."""
    async with serving(at_home, url, "::1" if "[" in url else "127.0.0.1") as browser:
        assert (await browser.post("/session/laptop", headers={"origin": url})).status_code == 204


@pytest.mark.parametrize(
    ("client", "url", "headers"),
    [
        (PHONE, LAN, {}),
        (PHONE, HERE, {}),
        ("192.168.1.20", LAN, {}),
        ("127.0.0.1", LAN, {}),
        ("127.0.0.1", "http://rebound.example:5001", {}),
        ("127.0.0.1", "http://localhost.example:5001", {}),
        ("127.0.0.1", "http://127.0.0.1.example", {}),
        ("127.0.0.1", HERE, {"x-forwarded-for": "203.0.113.9"}),
        ("127.0.0.1", HERE, {"forwarded": "for=203.0.113.9"}),
        ("127.0.0.1", HERE, {"x-forwarded-host": "tunnel.example"}),
    ],
)
async def test_a_click_from_elsewhere_signs_nobody_in(at_home, client, url, headers):
    """Neither another machine, nor a name that leads here, nor a proxy gets in by a click."""
    async with serving(at_home, url, client) as browser:
        clicked = await browser.post("/session/laptop", headers={"origin": url, **headers})
        assert (said(clicked), "set-cookie" in clicked.headers) == ((403, NOT_HERE), False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "http://localhost:5001"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/session/laptop", "/session/pair"])
async def test_a_page_of_another_site_signs_nobody_in(at_home, path, headers):
    """A page of another site, or of another port of this machine, cannot sign anybody in."""
    async with serving(at_home) as browser:
        answer = await browser.post(path, headers=headers, json={"code": "code"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert answer.text.startswith("a change by a cookie must")


async def test_a_phone_is_paired_once(at_home):
    """The code that was scanned signs in one phone, which gets a session of its own."""
    await at_home.use_case.codes.keep(digest_of("scanned-code"), OneTimeCode(CodePurpose.PAIRING))
    async with serving(at_home, LAN, PHONE) as phone:
        for code, status in (("other", 401), ("scanned-code", 204), ("scanned-code", 401)):
            paired = await phone.post("/session/pair", headers={"origin": LAN}, json={"code": code})
            assert (code, paired.status_code) == (code, status)
        assert (await phone.get("/session")).json()["login"] == "goldenvcr"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"code": 1}', b'{"code": null}', b"\xff", b"{}"])
async def test_what_is_no_code_is_refused(at_home, body):
    """A body that holds no code is answered 400."""
    headers = {"origin": LAN, "content-type": "application/json"}
    async with serving(at_home, LAN, PHONE) as phone:
        assert (await phone.post("/session/pair", headers=headers, content=body)).status_code == 400


async def test_codes_cannot_be_guessed(at_home):
    """After ten codes that are not accepted none is looked at for a while, not even a good one."""
    await at_home.use_case.codes.keep(digest_of("scanned-code"), OneTimeCode(CodePurpose.PAIRING))
    async with serving(at_home, LAN, PHONE) as phone:

        async def pair(code):
            return await phone.post("/session/pair", headers={"origin": LAN}, json={"code": code})

        assert [(await pair(f"guess-{number}")).status_code for number in range(10)] == [401] * 10
        refused = await pair("scanned-code")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        at_home.tries.clock = lambda: time.monotonic() + 61
        assert (await pair("scanned-code")).status_code == 204


async def test_behind_a_proxy_cookies_are_for_this_host_alone():
    """Beyond loopback cookies are Secure and for this host alone, and the prefix of the proxy is kept."""
    routes = SessionRoutes(
        evolve(in_memory(), provider=Twitch()),
        Cookies(is_secure=True),
        SameOrigin("https://goldenvcr.example"),
        "/api/showtime",
    )
    async with serving(routes, "https://goldenvcr.example") as browser:
        begun = await browser.get("/session/sign-in", params={"to": "/console"})
        state = httpx.URL(begun.headers["location"]).params["state"]
        came = await browser.get("/session/callback", params={"state": state, "code": "good"})
        assert (came.status_code, came.headers["location"]) == (303, "/api/showtime/console")
        made = [line for line in came.headers.get_list("set-cookie") if "Max-Age=0" not in line]
        for line in [*begun.headers.get_list("set-cookie"), *made]:
            assert line.startswith("__Host-showtime_")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(line.split("; "))
            assert "Domain" not in line
        assert (await browser.get("/session")).json()["role"] == "broadcaster"
        for origin in ("http://goldenvcr.example", "https://www.goldenvcr.example", HERE):
            assert said(await browser.delete("/session", headers={"origin": origin})) == (403, ELSEWHERE)
        headers = {"origin": "https://goldenvcr.example", "host": "127.0.0.1:5001"}  # a proxy may change it
        assert (await browser.delete("/session", headers=headers)).status_code == 204


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "{remedy}", "Tom &amp; Jerry"])
async def test_a_name_of_twitch_is_text_on_the_page_that_turns_somebody_away(name):
    """A stranger's name cannot become markup of the page on which the sign-in ends."""

    class Strange(Twitch):
        async def identify(self, code: str) -> Viewer:
            assert code
            return Viewer("666", "evil", name)

    routes = SessionRoutes(
        evolve(in_memory(), provider=Strange()), Cookies(is_secure=False), SameOrigin(HERE)
    )
    async with serving(routes) as browser:
        begun = await browser.get("/session/sign-in", params={"to": "/console"})
        state = httpx.URL(begun.headers["location"]).params["state"]
        browser.headers["accept"] = "text/html,*/*;q=0.8"
        answer = await browser.get("/session/callback", params={"state": state, "code": "good"})
        assert answer.status_code == 403
        assert f"<p>{html.escape(name)} is neither the broadcaster nor a moderator" in answer.text


async def test_a_fault_of_ours_ends_on_a_page_too(caplog):
    """A browser is shown no more of a fault of ours than a program is told."""

    class Broken(Twitch):
        def authorization_url(self, state: str) -> str:
            raise RuntimeError(f"a secret of ours: {state}")

    routes = SessionRoutes(evolve(in_memory(), provider=Broken()), Cookies(is_secure=False), SameOrigin(HERE))
    async with serving(routes) as browser:
        answer = await browser.get("/session/sign-in", headers={"accept": "text/html"})
        assert (answer.status_code, "<p>Internal error.</p>" in answer.text) == (500, True)
        assert "a secret of ours" not in answer.text
        assert "a secret of ours" in caplog.text


async def test_without_a_laptop_there_is_no_click():
    """Where one signs in with Twitch there is no other way in."""
    routes = SessionRoutes(evolve(in_memory(), provider=Twitch()), Cookies(is_secure=False), SameOrigin(HERE))
    async with serving(routes) as browser:
        for path in ("/session/laptop", "/session/pair"):
            answer = await browser.post(path, headers={"origin": HERE}, json={"code": "code"})
            assert answer.status_code == 404


async def test_where_nothing_is_set_up_it_is_said(at_home):
    """Without any way in, who asks is told why."""
    routes = evolve(at_home, use_case=evolve(in_memory(), why_not="TWITCH_REDIRECT_URL must be set"))
    async with serving(routes) as browser:
        told = (await browser.get("/session")).json()
        assert (told["way"], told["message"]) == (None, "TWITCH_REDIRECT_URL must be set")
        for path in ("/session/sign-in", "/session/callback?state=a&code=b"):
            assert said(await browser.get(path)) == (404, "TWITCH_REDIRECT_URL must be set")


async def test_the_routes_say_which_methods_they_have(at_home):
    """OPTIONS names all methods of a path."""
    async with serving(at_home) as browser:
        allowed = (await browser.options("/session")).headers["allow"].split(", ")
        assert {"GET", "DELETE"} <= set(allowed)
