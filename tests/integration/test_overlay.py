"""The overlay in a real browser, on a real queue: each alert is played once, whoever dies meanwhile."""

import random
import re
import uuid
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from attrs import define

from support import auth_service
from support.auth_service import SHARED_SECRET, Auth
from support.databases import fresh_database
from support.following import await_some
from support.server import Server, free_port, rows, start
from support.twitch import CHANNEL, Twitch, cheer, follow, message

HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
KINDS = ("cheer", "follow")
SHORT_SECONDS = 0.5
WATCH = """
    window.longest = 0;
    const durations = (tasks) => tasks.getEntries().map((task) => task.duration);
    const note = (tasks) => { window.longest = Math.max(window.longest, ...durations(tasks)); };
    new PerformanceObserver(note).observe({ type: "longtask" });
"""


@define
class Show:
    """A server that may be killed, its host, Twitch, and a browser with the overlay."""

    conninfo: str
    settings: dict
    log: object
    chrome: object
    port: int
    server: Server
    secret: str = ""
    since: int = 0
    """The alert before the first of this test."""

    @property
    def client(self):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def host(self, method, path, **options):
        with self.client as client:
            return client.request(method, path, headers=HOST, **options).raise_for_status()

    def tell(self, *messages):
        with self.client as client:
            Twitch(f"http://127.0.0.1:{self.port}", client).send(*messages)

    def open(self):
        small = {"width": 640, "height": 360, "deviceScaleFactor": 1, "mobile": False}  # little to paint
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
        self.chrome.get("about:blank")
        self.chrome.get(f"http://127.0.0.1:{self.port}/overlay#secret={self.secret}")

    def text(self, part="alert"):
        return self.chrome.execute_script(f"return document.getElementById('{part}').innerText")

    def kill(self):
        self.server.kill()

    def revive(self):
        self.server = start(self.conninfo, self.log, self.port, self.settings)

    def shown(self):
        return [
            number
            for (number,) in rows(
                self.conninfo,
                """
                select alert_id from showtime.showing where state = 'shown' and alert_id > %s
                order by ended_at
                """,
                self.since,
            )
        ]


@pytest.fixture(scope="module")
def stage(postgres_server, chrome, tmp_path_factory):
    """Serve a channel to all tests of this module."""
    with ExitStack() as stack:
        conninfo = stack.enter_context(fresh_database(postgres_server.conninfo))
        auth = stack.enter_context(Auth())
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET, "CHAT_SOURCE": "eventsub"}
        port, log = free_port(), tmp_path_factory.mktemp("overlay") / "serve.log"
        show = Show(conninfo, settings, log, chrome, port, start(conninfo, log, port, settings))
        stack.callback(lambda: show.kill())  # noqa: PLW0108 - whichever it is by then
        yield show


@pytest.fixture
def show(stage, chrome):
    """Have alerts play for half a second, from an empty queue, to an overlay that is open."""
    show = stage
    if show.server.process.poll() is not None:
        show.revive()
    made = show.host("POST", "/admin/show/secrets", json={"kind": "overlay", "name": "OBS"})
    show.secret = made.json()["secret"]
    for kind in KINDS:
        show.host("PUT", f"/admin/show/rules/{kind}", json={"seconds": SHORT_SECONDS})
    show.host("POST", "/show/commands/resume")
    show.host("POST", "/show/commands/clear")
    [[show.since]] = rows(show.conninfo, "select coalesce(max(id), 0) from showtime.feed")
    # An overlay that has gone would lead for three seconds more, and what it played would keep its lease.
    with psycopg.connect(show.conninfo) as connection:
        connection.execute("delete from showtime.showing where state = 'playing'")
        connection.execute("update showtime.show set leader = null, leader_at = null")
    show.open()
    yield show
    chrome.get("about:blank")


def test_what_twitch_tells_is_on_the_screen(show):
    """An alert that Twitch tells of is painted with its words, and acknowledged after it has played."""
    show.host("PUT", "/admin/show/rules/cheer", json={"seconds": 3})
    show.tell(cheer("VHSVera", bits=250, text="be kind"))
    text = await_some(show.text)
    assert "VHSVera" in text
    assert "250" in text
    assert "be kind" in text
    await_some(show.shown)
    assert await_some(lambda: show.text() == "")


def test_an_overlay_that_is_withdrawn_says_so(show):
    """A page whose secret was withdrawn says it on the screen, and plays nothing more."""
    for secret in show.host("GET", "/admin/show/secrets").json()["secrets"]:
        show.host("DELETE", f"/admin/show/secrets/{secret['id']}")
    assert "was not accepted" in await_some(lambda: show.text("notice"))


def test_paused_stays_paused_over_a_crash(show):
    """What waits while the host has paused waits over a crash too, and is then played in its order."""
    show.host("POST", "/show/commands/pause")
    show.tell(*(cheer(name) for name in ("First", "Second", "Third")))
    show.kill()
    show.revive()
    await_some(lambda: show.host("GET", "/admin/show/secrets"))
    assert show.shown() == []
    assert rows(show.conninfo, "select paused_since is not null from showtime.show") == [(True,)]
    show.host("POST", "/show/commands/resume")
    await_some(lambda: len(show.shown()) == 3)
    assert show.shown() == sorted(show.shown())


def test_a_flood_of_follows_that_are_joined_is_one_alert(show, scale):
    """Many follows within ten seconds, joined, are played as one, which counts the others."""
    show.host("PUT", "/admin/show/rules/follow", json={"seconds": 2, "isJoined": True})
    show.tell(*(follow(f"Viewer{number}") for number in range(scale.overlay_follows)))
    text = await_some(show.text, 60)
    assert f"and {scale.overlay_follows - 1} more are new here" in text
    assert len(await_some(show.shown)) == 1


def test_each_alert_is_played_once_whoever_dies(show, scale):
    """Page, network and server die: each alert has one complete showing, and any more were interrupted."""
    chance = random.Random(31)
    count, kills = scale.overlay_alerts, scale.overlay_kills
    cheers = iter(cheer(f"Viewer{number}") for number in range(count))
    deaths = ["page", "network", "server"] * kills
    for death in chance.sample(deaths[:kills], kills):
        show.tell(*(next(cheers) for _ in range(count // kills)))
        done = len(show.shown())
        match death:
            case "page":
                show.open()
            case "network":
                offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
                show.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
                show.chrome.execute_async_script("setTimeout(arguments[0], 1500)")
                show.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", offline | {"offline": False})
            case "server":
                show.kill()
                show.revive()
        await_some(lambda done=done: len(show.shown()) > done, 60)
    everything = "select id from showtime.feed where stream = 'alerts' and id > %s order by id"
    told = [number for (number,) in rows(show.conninfo, everything, show.since)]
    await_some(lambda: len(show.shown()) >= len(told), 10 + 4.0 * count)
    states = defaultdict(Counter)
    taken = "select alert_id, state from showtime.showing where alert_id > %s"
    for number, state in rows(show.conninfo, taken, show.since):
        states[number][state] += 1
    assert sorted(states) == told
    assert {number: dict(found) for number, found in states.items() if found["shown"] != 1} == {}
    assert {state for found in states.values() for state in found} <= {"shown", "interrupted"}


def train(name, phase, level, progress=None, left=None):
    """Tell of a hype train: how far it has come, and for how many seconds it goes on."""
    now = datetime.now(UTC)
    event = CHANNEL | {"id": name, "level": level, "total": 9000, "started_at": now.isoformat()}
    if phase != "end":
        until = now + timedelta(seconds=left)
        event |= {"progress": progress, "goal": 1000, "expires_at": until.isoformat()}
    return message(f"channel.hype_train.{phase}", event)


def test_a_hype_train_is_counted_while_it_runs(show):
    """A small counter tells the level, the way to the next one and the time left, until the train ends."""
    show.tell(train("long", "begin", 1, 137, left=250))
    text = await_some(lambda: show.text("train"))
    assert "HYPE TRAIN 1" in text
    assert "13 % of the way to level 2" in text
    assert re.search(r"\b4:(10|0\d)\b", text)
    show.tell(train("long", "progress", 2, 500, left=250))
    text = await_some(lambda: "HYPE TRAIN 2" in show.text("train") and show.text("train"))
    assert "50 % of the way to level 3" in text
    show.tell(train("long", "end", 2))
    await_some(lambda: show.text("train") == "")


def test_a_hype_train_of_whose_end_nobody_tells_leaves(show):
    """Where Twitch's word of the end is lost, the counter goes when no time is left."""
    show.tell(train("short", "begin", 1, 137, left=4))
    await_some(lambda: "HYPE TRAIN 1" in show.text("train"))
    await_some(lambda: show.text("train") == "")


def chat_message(text):
    """Make a message of the chat."""
    event = CHANNEL | {
        "chatter_user_id": "1337",
        "chatter_user_login": "vhsvera",
        "chatter_user_name": "VHSVera",
        "message_id": str(uuid.uuid4()),
        "message": {"text": text, "fragments": [{"type": "text", "text": text}]},
        "message_type": "text",
        "color": "#1E90FF",
        "badges": [],
    }
    return message("channel.chat.message", event)


def test_a_flood_of_chat_leaves_the_page_small(show, scale):
    """However much is said in chat, the page holds the newest eight lines, and grows no more."""
    show.chrome.execute_script(WATCH)
    sizes = []
    for third in range(3):
        texts = [f"line {third}-{number}" for number in range(scale.overlay_chat // 3)]
        show.tell(*map(chat_message, texts))
        await_some(lambda texts=texts: texts[-1] in show.text("chat"))
        show.chrome.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        sizes.append(show.chrome.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"])
    assert show.chrome.execute_script("return document.getElementById('chat').children.length") == 8
    assert show.chrome.execute_script("return document.querySelectorAll('*').length") < 100
    assert sizes[2] < sizes[0] + 2_000_000
    assert show.chrome.execute_script("return window.longest") < scale.longest_task


def test_an_alert_that_cannot_be_painted_holds_up_no_other(show):
    """Where the browser refuses to paint, what was taken ends in its time, and the next is taken."""
    source = "Element.prototype.animate = () => { throw new Error('no animation here'); };"
    added = show.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        show.open()
        show.tell(cheer("First"), cheer("Second"))
        await_some(lambda: len(show.shown()) == 2)
    finally:
        show.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
