"""The show over HTTP: secrets, overlays, the host's commands and rules, and the stream that pages read."""

import asyncio
import json
import re
import uuid
from contextlib import ExitStack

import httpx
import pytest

from showtime_adapters.wire import ALERT_TYPES
from support import auth_service
from support.answers import said
from support.auth_service import SHARED_SECRET, Auth
from support.databases import fresh_database, gone
from support.deaf import deaf_instance
from support.following import await_some
from support.in_process import running_here
from support.server import rows
from support.show import Overlay
from support.sse import listening
from support.twitch import Twitch, cheer, follow, message

HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
VIEWER = {"authorization": f"Bearer {auth_service.VIEWER}"}
NO_TOKEN = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
NOT_ACCEPTED = (401, "access token was not accepted")


class Stage:
    """Two instances, their host, and Twitch."""

    def __init__(self, conninfo, urls, clients):
        self.conninfo, self.urls = conninfo, urls
        self.first, self.second = clients
        self.twitch = Twitch(urls[0], self.first)

    def host(self, method, path, **options):
        return self.first.request(method, path, headers=HOST, **options)

    def secret(self, kind="overlay", name="OBS"):
        made = self.host("POST", "/admin/show/secrets", json={"kind": kind, "name": name})
        assert made.status_code == 201, made.text
        return made.json()

    def command(self, name, alert=None):
        options = {} if alert is None else {"json": {"alert": alert}}
        return said(self.host("POST", f"/show/commands/{name}", **options))

    def newest(self):
        return rows(self.conninfo, "select coalesce(max(id), 0) from showtime.feed")[0][0]

    def tell(self, *messages):
        self.twitch.send(*messages)
        return self.newest()


@pytest.fixture(scope="module")
def conninfo(postgres_server):
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture(scope="module")
def stage(conninfo):
    with ExitStack() as stack:
        auth = stack.enter_context(Auth())
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET}
        urls = [stack.enter_context(running_here(conninfo, settings)).url for _ in range(2)]
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=20)) for url in urls]
        yield Stage(conninfo, urls, clients)


@pytest.fixture(scope="module")
def obs(stage):
    """The overlay of all tests: another would have to wait until it is gone for three seconds."""
    return Overlay(stage.first, stage.secret()["secret"])


@pytest.fixture
def overlay(stage, obs):
    """An overlay before an empty queue, whose alerts play for half a second."""
    overlay = obs
    for kind in ("cheer", "follow"):
        stage.host("PUT", f"/admin/show/rules/{kind}", json={"seconds": 0.5}).raise_for_status()
    for name in ("resume", "unmute", "end-safe-mode", "clear"):
        assert stage.command(name) == (204, "")
    stage.command("skip")
    await_some(lambda: overlay.ask()["role"] == "leader")
    return overlay


# --- who may -----------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_withdrawn(stage):
    """A secret is shown when it is made, and then never; once withdrawn it is not accepted any more."""
    made = stage.secret(name="the living room")
    assert made["secret"].startswith("overlay_")
    assert len(made["secret"]) > 48
    listed = stage.host("GET", "/admin/show/secrets")
    assert made["secret"] not in listed.text
    assert {key: made[key] for key in ("id", "kind", "name", "madeAt")} in listed.json()["secrets"]
    assert listed.headers["cache-control"] == "no-store"
    [[kept]] = rows(
        stage.conninfo, "select row_to_json(s)::text from showtime.show_secret s where id = %s", made["id"]
    )
    assert made["secret"] not in kept
    assert Overlay(stage.second, made["secret"]).post("/show/next").status_code == 200
    assert said(stage.host("DELETE", f"/admin/show/secrets/{made['id']}")) == (204, "")
    for client in (stage.first, stage.second):
        assert said(Overlay(client, made["secret"]).post("/show/next")) == NOT_ACCEPTED
    for name in (made["id"], "no-uuid"):
        assert said(stage.host("DELETE", f"/admin/show/secrets/{name}")) == (404, "no such secret")


@pytest.mark.parametrize(
    "body", [{"kind": "console", "name": "x"}, {"kind": "overlay", "name": " "}, {"kind": "overlay"}, {}]
)
def test_a_secret_has_a_kind_and_a_name(stage, body):
    """What is no kind of secret, or has no name, is refused, and nothing is made."""
    before = stage.host("GET", "/admin/show/secrets").json()
    assert stage.host("POST", "/admin/show/secrets", json=body).status_code == 400
    assert stage.host("GET", "/admin/show/secrets").json() == before


def test_each_may_what_its_secret_says(stage):
    """An overlay reads and acknowledges, a hotkey commands, the broadcaster makes secrets, and no other."""
    overlay, hotkey = stage.secret()["secret"], stage.secret("hotkey", "deck")["secret"]
    body = {"overlay": "x", "frames": 1}
    take, pause = ("/show/next", body), ("/show/commands/unmute", None)
    secrets = ("/admin/show/secrets", {"kind": "overlay", "name": "stolen"})

    def ask(path, body, token):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return said(stage.first.post(path, json=body, headers=headers))

    assert ask(*take, "") == ask(*pause, "") == NO_TOKEN
    assert ask(*take, "overlay_guessed") == ask(*pause, "hotkey_guessed") == NOT_ACCEPTED
    assert ask(*take, overlay)[0] == 200
    assert ask(*take, hotkey) == (403, "insufficient access: requires overlay; you are hotkey")
    assert ask(*take, auth_service.BROADCASTER) == NOT_ACCEPTED
    assert ask(*pause, hotkey) == ask(*pause, auth_service.BROADCASTER) == (204, "")
    assert ask(*pause, overlay) == (403, "insufficient access: requires hotkey; you are overlay")
    assert ask(*pause, auth_service.VIEWER)[0] == 403
    for token in (overlay, hotkey):
        assert ask(*secrets, token)[0] in {401, 503}  # it is none of auth's tokens
    for token in (hotkey, auth_service.VIEWER):
        assert stage.first.get("/show", headers={"authorization": f"Bearer {token}"}).status_code == 403
    assert said(stage.first.get("/show")) == NO_TOKEN
    withdrawn = stage.first.get("/show", headers={"authorization": "Bearer overlay_guessed"})
    assert said(withdrawn) == NOT_ACCEPTED


# --- playing -----------------------------------------------------------------------------------------


def test_an_alert_is_taken_played_and_acknowledged(stage, overlay):
    """An alert is taken with all that it says, acknowledged after it was played, and shown once."""
    number = stage.tell(cheer("VHSVera", bits=250, text="be kind"))
    item = overlay.play()
    assert item["alert"]["id"] == number
    assert item["alert"]["type"] == "cheer"
    assert item["alert"]["data"] == {"username": "VHSVera", "numBits": 250, "message": "be kind"}
    assert (item["state"], item["attempt"], item["more"], item["isAgain"]) == ("playing", 1, 0, False)
    assert (item["seconds"], item["endedAt"], item["reason"]) == (0.5, None, None)
    kept = overlay.post(f"/show/{item['showing']}/alive").json()
    assert kept["leaseSeconds"] <= 5
    assert overlay.finish(item).status_code == 204
    assert said(overlay.post(f"/show/{item['showing']}/done")) == (204, "")
    [state] = rows(stage.conninfo, "select state from showtime.showing where alert_id = %s", number)
    assert state == ("shown",)
    assert overlay.post(f"/show/{item['showing']}/alive").status_code == 409


def test_a_refusal_is_a_problem_to_who_reads_json(stage, overlay):
    """What is over is answered 409, as a problem document to whoever accepts one."""
    number = stage.tell(cheer())
    item = overlay.play()
    assert stage.command("skip") == (204, "")
    asked = stage.second.post(
        f"/show/{item['showing']}/done",
        json={"overlay": overlay.name, "frames": 10**9},
        headers={"authorization": f"Bearer {overlay.secret}", "accept": "application/json"},
    )
    detail = "the showing is over: skipped: by the host"
    assert asked.json() == {"title": "Conflict", "status": 409, "detail": detail}
    assert asked.headers["content-type"] == "application/problem+json"
    assert rows(stage.conninfo, "select state from showtime.showing where alert_id = %s", number) == [
        ("skipped",)
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"overlay": "", "frames": 1},
        {"overlay": "a b", "frames": 1},
        {"overlay": "x" * 65, "frames": 1},
        {"overlay": "a", "frames": -1},
        {"overlay": "a", "frames": 2**63},
        {"overlay": "a"},
        [],
    ],
)
def test_a_report_names_an_overlay_and_counts_frames(stage, overlay, body):
    """A report that is none is refused, and changes nothing."""
    headers = {"authorization": f"Bearer {overlay.secret}"}
    for path in ("/show/next", f"/show/{uuid.uuid4()}/alive", f"/show/{uuid.uuid4()}/done"):
        assert stage.first.post(path, json=body, headers=headers).status_code == 400


def test_a_showing_that_never_was_is_not_found(overlay):
    """What nobody took is answered 404, as is what is no name of a showing."""
    for name in (uuid.uuid4(), "tape-31"):
        for what in ("alive", "done"):
            assert said(overlay.post(f"/show/{name}/{what}")) == (404, "no such showing")


def test_alerts_are_streamed_as_before(stage, overlay):
    """Whatever overlays take, `/alerts` shows each alert once, and changes nothing of the queue."""
    before = stage.newest()
    stage.tell(cheer("VHSVera"), follow("BetamaxBob"))
    overlay.finish(overlay.play())
    shown = rows(
        stage.conninfo, "select count(*) from showtime.feed where id > %s and stream = 'alerts'", before
    )
    assert shown == [(2,)]


# --- the host ----------------------------------------------------------------------------------------


def test_commands_are_entries_of_the_journal(stage, overlay):
    """What the host commands is in the journal as tapes are; what is refused is not, nor what overlays do."""
    count = "select count(*) from showtime.journal"
    [[before]] = rows(stage.conninfo, count)
    assert stage.command("pause") == stage.command("resume") == (204, "")
    assert overlay.ask()["wait"] == "nothing"
    assert stage.command("skip") == (400, "nothing is playing")
    assert stage.command("hold") == (400, "name the alert")
    assert stage.command("hold", 10**12) == (404, "no such alert")
    status, text = stage.command("rewind")
    assert status == 404
    assert text.startswith("no such command: choose pause, resume, skip")
    assert rows(stage.conninfo, count) == [(before + 2,)]
    newest = "select source, type, outcome from showtime.journal order by position desc limit 2"
    assert rows(stage.conninfo, newest) == [
        ("host", "show.resume", "reacted"),
        ("host", "show.pause", "reacted"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'"alert"',
        b'{"alert": "1"}',
        b'{"alert": true}',
        b'{"alert": -1}',
        b'{"alert": 1.5}',
        b"42",
        b"null",
    ],
)
def test_a_command_names_an_alert_by_its_number(stage, overlay, content):
    """A body that names no alert is refused."""
    assert overlay
    assert stage.host("POST", "/show/commands/hold", content=content).status_code == 400


def test_a_hotkey_needs_a_single_request(stage, overlay):
    """A hotkey pauses by one POST without a body; paused is paused for every instance."""
    secret = stage.secret("hotkey", "deck")["secret"]
    pressed = stage.second.post("/show/commands/pause", headers={"authorization": f"Bearer {secret}"})
    assert said(pressed) == (204, "")
    number = stage.tell(cheer())
    assert (overlay.ask()["wait"], overlay.ask()["playing"]) == ("paused", None)
    assert stage.command("resume") == (204, "")
    assert overlay.play()["alert"]["id"] == number


def test_paused_stays_paused_over_a_restart(stage, overlay, conninfo):
    """An instance that has just begun takes nothing while the show is paused, and then in the same order."""
    told = [stage.tell(cheer(name)) for name in ("VHSVera", "BetamaxBob")]
    assert stage.command("pause") == (204, "")
    with running_here(conninfo) as begun, httpx.Client(base_url=begun.url, timeout=20) as client:
        after = Overlay(client, overlay.secret, overlay.name, overlay.frames)
        assert (after.ask()["wait"], after.ask()["playing"]) == ("paused", None)
        assert stage.command("resume") == (204, "")
        for number in told:
            item = after.play()
            assert item["alert"]["id"] == number
            assert after.finish(item).status_code == 204


def test_an_alert_is_shown_again_and_earns_nothing(stage, overlay):
    """What was shown is shown again by one command: nobody is paid for it, and it is no new alert."""
    number = stage.tell(cheer("VHSVera"))
    overlay.finish(overlay.play())
    counts = "select (select count(*) from showtime.outbox), (select count(*) from showtime.feed)"
    before = rows(stage.conninfo, counts)
    assert stage.command("show-again") == (204, "")
    item = overlay.play()
    assert (item["alert"]["id"], item["isAgain"]) == (number, True)
    overlay.finish(item)
    assert rows(stage.conninfo, counts) == before


# --- rules -------------------------------------------------------------------------------------------


def test_rules_of_kinds_are_set_and_listed(stage, overlay):
    """Every kind has a rule; what is left out of one that is set is the default."""
    assert overlay
    rules = stage.host("GET", "/admin/show/rules").json()["rules"]
    assert set(rules) == set(ALERT_TYPES.values())
    changed = {"seconds": 3.5, "inSafeMode": "drop"}
    assert said(stage.host("PUT", "/admin/show/rules/raid", json=changed)) == (204, "")
    whole = {"seconds": 3.5, "ifBusy": "queue", "minBits": 1, "isJoined": False, "inSafeMode": "drop"}
    assert stage.host("GET", "/admin/show/rules").json()["rules"]["raid"] == whole
    assert said(stage.host("PUT", "/admin/show/rules/raid", json={})) == (204, "")
    default = whole | {"seconds": 10.0, "inSafeMode": "join"}
    assert stage.host("GET", "/admin/show/rules").json()["rules"]["raid"] == default


@pytest.mark.parametrize(
    "rule",
    [
        {"seconds": 0.4},
        {"seconds": 121},
        {"minBits": 0},
        {"ifBusy": "wait"},
        {"inSafeMode": 1},
        {"isJoined": "no"},
        {"isJoined": 0},
        [],
    ],
)
def test_a_rule_that_nobody_can_mean_is_refused(stage, overlay, rule):
    """A rule out of bounds is refused whole, and the rules of what is no kind are not found."""
    assert overlay
    assert stage.host("PUT", "/admin/show/rules/cheer", json=rule).status_code == 400
    assert said(stage.host("PUT", "/admin/show/rules/rewind", json={})) == (404, "no such kind")


# --- the stream --------------------------------------------------------------------------------------


async def until_event(stream, name, holds=lambda _: True):
    """Read until an event of this name says this; others that come meanwhile do not put off its end."""
    async with asyncio.timeout(60):
        while True:
            block = await stream.event(20)
            if block.value("event") == name and holds(block.data):
                return block


def bearer(overlay):
    return {"Authorization": f"Bearer {overlay.secret}"}


async def test_a_page_reads_all_of_it_in_one_stream(stage, overlay):
    """State, queue, train and health come whole, then alerts with their ids, and the queue as it changes."""
    async with listening(f"{stage.urls[1]}/show", **bearer(overlay)) as page:
        first = {}
        while set(first) < {"state", "queue", "train", "health"}:
            block = await page.event(20)
            first[block.value("event")] = block.data
        assert first["state"] == {"isLive": False}
        assert set(first["health"]) == {"isReady", "message"}
        assert first["train"] == {"hypeTrain": None}
        assert (first["queue"]["mode"], first["queue"]["waiting"]) == ("queued", [])
        number = stage.tell(cheer("VHSVera"))
        block = await until_event(page, "alert")
        assert block.data["id"] == number
        assert block.data["data"]["username"] == "VHSVera"
        assert re.search(rf"-{number}\.\d+$", block.id)
        queue = (await until_event(page, "queue", lambda queue: queue["waiting"])).data
        assert [item["alert"]["id"] for item in queue["waiting"]] == [number]
        assert (queue["waitingCount"], queue["waiting"][0]["seconds"]) == (1, 0.5)
        item = overlay.play()
        queue = (await until_event(page, "queue", lambda queue: queue["playing"])).data
        assert queue["playing"]["showing"] == item["showing"]
        assert queue["leader"] == overlay.name
        overlay.finish(item)
        queue = (
            await until_event(page, "queue", lambda queue: queue["recent"] and not queue["playing"])
        ).data
        assert (queue["recent"][0]["alert"]["id"], queue["recent"][0]["state"]) == (number, "shown")
        stage.command("mute")
        await until_event(page, "queue", lambda queue: queue["isMuted"])


async def test_a_page_names_the_layers_it_wants(stage, overlay):
    """Only what a page asks for is told; a layer that is none is refused with its status."""
    async with listening(f"{stage.urls[0]}/show?layers=alert", **bearer(overlay)) as page:
        assert (await page.block(20)).lines == (":",)
        await_some(lambda: 'clients{stream="show"} 1.0' in stage.first.get("/metrics").text)
        stage.tell(follow("BetamaxBob"))
        assert (await page.event(20)).value("event") == "alert"
    refused = stage.first.get("/show?layers=alert,video", headers=bearer(overlay))
    assert said(refused) == (
        400,
        "no such layer: video; choose state, queue, train, health, alert, chat, night",
    )


async def test_it_is_said_where_alerts_are_streamed_as_well(stage, overlay):
    """Where somebody reads `/alerts` beside an overlay, the queue says so, for viewers may see them twice."""
    async with listening(f"{stage.urls[0]}/show?layers=queue", **bearer(overlay)) as page:
        await until_event(page, "queue", lambda queue: not queue["isAlsoStreamed"])
        async with listening(f"{stage.urls[0]}/alerts"):
            await until_event(page, "queue", lambda queue: queue["isAlsoStreamed"])
        await until_event(page, "queue", lambda queue: not queue["isAlsoStreamed"])


async def test_it_is_said_at_every_instance_where_alerts_are_streamed_as_well(stage, overlay):
    """It does not matter at which instance `/alerts` is read, and which one an overlay is connected to."""
    async with listening(f"{stage.urls[1]}/show?layers=queue", **bearer(overlay)) as page:
        await until_event(page, "queue", lambda queue: not queue["isAlsoStreamed"])
        async with listening(f"{stage.urls[0]}/alerts"):
            await until_event(page, "queue", lambda queue: queue["isAlsoStreamed"])


async def test_a_stream_ends_with_its_secret(stage):
    """A stream that was opened with a secret ends when that is withdrawn."""
    made = stage.secret()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with listening(f"{stage.urls[1]}/show?layers=state", **headers) as page:
        await page.event(20)
        stage.host("DELETE", f"/admin/show/secrets/{made['id']}").raise_for_status()
        with pytest.raises(EOFError):
            await until_event(page, "never")


def chat(text):
    """Somebody writes in chat."""
    event = {
        "chatter_user_id": "31337",
        "chatter_user_login": "tapehead",
        "chatter_user_name": "TapeHead",
        "message_id": str(uuid.uuid4()),
        "message": {"text": text, "fragments": [{"type": "text", "text": text}]},
        "color": "",
        "broadcaster_user_id": "953753877",
        "broadcaster_user_login": "goldenvcr",
        "broadcaster_user_name": "GoldenVCR",
    }
    return message("channel.chat.message", event)


async def test_chat_alone_is_replayed(conninfo):
    """A page that comes again by its id gets the chat that it missed, and no alerts; a new one as it asks."""
    with Auth() as auth, ExitStack() as stack:
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET, "CHAT_SOURCE": "eventsub"}
        url = stack.enter_context(running_here(conninfo, settings)).url
        client = stack.enter_context(httpx.Client(base_url=url))
        twitch = Twitch(url, client)
        where, host = f"{url}/show?layers=chat,alert", {"Authorization": HOST["authorization"]}
        async with listening(where, **host) as page:
            await page.block(20)
            await_some(lambda: 'clients{stream="show"} 1.0' in client.get("/metrics").text)
            twitch.send(chat("first"), chat("second"))
            await page.events(2)  # so the instance has read them
        async with listening(f"{where}&backlog=2", **host) as page:
            told = await page.events(2)
            assert [each.data["message"]["text"] for each in told] == ["first", "second"]
        twitch.send(follow("BetamaxBob"), chat("third"))
        async with listening(where, told[0].id, **host) as page:
            again = await page.events(2)
            assert [each.data["message"]["text"] for each in again] == ["second", "third"]
        async with listening(where, "another-1.1", **host) as page:
            await page.block(20)
            await_some(lambda: 'clients{stream="show"} 1.0' in client.get("/metrics").text)
            twitch.send(chat("fourth"))
            assert (await page.event(20)).data["message"]["text"] == "fourth"


async def test_a_page_at_an_instance_that_is_behind_is_told_nothing_again(conninfo):
    """A page that comes from an instance which is ahead is told neither chat nor alerts twice."""
    with Auth() as auth, ExitStack() as stack:
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET, "CHAT_SOURCE": "eventsub"}
        other = stack.enter_context(deaf_instance(conninfo, settings))
        url = stack.enter_context(running_here(conninfo, settings)).url
        twitch = Twitch(url, stack.enter_context(httpx.Client(base_url=url)))
        path, host = "/show?layers=chat,alert", {"Authorization": HOST["authorization"]}
        twitch.send(chat("before"))
        async with listening(f"{url}{path}&backlog=1", **host) as page:
            await page.event(20)
            twitch.send(follow("BetamaxBob"), chat("seen"))
            seen = await page.events(2)
        async with listening(f"{other.url}{path}", seen[-1].id, **host) as page:
            twitch.send(follow("MargeOnMute"), chat("new"))
            other.look()
            told = [each.data for each in await page.events(2)]
        assert [each["message"]["text"] for each in told if "message" in each] == ["new"]
        assert [each["data"]["username"] for each in told if "data" in each] == ["MargeOnMute"]


async def test_a_stream_is_kept_while_the_database_is_away(stage, overlay, postgres_server):
    """A page that is open when the database goes stays open, and is told what comes when it is back."""
    async with listening(f"{stage.urls[0]}/show?layers=alert,queue", **bearer(overlay)) as page:
        await until_event(page, "queue")
        with gone(stage.conninfo, postgres_server.conninfo):
            asked = overlay.post("/show/next")
            assert (asked.status_code, "database" in asked.text) == (503, True)
        await_some(lambda: stage.first.get("/readyz").status_code == 200)
        number = await_some(lambda: stage.tell(cheer("VHSVera")))
        assert (await until_event(page, "alert")).data["id"] <= number
        assert json.dumps((await until_event(page, "queue")).data["waiting"])
