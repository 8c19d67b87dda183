"""`serve` looks after its channel at Twitch: instances as they run, and Twitch as it speaks."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from attrs import evolve, frozen

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.health import PostgresHealthStore
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.state import read_state
from showtime_app import upkeep
from showtime_app.web.routes import status
from showtime_core.domain.broadcasts.stream_check import ListedStream, StreamListing
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.reactions import Policy
from showtime_core.testing.twins.twitch import MemoryChannels, MemorySubscriptions
from showtime_core.use_cases.check_channel import CheckChannel
from support.dev import developing
from support.following import until
from support.in_process import run_here, running_here
from support.records import assert_replays, staged
from support.server import SECRET, Served, environment, free_port, rows, running
from support.twitch import follow
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import BROADCASTER_ID, CHAT_SCOPES, DEAD, EVERYTHING, OUR_URL, TYPES

WELL = "showtime is fully operational. Off: chat, ghosts, points."
OLDER = """
    update showtime.twitch_health set checked_at = checked_at - make_interval(mins => %s) returning checked_at
"""
CREATED = "POST /helix/eventsub/subscriptions"


@frozen
class Stage:
    """Twitch, and whoever serves the channel."""

    twitch: TwitchApi
    conninfo: str
    folder: Path

    @contextmanager
    def serving(self, count: int = 1, **settings: str) -> Iterator[list[Served]]:
        """Run some instances; Twitch reaches the first."""
        ports = [free_port() for _ in range(count)]
        self.twitch.world.reached[OUR_URL] = f"http://127.0.0.1:{ports[0]}/callback"
        usual = {"TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL, "CHAT_SOURCE": "off"}
        all_settings = {**self.twitch.settings, **usual, **settings}
        with ExitStack() as stack:
            yield [
                stack.enter_context(running_here(self.conninfo, all_settings, port=port)) for port in ports
            ]

    def let_time_pass(self, minutes: int) -> None:
        """Let the last check be older than it is."""
        assert rows(self.conninfo, OLDER, minutes)


@pytest.fixture
def stage(migrated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Set up a channel whose instances look at once, and often, whether a check is due: tests turn that."""
    monkeypatch.setattr(upkeep, "_FIRST_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(upkeep, "_LOOK_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(status, "_TROUBLE_CACHE_SECONDS", 0.1)
    monkeypatch.setattr(status, "_CACHE_SECONDS", 0.1)
    with twitch_api() as twitch:
        twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
        yield Stage(twitch, migrated, tmp_path)


async def all_say(servers: Sequence[Served], message: str, *, is_ready: bool = False) -> None:
    """Wait until all instances say this, and the same."""
    expected, said = {"isReady": is_ready, "message": message}, [{}]
    async with httpx.AsyncClient(timeout=60) as client:
        for _ in range(200):
            said = [(await client.get(f"{server.url}/status")).json() for server in servers]
            if all(each == expected for each in said):
                return
            await asyncio.sleep(0.2)
    raise AssertionError(f"they say {said}")


async def test_two_instances_keep_a_channel_together(stage: Stage, caplog: pytest.LogCaptureFixture):
    """Whatever is missing or broken at Twitch is repaired once by two instances, and others' is untouched."""
    world, began = stage.twitch.world, datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    others = world.add("stream.online", "https://others.example/hook", DEAD)
    broken = world.add("stream.offline", status=DEAD)
    kept = world.add("channel.raid", secret=SECRET)
    stage.twitch.go_live("40123", began.isoformat().replace("+00:00", "Z"))
    with stage.serving(2) as servers:
        await until(lambda: [*world.statuses().values()].count("enabled") == TYPES)
        await until(lambda: broken.id not in world.subs)
        assert {others.id, kept.id} <= world.subs.keys()
        assert len(world.of()) == TYPES
        await until(lambda: rows(stage.conninfo, "select started_at, ended_at from showtime.broadcast"))
        assert rows(stage.conninfo, "select started_at, ended_at from showtime.broadcast") == [(began, None)]

        revoked = next(sub for sub in world.of() if sub.type == "channel.follow")
        assert world.revoke(revoked, "user_removed") == 204
        await until(lambda: world.statuses()["channel.follow"] == "enabled" and revoked.id not in world.subs)
        assert (
            stage.twitch.counted()[CREATED] == TYPES - 1 + 1
        )  # all but the one that was kept; and again one
        assert world.emit(follow("Marge"), "channel.follow") == [204]
        await all_say(servers, WELL, is_ready=True)
        assert caplog.text.count("Twitch has revoked channel.follow: user_removed") == 1
    shown = rows(
        stage.conninfo, "select payload->'data'->>'username' from showtime.feed where stream = 'alerts'"
    )
    assert shown == [("Marge",)]
    sources = rows(stage.conninfo, "select source, type from showtime.journal order by position")
    assert sources == [
        ("repair", "stream.found"),
        ("revocation", "channel.follow"),
        ("notification", "channel.follow"),
    ]
    await assert_replays(stage.conninfo)


async def test_what_cannot_be_repaired_is_told_by_all(stage: Stage, caplog: pytest.LogCaptureFixture):
    """What cannot be repaired is told with Twitch's word on every instance, and repaired once it can be."""
    world = stage.twitch.world
    with stage.serving(2) as servers:
        await until(lambda: [*world.statuses().values()].count("enabled") == TYPES)
        raids = next(sub for sub in world.of() if sub.type == "channel.raid")
        world.withdrawn.add((raids.type, raids.version))
        assert world.revoke(raids, "version_removed") == 204
        await all_say(servers, "Twitch subscriptions are disabled: channel.raid. (Error: version_removed)")
        withdrawn = "Twitch has withdrawn version 1 of channel.raid: a newer showtime is needed"
        assert withdrawn in caplog.text
        world.withdrawn.clear()

        world.consents[BROADCASTER_ID].remove("bits:read")
        cheers = next(sub for sub in world.of() if sub.type == "channel.cheer")
        assert world.revoke(cheers, "authorization_revoked") == 204
        disabled = "Twitch subscriptions are disabled: channel.cheer. (Error: authorization_revoked)"
        await all_say(servers, disabled)
        assert "the broadcaster's consent is missing" in caplog.text

        stage.twitch.fail("/helix", "503", times=1000)
        stage.let_time_pass(1)
        away = "Twitch cannot be reached: Twitch is unwell (503)"
        await all_say(servers, f"The subscriptions at Twitch cannot be checked. (Error: {away})")

        stage.twitch.failures.clear()
        world.consents[BROADCASTER_ID].add("bits:read")
        stage.twitch.revoked.update(stage.twitch.app_tokens)
        for how in ("slow", "limit", "cut"):
            stage.twitch.fail("/helix/eventsub", how)
        stage.let_time_pass(1)
        await all_say(servers, WELL, is_ready=True)
    assert set(world.statuses().values()) == {"enabled"}
    assert len(world.of()) == TYPES


async def test_a_chat_by_eventsub_that_was_revoked_is_degraded(stage: Stage):
    """Revoked chat subscriptions degrade the chat, not the show, and are repaired after a new consent."""
    world = stage.twitch.world
    world.consents[BROADCASTER_ID] |= CHAT_SCOPES
    with stage.serving(2, CHAT_SOURCE="eventsub") as servers:
        await until(lambda: [*world.statuses().values()].count("enabled") == TYPES + 5)
        world.consents[BROADCASTER_ID].remove("user:bot")
        chat = next(sub for sub in world.of() if sub.type == "channel.chat.message")
        assert world.revoke(chat, "authorization_revoked") == 204
        missing = "the broadcaster's consent is missing: subscription missing proper authorization (403)"
        told = f"chat functionality is degraded. (Error: {missing})"
        await all_say(servers, told, is_ready=True)
        world.consents[BROADCASTER_ID].add("user:bot")
        stage.let_time_pass(1)
        await until(lambda: chat.id not in world.subs)
        await until(lambda: [*world.statuses().values()].count("enabled") == TYPES + 5)


async def test_where_it_was_not_said_where_twitch_delivers_nothing_is_changed_there(stage: Stage):
    """The broadcast is compared all the same; and strangers who ask how it stands cost no request."""
    stage.twitch.go_live("40123", "2026-10-30T20:00:00Z")
    with stage.serving(TWITCH_WEBHOOK_CALLBACK_URL="") as servers:
        required = (
            "stream.online, stream.offline, channel.update, channel.follow, channel.raid, channel.cheer,"
            " channel.subscribe, channel.subscription.message, channel.subscription.gift,"
            " channel.subscription.end"
        )
        await all_say(servers, f"Twitch subscriptions are missing: {required}.")
        asked = stage.twitch.counted()
        async with httpx.AsyncClient(timeout=60) as client:
            for _ in range(100):
                assert (await client.get(servers[0].url)).status_code == 200
        assert stage.twitch.counted() == asked
    assert not stage.twitch.world.subs
    assert rows(stage.conninfo, "select type from showtime.journal") == [("stream.found",)]


def test_whoever_starts_it_is_told_why_nothing_is_repaired(stage: Stage):
    """By the setting that is missing, in the first lines of the log."""
    settings = {**stage.twitch.settings, "CHAT_SOURCE": "off"}
    with running(stage.conninfo, stage.folder / "log", settings=settings) as server:
        told = server.log.read_text()
    assert "checked, but not repaired, since TWITCH_WEBHOOK_CALLBACK_URL is not set" in told


async def test_on_a_laptop_twitch_is_left_alone(stage: Stage):
    """`dev` neither repairs, nor looks, nor tries anything, with all the settings of the show."""
    settings, data = {**stage.twitch.settings, "TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL}, stage.folder / "data"
    with developing(data, **settings) as dev:
        await all_say([dev.server], "showtime is fully operational.", is_ready=True)
        names = {**environment(""), **settings}
        ran = await asyncio.to_thread(run_here, "check", "--data-dir", data, names=names, folder=stage.folder)
    assert re.search(
        r"^callback +unknown +off: `showtime dev` does nothing at Twitch$", ran.stdout, re.MULTILINE
    )
    assert re.search(r"^disk +\w+ +[\d.]+ GB free", ran.stdout, re.MULTILINE)
    assert not stage.twitch.requests


async def test_an_end_that_was_lost_is_made_up_for(migrated: str):
    """The stream was missed for long enough, whoever looked: the broadcast ends when it was missed first."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    channels = MemoryChannels(
        {"goldenvcr": BROADCASTER_ID}, StreamListing(ListedStream("40123", began), began)
    )
    async with make_pool(migrated) as pool, staged(migrated) as stage:
        watch = CheckChannel(
            login="goldenvcr",
            our_url=OUR_URL,
            channels=channels,
            subscriptions=MemorySubscriptions(OUR_URL),
            units=stage.units,
            health=PostgresHealthStore(pool),
            policy=Policy(),
            pause=asyncio.sleep,
            may_repair=True,
        )
        for minutes, instance in ((0, stage.units), (60, stage.other), (65, stage.units), (70, stage.other)):
            listed = ListedStream("40123", began) if not minutes else None
            channels.listed = StreamListing(listed, began + timedelta(minutes=minutes))
            state = await read_state(pool)
            assert bool(state.timeline.live) == bool(minutes)
            await evolve(watch, units=instance).check(state, is_forced=True)
    assert rows(migrated, "select started_at, ended_at from showtime.broadcast") == [
        (began, began + timedelta(minutes=60))
    ]
    await assert_replays(migrated)


async def test_what_the_reader_of_chat_reports_is_read_beside_the_check(migrated: str):
    """What the reader of chat said is read beside the check at Twitch, with the time of the database."""
    async with make_pool(migrated) as pool:
        record = PostgresHealthStore(pool)
        await record.save_twitch(TwitchHealth(datetime.now(UTC)))
        await PostgresChatLog(pool).report("no connection")
        known = await record.read()
    assert known.twitch
    assert known.chat
    assert known.chat.failure == "no connection"
    assert abs(known.now - known.chat.checked_at) < timedelta(minutes=1)
