"""`showtime init` as its users run it: against Twitch as it speaks, with a real server to call back."""

import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from attrs import frozen
from click.testing import CliRunner

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_app.cli.init import init
from support.browser import alone_on_the_machine, browser
from support.databases import fresh_database
from support.following import await_some
from support.forked import Forked, showtime
from support.in_process import running_here
from support.server import SECRET, Served, environment, rows
from support.twitch import follow
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import BROADCASTER_ID, CHAT_SCOPES, DEAD, EVERYTHING, OUR_URL, SCOPES, TYPES

NEW = "a-new-secret-for-the-new-year"
ADDRESS = re.compile(r"^ +(http\S+)$", re.MULTILINE)


@frozen
class Stage:
    """Twitch, our server, and the folder of the operator."""

    twitch: TwitchApi
    server: Served
    conninfo: str
    folder: Path

    def environment(self, **settings: str) -> dict[str, str]:
        usual = {**self.twitch.settings, "TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL}
        return environment(self.conninfo, **(usual | settings))

    def init(self, *options: str, code: int = 0, **settings: str) -> str:
        """Run it, without anybody to ask; returns what it says."""
        ran = CliRunner().invoke(init, ["--non-interactive", *options], env=self.environment(**settings))
        assert ran.exit_code == code, ran.output
        return ran.output

    @contextmanager
    def asking(self, *options: str, **settings: str) -> Iterator[Forked]:
        """Run it while somebody is there to be asked; what it says is in its output, errors as well."""
        names = self.environment(PYTHONUNBUFFERED="1", **settings)
        with alone_on_the_machine("port-3033"):
            process = showtime(["init", *options], names, self.folder, output=None, errors=None)
            assert process.stdout
            with process.stdout:
                try:
                    yield process
                finally:
                    process.kill()
                    process.wait()


@pytest.fixture(scope="module")
def shared_server(postgres_server: EmbeddedPostgres) -> Iterator[tuple[str, Served]]:
    """One server for all, that knows both secrets."""
    both = {"TWITCH_WEBHOOK_SECRET": f"{NEW},{SECRET}"}
    with fresh_database(postgres_server.conninfo) as conninfo, running_here(conninfo, both) as server:
        yield conninfo, server


@pytest.fixture
def stage(shared_server: tuple[str, Served], tmp_path: Path) -> Iterator[Stage]:
    conninfo, server = shared_server
    with twitch_api() as twitch:
        twitch.world.reached[OUR_URL] = f"{server.url}/callback"
        yield Stage(twitch, server, conninfo, tmp_path)


def read_address(process: Forked) -> str:
    """Read on until an address is printed."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if found := ADDRESS.search(line):
            return found[1]
    raise AssertionError(f"it prints no address:\n{said}")


def shown(stage: Stage) -> list[object]:
    """List whom the alerts name."""
    query = "select payload->'data'->>'username' from showtime.feed order by id"
    return [name for (name,) in rows(stage.conninfo, query)]


def end(process: Forked) -> tuple[int, str]:
    """Wait until it ends; returns its exit code, and what it has said since, which is for people alone."""
    assert process.stdout
    said = process.stdout.read()
    assert "Traceback" not in said, said
    return process.wait(60), said


# --- without anybody to ask -----------------------------------------------------------------------


def test_a_channel_is_set_up_and_again(stage: Stage):
    """What is missing is created and verified by our own server; the second time nothing is to be done."""
    stage.twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
    assert "would create stream.online" in stage.init("--dry-run", code=3)
    assert not stage.twitch.world.subs
    assert f"all {TYPES} subscriptions are enabled" in stage.init()
    assert set(stage.twitch.world.statuses().values()) == {"enabled"}
    assert {status for _, status in stage.twitch.world.challenged} == {200}
    before = dict(stage.twitch.world.subs)
    stage.init("--dry-run")
    assert f"all {TYPES} subscriptions are enabled" in stage.init("--force")
    assert stage.twitch.world.subs == before
    assert stage.twitch.world.emit(follow("Marge"), "channel.follow") == [204]
    assert shown(stage)[-1] == "Marge"


def test_optional_ones_may_lack_consent(stage: Stage):
    """A channel that was set up for the predecessor goes on, and is told what it could have."""
    said = stage.init()
    assert "all 12 subscriptions are enabled" in said
    assert re.search(
        r"channel\.hype_train\.begin +optional, missing: the broadcaster's consent is missing", said
    )


def test_required_ones_may_not(stage: Stage):
    """The exit code says that somebody has to be asked; what needs no consent is there."""
    stage.twitch.world.consents.clear()
    said = stage.init(code=4)
    assert "6 subscriptions that the show needs are not enabled" in said
    assert stage.twitch.world.statuses()["stream.online"] == "enabled"


def test_nobody_elses_is_touched(stage: Stage):
    """No other's subscription is touched, whether by creating, by force or by deleting all."""
    others = [
        stage.twitch.world.add("stream.online", "https://others.example/", DEAD),
        stage.twitch.world.add("channel.cheer", OUR_URL + "/v2"),
    ]
    assert "2 others of this client id go elsewhere" in stage.init()
    stage.init("--force")
    stage.init("--delete-all")
    assert list(stage.twitch.world.subs.values()) == others


def test_what_is_broken_is_deleted_by_force_only(stage: Stage):
    """Only force deletes what is broken, also of an earlier version, and what is not wanted."""
    broken = stage.twitch.world.add("stream.online", status=DEAD)
    former = stage.twitch.world.add("channel.follow", version="1")
    unwanted = stage.twitch.world.add("channel.moon_phase")
    assert "version 1 of it is there: `showtime init --force` replaces it" in stage.init(code=1)
    assert {broken.id, former.id, unwanted.id} <= stage.twitch.world.subs.keys()
    said = stage.init("--force")
    assert "deleted channel.moon_phase (enabled)" in said
    assert not {broken.id, former.id, unwanted.id} & stage.twitch.world.subs.keys()
    assert len(stage.twitch.world.of()) == 12


def test_all_are_deleted_on_demand(stage: Stage):
    """All subscriptions are deleted only on demand, and a dry run says which."""
    stage.init()
    assert "would delete stream.online" in stage.init("--delete-all", "--dry-run", code=3)
    assert len(stage.twitch.world.of()) == 12
    assert "12 subscriptions were deleted" in stage.init("--delete-all")
    assert not stage.twitch.world.of()


def test_where_nothing_is_there_nothing_is_deleted(stage: Stage):
    """Where no subscription calls our URL, deleting all says that there was nothing to delete."""
    assert f"nothing was deleted: no subscription calls {OUR_URL}" in stage.init("--delete-all")
    assert "nothing is to be done" in stage.init("--delete-all", "--dry-run")


def test_a_server_that_does_not_verify_is_told(stage: Stage):
    """Where a server has another secret, or nobody is at the callback, the exit code says that it failed."""
    said = stage.init(code=1, TWITCH_WEBHOOK_SECRET="another-secret-altogether")
    assert "webhook_callback_verification_failed: does the server answer at the callback URL" in said


def test_every_instance_knows_at_once(stage: Stage):
    """What was found is kept in the database, for /status."""
    stage.init()
    ((report,),) = rows(stage.conninfo, "select report from showtime.twitch_health")
    assert {each["status"] for each in report["findings"] if not each["is_optional"]} == {"enabled"}


def test_trouble_is_told_in_words(stage: Stage):
    """Trouble is told in words with its remedy, and with no secret."""
    assert "TWITCH_CLIENT_ID" in stage.init(code=1, TWITCH_CLIENT_SECRET="not-the-secret")
    assert "Twitch knows no user" in stage.init(code=1, TWITCH_CHANNEL_NAME="betamax")
    stage.twitch.fail("/helix/users", "503", times=100)
    assert "Twitch cannot be reached: Twitch is unwell (503)" in stage.init(code=1)
    stage.twitch.failures.clear()
    stage.twitch.world.withdrawn.add(("channel.raid", "1"))
    said = stage.init(code=1)
    assert "Twitch has withdrawn version 1 of channel.raid" in said
    assert SECRET not in said
    assert "must be set" in stage.init(code=1, TWITCH_CLIENT_ID="")
    assert "exclude each other" in stage.init("--delete-all", "--rotate-secret", code=2)


def test_a_faltering_twitch_is_borne(stage: Stage):
    """All subscriptions are there after a Twitch that is slow, cut off, failing, limited or revoking."""
    stage.twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
    for method, troubles in {"GET": ("slow", "cut", "503", "401"), "POST": ("slow", "limit", "500")}.items():
        for how in troubles:
            stage.twitch.fail("/helix/eventsub", how, method=method)
    assert f"all {TYPES} subscriptions are enabled" in stage.init()
    assert not any(failure.times for failure in stage.twitch.failures)
    assert stage.twitch.counted()["POST /oauth2/token"] == 2
    assert len(stage.twitch.world.of()) == TYPES


def test_a_kind_of_which_others_have_all_is_told(stage: Stage):
    """Of one kind Twitch allows three, whoever they call, and a fourth is told and not created."""
    for number in range(3):
        stage.twitch.world.add("channel.raid", f"https://others.example/{number}")
    said = stage.init(code=1)
    assert "channel.raid" in said
    assert "three subscriptions of one type and condition" in said
    assert len(stage.twitch.world.of()) == TYPES - 5


# --- with somebody to ask -------------------------------------------------------------------------


@pytest.fixture
def follow_link(
    stage: Stage, require_tool: Callable[[str], Path]
) -> Iterator[Callable[[str, str], tuple[str, str]]]:
    """Open an address in Chromium and click; returns the title of the page that it leads to, and its text."""
    chromium, driver = require_tool("chromium"), require_tool("chromium-driver")
    with browser(chromium, driver, stage.folder / "profile") as chrome:

        def click(address: str, link: str) -> tuple[str, str]:
            chrome.get(address)
            chrome.find_element("id", link).click()
            await_some(lambda: chrome.title != "Twitch")
            chrome.save_screenshot(str(stage.folder / "page.png"))
            return chrome.title, chrome.find_element("tag name", "main").text

        yield click


def test_the_broadcaster_consents_in_the_browser(stage: Stage, follow_link):
    """The address is opened by itself; a click, and all is there."""
    opened = stage.folder / "opened"
    script = stage.folder / "open-browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    script.chmod(0o755)
    stage.twitch.world.consents.clear()
    with stage.asking(BROWSER=f"{script} %s") as process:
        await_some(opened.exists)
        title, text = follow_link(opened.read_text(), "authorize")
        code, said = end(process)
    assert (code, title) == (0, "Thank you, that is all · showtime"), said
    assert "go back to the terminal" in text
    assert f"all {TYPES} subscriptions are enabled" in said
    assert stage.twitch.world.consents[BROADCASTER_ID] == EVERYTHING


def test_a_broadcaster_may_decline(stage: Stage, follow_link):
    """A consent that is declined is told on the page and by the exit code."""
    stage.twitch.has_devices = False
    with stage.asking("--no-browser") as process:
        title, text = follow_link(read_address(process), "cancel")
        code, said = end(process)
    assert (code, title) == (4, "The consent is missing · showtime"), said
    assert "The user denied you access" in text
    assert "the consent was not given" in said


def test_somebody_elses_consent_is_not_enough_and_may_be_followed_by_the_right_one(stage: Stage, follow_link):
    """The page says who is to sign in, or what is missing; then it goes on."""
    stage.twitch.has_devices = False
    with stage.asking("--no-browser") as process:
        address = read_address(process)
        stage.twitch.visitor = "tapehead"
        title, text = follow_link(address, "authorize")
        assert title.startswith("That was not quite it")
        assert "It was tapehead who has consented, and the channel is GoldenVCR" in text
        stage.twitch.visitor, stage.twitch.withholds = "goldenvcr", {"bits:read"}
        title, text = follow_link(address, "authorize")
        assert title.startswith("That was not quite it")
        assert "The consent of goldenvcr lacks bits:read. Open once more" in text
        stage.twitch.withholds = {"channel:read:ads"}
        follow_link(address, "authorize")
        code, said = end(process)
        assert code == 0
    assert "it was tapehead who has consented, and the channel is GoldenVCR: sign in" in said
    assert "the consent of goldenvcr lacks bits:read. Open once more" in said


def test_an_answer_to_another_question_is_not_taken(stage: Stage):
    """Whoever lures the browser to our page, with a state that we did not give or none, changes nothing."""
    stage.twitch.has_devices = False
    with stage.asking("--no-browser") as process:
        query = httpx.URL(read_address(process)).params
        assert query["redirect_uri"] == "http://localhost:3033/auth"
        page = "http://localhost:3033/auth"
        for forged in ("?code=x", "?code=x&state=guessed", "?error=access_denied&state=", "?state=%ff"):
            answer = httpx.get(page + forged)
            assert answer.status_code == 400
            assert "another visit" in answer.text
        assert httpx.get("http://localhost:3033/").status_code == 404
        assert httpx.get(f"{page}/?code=x&state={query['state']}").status_code == 404
        assert httpx.post(f"{page}?code=x&state={query['state']}").status_code == 404
        shown = httpx.get(page, params={"state": query["state"], "error": "<script>alert(1)</script>"})
        assert "<script>" not in shown.text
        assert "&lt;script&gt;" in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        with socket.create_connection(("localhost", 3033)):  # as a browser that expects to ask more
            assert end(process)[0] == 4


def test_a_code_is_typed_in_on_any_device(stage: Stage):
    """On a server without a browser the consent is given with a code that is typed in on any device."""
    stage.twitch.world.consents.clear()
    with stage.asking("--no-browser") as process:
        read_address(process)
        assert "ABCDEFGH" in read_address(process)
        stage.twitch.typed_in = True
        code, said = end(process)
    assert code == 0, said
    assert f"all {TYPES} subscriptions are enabled" in said


def test_chat_by_eventsub_is_asked_for_too(stage: Stage):
    """A channel that consented before is ready without it; once asked, it has four subscriptions more."""
    chat = {"CHAT_SOURCE": "eventsub"}
    assert re.search(r"channel\.chat\.message +optional, missing", stage.init(**chat))
    stage.twitch.world.consents.clear()
    with stage.asking("--no-browser", **chat) as process:
        read_address(process)
        read_address(process)
        stage.twitch.typed_in = True
        code, said = end(process)
    assert code == 0, said
    assert f"all {TYPES + 5} subscriptions are enabled" in said
    assert stage.twitch.world.consents[BROADCASTER_ID] == EVERYTHING | CHAT_SCOPES


# --- rotation -------------------------------------------------------------------------------------


@pytest.fixture
def rotating(stage: Stage) -> Stage:
    """A channel that was set up with the former secret."""
    stage.twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
    stage.init()
    return stage


def test_the_secret_is_rotated_one_by_one(rotating: Stage):
    """Each is replaced under the new secret, its gap is told; events of before and after count once each."""
    world = rotating.twitch.world
    assert world.emit(follow("Before"), "channel.follow") == [204]
    said = rotating.init("--rotate-secret", TWITCH_WEBHOOK_SECRET=f"{NEW},{SECRET}")
    assert {sub.secret for sub in world.of()} == {NEW}
    assert len(world.of()) == TYPES
    assert len(re.findall(r"replaced; no events for [0-9.]+ s", said)) == TYPES
    assert "the longest gap was" in said
    assert world.emit(follow("After"), "channel.follow") == [204]
    assert [name for name in shown(rotating) if name in ("Before", "After")] == ["Before", "After"]


def test_what_happens_in_a_gap_is_lost_and_nothing_is_told_twice(rotating: Stage):
    """Each follow that Twitch delivers counts once, and those lost fall in a gap no longer than told."""
    world, sent, lost = rotating.twitch.world, {}, []
    has_lost, stopping = threading.Event(), threading.Event()

    def keep_following() -> None:
        for number in itertools.count():
            if stopping.is_set():
                return
            begun = time.monotonic()
            sent[f"Fan{number}"] = world.emit(follow(f"Fan{number}"), "channel.follow")
            if not sent[f"Fan{number}"]:
                lost.append((begun, time.monotonic()))
                has_lost.set()
            time.sleep(0.002)

    world.before_challenge = lambda sub: sub.type != "channel.follow" or has_lost.wait(60)
    crowd = threading.Thread(target=keep_following)
    crowd.start()
    try:
        said = rotating.init("--rotate-secret", TWITCH_WEBHOOK_SECRET=f"{NEW},{SECRET}")
    finally:
        stopping.set()
        crowd.join()
    told = re.search(r"channel\.follow +replaced; no events for ([0-9.]+) s", said)
    assert set(map(tuple, sent.values())) == {(204,), ()}
    assert told
    first, last = lost[0], lost[-1]
    assert last[0] - first[1] <= float(told[1]) + 0.05  # what is told is rounded
    delivered = [name for name, answers in sent.items() if answers]
    assert [name for name in shown(rotating) if name in sent] == delivered


def test_a_rotation_leaves_the_channel_as_the_show_needs_it(rotating: Stage):
    """What is missing or about to be verified is under the new secret as well; what nobody wants stays."""
    world, both = rotating.twitch.world, {"TWITCH_WEBHOOK_SECRET": f"{NEW},{SECRET}"}
    raid, cheer = (
        next(sub for sub in world.of() if sub.type == f"channel.{name}") for name in ("raid", "cheer")
    )
    del world.subs[raid.id]
    cheer.status = "webhook_callback_verification_pending"
    unwanted = world.add("channel.moon_phase", secret=SECRET)
    said = rotating.init("--rotate-secret", **both)
    assert f"{TYPES - 1} are under the first secret now" in said
    assert f"all {TYPES} subscriptions are enabled" in said
    assert "1 that are not wanted keep their secret" in said
    assert {sub.secret for sub in world.of() if sub.id != unwanted.id} == {NEW}
    world.consents[BROADCASTER_ID].remove("bits:read")
    for sub in world.of():
        if SCOPES.get(sub.type) == {"bits:read"}:  # without consent Twitch ends them all
            del world.subs[sub.id]
    assert "1 subscriptions that the show needs" in rotating.init("--rotate-secret", code=4, **both)


def test_a_rotation_that_was_cut_off_is_made_up_for(rotating: Stage):
    """After a rotation that was killed the next run puts back what was away, and another replaces all."""
    world, both = rotating.twitch.world, {"TWITCH_WEBHOOK_SECRET": f"{NEW},{SECRET}"}
    rotating.twitch.fail("/helix/eventsub", "hang", method="POST")
    with rotating.asking("--rotate-secret", **both) as process:
        await_some(lambda: len(world.of()) < TYPES)
        process.kill()
    assert len(world.of()) == TYPES - 1
    assert f"all {TYPES} subscriptions are enabled" in rotating.init(**both)
    rotating.init("--rotate-secret", **both)
    assert {sub.secret for sub in world.of()} == {NEW}
    assert len(world.of()) == TYPES


def test_a_server_that_does_not_know_the_new_secret_stops_the_rotation(rotating: Stage):
    """A server without the new secret stops the rotation at the least important, which is put back."""
    said = rotating.init("--rotate-secret", code=1, TWITCH_WEBHOOK_SECRET=f"unknown-to-the-server,{SECRET}")
    assert "restart every `showtime serve` with both secrets" in said
    assert {sub.secret for sub in rotating.twitch.world.of()} == {SECRET}
    assert set(rotating.twitch.world.statuses().values()) == {"enabled"}
    assert len(rotating.twitch.world.of()) == TYPES


def test_no_gap_is_opened_while_a_broadcast_is_live(rotating: Stage):
    """No gap is opened while a broadcast is live unless that is wanted, and rotation needs both secrets."""
    secrets = {"TWITCH_WEBHOOK_SECRET": f"{NEW},{SECRET}"}
    rotating.twitch.go_live("40123", "2026-10-30T20:00:00Z")
    assert "a broadcast is live" in rotating.init("--rotate-secret", code=1, **secrets)
    assert "the new secret and the former one" in rotating.init("--rotate-secret", code=1)
    assert {sub.secret for sub in rotating.twitch.world.of()} == {SECRET}
    assert "would replace stream.online" in rotating.init(
        "--rotate-secret", "--now", "--dry-run", code=3, **secrets
    )
    rotating.init("--rotate-secret", "--now", **secrets)
    assert {sub.secret for sub in rotating.twitch.world.of()} == {NEW}
