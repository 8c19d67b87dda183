"""Before a night every link is tried for real: each is broken here in turn, and its light alone turns red."""

import asyncio
import json
import re
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from attrs import define, field

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.preflight import PostgresPreflightStore
from showtime_core.domain.preflight import runs
from showtime_core.domain.preflight.links import Link
from showtime_core.domain.subscriptions import wanted_subscriptions
from showtime_core.ports import PreflightStore
from showtime_core.testing.contracts.preflight import PreflightStoreContract
from showtime_core.use_cases.preflight import DEADLINES
from support.auth_service import BROADCASTER, SHARED_SECRET, VIEWER, auth_service
from support.databases import fresh_database, read_only
from support.discord_service import PATH, DiscordService
from support.following import await_some
from support.in_process import Ran, run_here, running_here
from support.irc import IrcServer
from support.ledger_service import LedgerService
from support.neighbour import Neighbour
from support.openai_service import API_KEY, OpenAIService
from support.s3_service import ACCESS_KEY_ID, BUCKET, REGION, SECRET_KEY, S3Service
from support.server import Served, environment, free_port, rows
from support.show import Overlay
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import BROADCASTER_ID, EVERYTHING, OUR_URL
from support.visitor import Visitor

GREEN = dict.fromkeys(Link, "ok") | {"openai": "warning"}
"""How a channel is found that lacks nothing: OpenAI tells nobody what credit is left."""
LATER = "update showtime.preflight_run set callback_at = callback_at - interval '61 s' returning 1"
HOST = {"authorization": f"Bearer {BROADCASTER}"}


class Usage(NamedTuple):
    """What `shutil.disk_usage` tells."""

    total: int
    used: int
    free: int


@define
class Studio:
    """A channel that lacks nothing, served by two instances, and all that it depends on."""

    conninfo: str
    of_server: str
    folder: Path
    settings: Mapping[str, str]
    neighbours: Mapping[str, Neighbour]
    twitch: TwitchApi
    irc: IrcServer
    kill_chat: Callable[[], object]
    servers: list[Served] = field(factory=list)
    is_painting: threading.Event = field(factory=threading.Event)

    def ask(self, method: str, instance: int = 0, **how: Any) -> httpx.Response:
        headers = {**HOST, **how.pop("headers", {})}
        url = f"{self.servers[instance].url}/admin/preflight"
        return httpx.request(method, url, headers=headers, timeout=30, **how)

    def known(self, instance: int = 0) -> dict[str, Any] | None:
        """Tell what an instance says of all links; None while they are being tried."""
        found = self.ask("GET", instance).raise_for_status().json()
        return None if found["isRunning"] else found

    def lights(self, *links: str) -> dict[str, str]:
        """Have these links tried, all by default, and tell how each is found."""
        self.ask("POST", json={"links": links} if links else None).raise_for_status()
        return {each["name"]: each["state"] for each in await_some(self.known)["links"]}

    def check(self, *arguments: object) -> Ran:
        """Run `showtime check` beside the servers, a minute after the last time."""
        rows(self.conninfo, LATER)
        return self.check_at_once(*arguments)

    def check_at_once(self, *arguments: object, **changes: str) -> Ran:
        names = environment(self.conninfo, **{**self.settings, **changes})
        return run_here("check", *arguments, names=names, folder=self.folder)

    def leftovers(self) -> list[str]:
        """Name what tries have left: at Twitch, in the storage."""
        thrown = [sub.id for sub in self.twitch.world.of() if sub.type == "user.update"]
        return [*thrown, *self.neighbours["s3"].held()]


@contextmanager
def _irc() -> Iterator[tuple[IrcServer, Callable[[], object]]]:
    """Run chat on a loop of its own; gives also what ends its connections."""
    server, loop = IrcServer(), asyncio.new_event_loop()
    listener = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0))
    server.port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server, partial(loop.call_soon_threadsafe, server.kill)
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(server.kill)
        asyncio.run_coroutine_threadsafe(_all_ended(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _all_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def _painting(url: str, is_painting: threading.Event) -> Iterator[None]:
    """Let an overlay paint, as long as it is said so."""
    is_over = threading.Event()
    with httpx.Client(base_url=url, timeout=10) as client:
        wanted = {"kind": "overlay", "name": "OBS"}
        made = client.post("/admin/show/secrets", json=wanted, headers=HOST).raise_for_status()
        overlay = Overlay(client, made.json()["secret"])

        def paint() -> None:
            while not is_over.wait(0.2):
                if is_painting.is_set():
                    overlay.post("/show/next")

        thread = threading.Thread(target=paint, daemon=True)
        thread.start()
        is_painting.set()
        try:
            yield
        finally:
            is_over.set()
            thread.join(10)


@pytest.fixture(scope="module")
def studio(postgres_server, tmp_path_factory) -> Iterator[Studio]:
    """Set up a channel that lacks nothing."""
    with ExitStack() as stack:
        conninfo = stack.enter_context(fresh_database(postgres_server.conninfo))
        auth, (chat, kill_chat) = stack.enter_context(auth_service()), stack.enter_context(_irc())
        neighbours: dict[str, Any] = {"auth": auth}
        for name, made in {
            "ledger": LedgerService(auth=auth),
            "openai": OpenAIService(),
            "s3": S3Service(),
            "discord": DiscordService(),
        }.items():
            neighbours[name] = stack.enter_context(made)
        twitch = stack.enter_context(twitch_api())
        twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
        for each in wanted_subscriptions(BROADCASTER_ID):
            twitch.world.add(each.type)
        ports = [free_port(), free_port()]
        twitch.world.reached[OUR_URL] = f"http://127.0.0.1:{ports[1]}/callback"
        settings = {
            **twitch.settings,
            "TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL,
            "TWITCH_KEEP_SUBSCRIPTIONS": "false",  # what is broken must stay so
            "TWITCH_REDIRECT_URL": f"http://127.0.0.1:{ports[0]}/session/callback",
            "TWITCH_IRC_URL": f"irc://127.0.0.1:{chat.port}",
            "AUTH_URL": auth.url,
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "LEDGER_URL": neighbours["ledger"].url,
            "OPENAI_API_KEY": API_KEY,
            "OPENAI_BASE_URL": f"{neighbours['openai'].url}/v1",
            "SPACES_BUCKET_NAME": BUCKET,
            "SPACES_REGION_NAME": REGION,
            "SPACES_ENDPOINT_URL": neighbours["s3"].url,
            "SPACES_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "SPACES_SECRET_KEY": SECRET_KEY,
            "DISCORD_GHOSTS_WEBHOOK_URL": neighbours["discord"].url + PATH,
        }
        folder = tmp_path_factory.mktemp("studio")
        channel = Studio(
            conninfo, postgres_server.conninfo, folder, settings, neighbours, twitch, chat, kill_chat
        )
        for port in ports:
            channel.servers.append(stack.enter_context(running_here(conninfo, settings, port=port)))
        stack.enter_context(_painting(channel.servers[0].url, channel.is_painting))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs, "CALLBACK_EVERY", timedelta(0))
            await_some(lambda: chat.joined and channel.lights() == GREEN)
        yield channel


@define
class Page:
    """The console of a phone, at the place that shows the lights."""

    chrome: Any

    def red(self) -> list[str]:
        """Open the place anew, and tell which lights are seen to be red, each with what to do."""
        for place, part in (("keyboard", ".shortcuts"), ("before", ".link")):
            self.chrome.execute_script("location.hash = arguments[0]", place)
            await_some(partial(self.chrome.find_elements, "css selector", part))
        lights, advice = self.chrome.execute_script(
            "return ['.link.state-failed b', '.advice .card.red h3'].map((name) =>"
            " [...document.querySelectorAll(name)].map((each) => each.textContent.split(':')[0]))"
        )
        assert sorted(advice) == sorted(lights)
        return [light.lower() for light in lights]


@pytest.fixture(scope="module")
def page(studio: Studio, chrome) -> Iterator[Page]:
    """Open the console on a phone, signed in with Twitch."""
    url, visitor = studio.servers[0].url, Visitor(studio.servers[0].url)
    with visitor.client:
        assert visitor.sign_in().status_code == 303
        cookie = {"name": "showtime_session", "value": visitor.token, "url": url}
    chrome.execute_cdp_cmd("Network.setCookie", cookie)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.get(f"{url}/console#before")
    yield Page(chrome)
    chrome.delete_all_cookies()
    chrome.get("about:blank")


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Let the callback be tried as often as somebody wants it."""
    monkeypatch.setattr(runs, "CALLBACK_EVERY", timedelta(0))


# --- how each link is broken -------------------------------------------------------------------------


@contextmanager
def troubled(studio: Studio, name: str, failure: str, only: str = "") -> Iterator[None]:
    neighbour = studio.neighbours[name]
    neighbour.trouble(failure, only=only)
    try:
        yield
    finally:
        neighbour.trouble()


@contextmanager
def unreachable(studio: Studio) -> Iterator[None]:
    """Twitch finds nobody at our URL."""
    reached = studio.twitch.world.reached
    where = reached.pop(OUR_URL)
    try:
        yield
    finally:
        reached[OUR_URL] = where


@contextmanager
def never_challenged(studio: Studio) -> Iterator[None]:
    """Twitch takes a subscription, and challenges nobody."""
    is_over, world = threading.Event(), studio.twitch.world
    before, world.before_challenge = world.before_challenge, lambda _: is_over.wait(30)
    deadline, DEADLINES[Link.CALLBACK] = DEADLINES[Link.CALLBACK], 1.0
    try:
        yield
    finally:
        world.before_challenge, DEADLINES[Link.CALLBACK] = before, deadline
        is_over.set()


@contextmanager
def withdrawn_consent(studio: Studio) -> Iterator[None]:
    """The broadcaster takes back what the subscriptions to follows need."""
    [sub] = [each for each in studio.twitch.world.of() if each.type == "channel.follow"]
    studio.twitch.world.consents[BROADCASTER_ID].discard("moderator:read:followers")
    sub.status = "authorization_revoked"
    try:
        yield
    finally:
        studio.twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
        sub.status = "enabled"


@contextmanager
def frozen_ledger(studio: Studio) -> Iterator[None]:
    deadline, DEADLINES[Link.LEDGER] = DEADLINES[Link.LEDGER], 3.0
    try:
        with troubled(studio, "ledger", "freeze"):
            yield
    finally:
        DEADLINES[Link.LEDGER] = deadline


@contextmanager
def wrong_clock(studio: Studio) -> Iterator[None]:
    studio.twitch.ahead_seconds = 120.0
    try:
        yield
    finally:
        studio.twitch.ahead_seconds = 0.0


@contextmanager
def chat_away(studio: Studio) -> Iterator[None]:
    """Twitch ends the connection, and lets nobody join again."""
    trouble = "select 1 from showtime.chat_room where trouble is not null"
    await_some(lambda: studio.irc.joined)  # whoever led may have lost the database a moment ago
    studio.irc.lets_join = False
    try:
        studio.kill_chat()
        await_some(lambda: rows(studio.conninfo, trouble))
        yield
    finally:
        studio.irc.lets_join = True
        studio.kill_chat()
        await_some(lambda: not rows(studio.conninfo, trouble))


@contextmanager
def hidden_overlay(studio: Studio) -> Iterator[None]:
    studio.is_painting.clear()
    gone = "select 1 from showtime.show where painted_at < clock_timestamp() - interval '3 s'"
    await_some(lambda: rows(studio.conninfo, gone))
    try:
        yield
    finally:
        studio.is_painting.set()
        await_some(lambda: not rows(studio.conninfo, gone))


@contextmanager
def full_disk(studio: Studio) -> Iterator[None]:  # noqa: ARG001 - as all of them
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(10**10, 10**10 - 10**8, 10**8))
        yield


Break = Callable[[Studio], Any]
BREAKS: Mapping[str, tuple[Link, Break]] = {
    "nobody answers at our URL": (Link.CALLBACK, unreachable),
    "Twitch never challenges": (Link.CALLBACK, never_challenged),
    "a consent is withdrawn": (Link.CONSENT, withdrawn_consent),
    "auth issues no tokens": (Link.AUTH, lambda s: troubled(s, "auth", "500", "/service-token")),
    "the ledger fails": (Link.LEDGER, lambda s: troubled(s, "ledger", "500")),
    "the ledger is frozen": (Link.LEDGER, frozen_ledger),
    "the key of OpenAI is refused": (Link.OPENAI, lambda s: troubled(s, "openai", "401")),
    "the storage takes nothing": (Link.STORAGE, lambda s: troubled(s, "s3", "403", "^PUT ")),
    "the storage deletes nothing": (Link.STORAGE, lambda s: troubled(s, "s3", "403", "^DELETE ")),
    "nobody may read what is stored": (Link.STORAGE, lambda s: troubled(s, "s3", "403", "^GET ")),
    "what is stored is not what is shown": (Link.STORAGE, lambda s: troubled(s, "s3", "nobody", "^GET ")),
    "the webhook is gone": (Link.DISCORD, lambda s: troubled(s, "discord", "404")),
    "chat cannot be joined": (Link.CHAT, chat_away),
    "the database takes nothing": (Link.DATABASE, lambda s: read_only(s.conninfo, s.of_server)),
    "the disk is full": (Link.DISK, full_disk),
    "the clocks differ by two minutes": (Link.CLOCK, wrong_clock),
    "no overlay paints": (Link.OVERLAY, hidden_overlay),
}

NEEDING = {Link.AUTH: (Link.LEDGER,), Link.DATABASE: (Link.CHAT, Link.OVERLAY)}
"""Without a token nobody can try the ledger, unless one is kept; and where nothing can be written, nobody
can report."""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_turns_its_own_light_red_and_no_other(studio: Studio, page: Page, name: str):
    """The light of the broken link is red, and no other, until it is mended; on a phone it is seen."""
    link, broken = BREAKS[name]
    before = studio.leftovers()
    with broken(studio):
        lights = studio.lights()
        assert [each for each, state in lights.items() if state == "failed"] == [link]
        assert page.red() == [link]
        others = {each: state for each, state in lights.items() if each != link}
        for needing in NEEDING.get(link, ()):
            assert others.pop(needing) in ({"unknown"} if link is Link.DATABASE else {"ok", "unknown"})
        assert others == {each: GREEN[each] for each in others}
        if "deletes" not in name:
            assert studio.leftovers() == before
    await_some(lambda: studio.lights(link, *NEEDING.get(link, ())) == GREEN)


@pytest.mark.usefixtures("impatient")
def test_a_twitch_that_is_wholly_away_turns_what_is_tried_there_red(studio: Studio, page: Page):
    """What is tried at Twitch is red then, and says so; all else is tried all the same, and found well."""
    studio.twitch.fail("/", "cut", 10**6)
    try:
        with chat_away(studio):
            studio.ask("POST").raise_for_status()
            found = {each["name"]: each for each in await_some(studio.known)["links"]}
            seen = page.red()
    finally:
        studio.twitch.failures.clear()
    red = [name for name, each in found.items() if each["state"] == "failed"]
    assert red == seen == ["callback", "consent", "chat", "clock"]
    assert [name for name in red if name != "chat" and "Twitch" not in found[name]["said"]] == []
    others = {name: each["state"] for name, each in found.items() if name not in red}
    assert others == {name: GREEN[name] for name in others}
    await_some(lambda: studio.lights() == GREEN)


# --- over HTTP, and at the command line --------------------------------------------------------------


class TestPostgresPreflightStore(PreflightStoreContract):
    """The contract of the store, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stores(self, migrated: str) -> AsyncIterator[tuple[PreflightStore, PreflightStore]]:
        async with make_pool(migrated, autocommit=True) as one, make_pool(migrated, autocommit=True) as other:
            yield PostgresPreflightStore(one), PostgresPreflightStore(other)


def test_the_host_has_all_links_tried_and_every_instance_knows(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    """A try is begun on one instance, challenged on another, and known to both; the next is a minute away."""
    challenged = len(studio.twitch.world.challenged)
    with monkeypatch.context() as earlier:
        earlier.setattr(runs, "CALLBACK_EVERY", timedelta(0))
        begun = studio.ask("POST")
    assert (begun.status_code, begun.json()["isRunning"]) == (202, True)
    found = await_some(lambda: studio.known(1))
    assert {each["name"]: each["state"] for each in found["links"]} == GREEN
    assert [each["name"] for each in found["links"]] == list(Link)
    assert studio.twitch.world.challenged[challenged:] == [("user.update", 200)]
    assert studio.known(0) == found
    for instance in (0, 1):
        refused = studio.ask("POST", instance)
        assert (refused.status_code, 0 < int(refused.headers["retry-after"]) <= 60) == (429, True)
        again = studio.ask("POST", instance, json={"links": ["callback", "clock"]})
        assert again.status_code == 429
    assert not [sub for sub in studio.twitch.world.of() if sub.type == "user.update"]


def test_a_run_under_way_is_seen_on_every_instance(studio: Studio):
    """While one instance tries a link, another begins no run; of what fails, all is told that helps."""
    with troubled(studio, "discord", "hang"):
        assert studio.ask("POST", json={"links": ["discord"]}).status_code == 202
        for instance in (0, 1):
            assert studio.ask("GET", instance).json()["isRunning"]
            refused = studio.ask("POST", instance, json={"links": ["storage"]})
            assert (refused.status_code, 0 < int(refused.headers["retry-after"]) <= 30) == (409, True)
        waiting = studio.check_at_once("storage")
        assert (waiting.returncode, "another preflight is under way" in waiting.stderr) == (1, True)
    found = await_some(lambda: studio.known(1))
    [discord] = [each for each in found["links"] if each["name"] == "discord"]
    assert discord["state"] == "failed"
    assert "DISCORD_GHOSTS_WEBHOOK_URL" in discord["remedy"]
    assert all(discord[name] for name in ("said", "tried", "goesOn", "triedAt"))
    assert studio.ask("POST", json={"links": ["discord"]}).status_code == 202
    [discord] = [each for each in await_some(studio.known)["links"] if each["name"] == "discord"]
    assert (discord["state"], discord["remedy"], discord["goesOn"]) == ("ok", None, None)


@pytest.mark.parametrize("body", ['{"links": ["nobody"]}', '{"links": []}', '{"links": "chat"}', "[", "3"])
def test_a_body_that_names_no_links_is_refused(studio: Studio, body: str):
    """What names no link, or something else, is 400, and begins nothing."""
    answer = studio.ask("POST", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_links_are_nothing_for_viewers(studio: Studio, method: str):
    """Neither what was found nor a try is for a viewer, or for nobody."""
    assert studio.ask(method, headers={"authorization": f"Bearer {VIEWER}"}).status_code == 403
    assert studio.ask(method, headers={"authorization": ""}).status_code == 400


def test_the_command_prints_a_table_and_fails_with_a_link(studio: Studio):
    """Each link has its line, a link that has failed also what to do; then the exit code is 1, else 0."""
    ran = studio.check()
    assert ran.returncode == 0
    assert re.findall(r"^(\w+) +(?:ok|warning) ", ran.stdout, re.MULTILINE) == list(Link)
    assert ran.stdout.splitlines()[-1] == "11 ok, 1 warning"
    with troubled(studio, "discord", "404"):
        ran = studio.check("discord", "openai")
    assert ran.returncode == 1
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("openai    warning  gpt-image-2.6-flare answers; credit unknown, ")
    assert lines[2].startswith("discord   failed   404: the webhook is gone, ")
    assert [line.split(":")[0].strip() for line in lines[3:5]] == ["to do", "goes on"]
    assert lines[-1] == "1 warning, 1 failed"
    assert studio.check("discord").stdout.splitlines()[-1] == "1 ok"


def test_the_command_tries_the_callback_once_a_minute(studio: Studio):
    """Within a minute the line of the callback is the former one, and Twitch challenges nobody."""
    assert studio.check("callback").stdout.startswith("callback  ok       Twitch challenged us, ")
    challenged = len(studio.twitch.world.challenged)
    ran = studio.check_at_once("callback", "clock")
    assert ran.stdout.startswith("callback  ok       Twitch challenged us, ")
    assert len(studio.twitch.world.challenged) == challenged


def test_what_is_off_says_so(studio: Studio, migrated: str):
    """Where nothing but the database is configured, other lights are unknown, with the setting they lack."""
    ran = run_here(
        "check", names={**environment(migrated), "AUTH_URL": "http://127.0.0.1:9"}, folder=studio.folder
    )
    unknown = dict(re.findall(r"^(\w+) +unknown +off: (.+)$", ran.stdout, re.MULTILINE))
    assert set(unknown) == set(Link) - {"auth", "database", "disk"}
    assert "TWITCH_CLIENT_ID" in unknown["callback"]
    assert "SPACES_" in unknown["storage"]
    assert re.search(r"^auth +failed ", ran.stdout, re.MULTILINE)


def test_a_database_that_is_away_is_the_only_red_light(studio: Studio):
    """What needs the database is unknown then, and all other links are tried all the same."""
    names = environment(studio.conninfo, **{**studio.settings, "PGDATABASE": "no_such_database"})
    ran = run_here("check", "--json", names=names, folder=studio.folder)
    lights = {each["name"]: each["state"] for each in json.loads(ran.stdout)["links"]}
    needing = dict.fromkeys(("callback", "chat", "disk", "overlay"), "unknown")
    assert lights == GREEN | needing | {"database": "failed"}
