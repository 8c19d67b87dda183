"""Chat by IRC as it is served: one reader for all instances, whatever is killed, and nothing piles up."""

import asyncio
import math
import re
import signal
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from attrs import define, field

from showtime_adapters.postgres.chat_log import MAX_LINES, PostgresChatLog
from showtime_adapters.postgres.leader import CHAT_KEY
from showtime_adapters.postgres.pool import make_pool
from showtime_core.errors import Unavailable
from showtime_core.testing.contracts.chat_log import chat_report
from support.certificates import Certificate, make_certificate
from support.following import Follower, following, until
from support.in_process import running_here
from support.irc import CHANNEL, IrcServer, irc, privmsg
from support.server import Server, rows, running
from support.sse import listening
from support.twitch_api import twitch_api

LINES = "select payload->'message'->>'id' from showtime.chat_line order by id"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("irc"))


@pytest.fixture
async def twitch(certificate) -> AsyncIterator[IrcServer]:
    async with irc(certificate) as server:
        yield server


@pytest.fixture
def settings(twitch, certificate) -> dict[str, str]:
    return {
        "TWITCH_CHANNEL_NAME": "GoldenVCR",
        "TWITCH_IRC_URL": twitch.url,
        "TWITCH_CA_FILE": str(certificate.file),
    }


def ids(client: Follower) -> list[str]:
    return [line["message"]["id"] for line in client.data]


def resident_bytes(server: Server) -> int:
    """What the process has in memory, by Linux."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


async def status(server: Server) -> dict[str, object]:
    async with httpx.AsyncClient(timeout=60) as client:
        return (await client.get(f"{server.url}/status")).json()


async def lag_of(server: Server) -> dict[str, float]:
    """How far behind Twitch the chat is, by what Prometheus is told."""
    async with httpx.AsyncClient(timeout=60) as client:
        told = (await client.get(f"{server.url}/metrics")).text
    return {
        name: float(re.findall(rf"^showtime_chat_lag_seconds_{name} (\S+)$", told, re.MULTILINE)[0])
        for name in ("count", "sum")
    }


@define
class Numbers:
    """Sends messages that are numbered, whether anybody has joined or not."""

    twitch: IrcServer
    sent_at: list[float] = field(factory=list)
    is_over: asyncio.Event = field(factory=asyncio.Event)

    async def run(self) -> None:
        while not self.is_over.is_set():
            self.sent_at.append(time.monotonic())
            await self.twitch.send(privmsg(str(len(self.sent_at) - 1), "be kind, rewind"))
            await asyncio.sleep(0.002)


async def test_a_connection_that_is_killed_doubles_nothing(twitch, settings, migrated, scale):
    """No message is shown twice, all are in order, and what is missing was said while nobody was there."""
    numbers, killed_at, back_at = Numbers(twitch), [], []
    with running_here(migrated, settings) as server:
        await twitch.until_joined()
        async with following(f"{server.url}/chat") as client:
            sending = asyncio.create_task(numbers.run())
            for kill in range(scale.chat_cuts):
                await until(lambda: client.events and numbers.sent_at, 30)
                seen = len(client.events)
                await until(lambda seen=seen: len(client.events) >= seen + 20, 30)
                killed_at.append(time.monotonic())
                twitch.kill()
                await twitch.until_joined(kill + 2)
                back_at.append(time.monotonic())
            numbers.is_over.set()
            await sending
            await twitch.send(privmsg("end", "good night"))
            await until(lambda: ids(client)[-1:] == ["end"])
    seen = [int(message_id) for message_id in ids(client)[:-1]]
    assert seen == sorted(set(seen))
    away = list(zip(killed_at, back_at, strict=True))
    sent_at = [*numbers.sent_at, math.inf]
    # What was under way when the line broke is lost with it: all up to something that was said afterwards.
    stray = [
        (before, after)
        for before, after in pairwise([-1, *seen, len(numbers.sent_at)])
        if before + 1 < after
        and not any(sent_at[before + 1] <= back and gone <= sent_at[after] for gone, back in away)
    ]
    assert stray == []
    assert rows(migrated, "select count(*) from (select key from showtime.chat_heard) as k") == [
        (len(seen) + 1,)
    ]


async def send_every_second(twitch: IrcServer, count: int, numbers: range) -> None:
    """Send so many messages a second, whether they are taken or not: a connection holds what is not read."""
    began = time.monotonic()
    for first in range(0, len(numbers), 50):
        await twitch.send(b"".join(privmsg(f"m{number}", "first!") for number in numbers[first : first + 50]))
        await asyncio.sleep(max(began + first / count - time.monotonic(), 0.0))


async def test_a_flood_is_kept_whole_and_memory_stays_flat(twitch, settings, migrated, tmp_path, scale):
    """At 5,000 a second and then unthrottled, all messages are there in order, and memory stays flat."""
    count = scale.chat_lines
    with running(migrated, tmp_path / "log", settings=settings) as server:
        await twitch.until_joined()
        await send_every_second(twitch, 5000, range(count))
        await until(lambda: rows(migrated, "select last_line_id from showtime.chat_room") == [(count,)], 60)
        assert rows(migrated, LINES) == [(f"m{number}",) for number in range(count)]
        before = resident_bytes(server)
        async with following(f"{server.url}/chat") as client:
            for number in range(count, 2 * count):
                await twitch.send(privmsg(f"m{number}", "again!"))
                # A client in Python is slower than the server, and one that is too slow is sent away.
                await until(lambda number=number: number - count < len(client.events) + 2000)
            await until(lambda: len(client.events) == count, 60)
            assert ids(client) == [f"m{number}" for number in range(count, 2 * count)]
            assert client.connections == 1
        assert resident_bytes(server) - before < 16_000_000
    assert rows(migrated, LINES) == [(f"m{number}",) for number in range(2 * count - MAX_LINES, 2 * count)]
    assert rows(migrated, "select count(*) from showtime.chat_heard") == [(MAX_LINES,)]


@pytest.mark.long
async def test_one_instance_reads_and_another_takes_over(twitch, settings, migrated, tmp_path):
    """One of two joins, both show its chat, and when it is killed the other follows without a repeat."""
    with (
        running(migrated, tmp_path / "1.log", settings=settings) as one,
        running(migrated, tmp_path / "2.log", settings=settings) as two,
    ):
        await twitch.until_joined()
        async with (
            following(f"{one.url}/chat", f"{two.url}/chat") as moving,
            following(f"{two.url}/chat") as staying,
        ):
            stamp = str(int(time.time() * 1000) - 7000)
            await twitch.send(privmsg("a", "hi", tmi_sent_ts=stamp) + privmsg("b", "hi"))
            await until(lambda: ids(moving) == ids(staying) == ["a", "b"])
            assert len(twitch.joined) == 1
            reader, other = (one, two) if "is connected" in one.log.read_text() else (two, one)
            assert "is connected" not in other.log.read_text()
            expected = {"isReady": True, "message": "showtime is fully operational. Off: ghosts, points."}
            assert await status(one) == await status(two) == expected
            lag = await lag_of(reader)
            assert lag["count"] == 1
            assert lag["sum"] >= 7

            reader.kill()
            await twitch.until_joined(2)
            await twitch.send(privmsg("b", "hi") + privmsg("c", "hi"))
            client = staying if reader is one else moving
            await until(lambda: ids(client) == ["a", "b", "c"])
            assert len(twitch.joined) == 1


@pytest.mark.long
async def test_a_reader_that_was_frozen_says_nothing_late(twitch, settings, migrated, tmp_path):
    """Another takes over; what the frozen one had received is said by nobody when it goes on."""
    with (
        running(migrated, tmp_path / "1.log", settings=settings) as one,
        running(migrated, tmp_path / "2.log", settings=settings) as two,
    ):
        await until(lambda: "is connected" in one.log.read_text() + two.log.read_text(), 30)
        reader, other = (one, two) if "is connected" in one.log.read_text() else (two, one)
        async with following(f"{other.url}/chat") as client:
            await twitch.send(privmsg("a", "hi"))
            await until(lambda: ids(client) == ["a"])
            reader.signal(signal.SIGSTOP)
            await twitch.send(privmsg("late", "hi"))  # to the frozen one alone, which has it in its buffers
            await twitch.until_joined(2, 60)
            await twitch.send(privmsg("b", "hi"))  # to both
            await until(lambda: ids(client) == ["a", "b"])
            reader.signal(signal.SIGCONT)
            await until(lambda: len(twitch.joined) == 1, 60)  # it has noticed
            await twitch.send(privmsg("c", "hi"))
            await until(lambda: ids(client)[-1:] == ["c"])
        assert ids(client) == ["a", "b", "c"]
        assert rows(migrated, LINES) == [("a",), ("b",), ("c",)]


async def test_a_reader_that_has_lost_the_lock_writes_nothing_more(twitch, settings, migrated):
    """A reader without the lock writes nothing, although it has not noticed and is still connected."""
    with running_here(migrated, settings), running_here(migrated, settings):
        await until(lambda: rows(migrated, "select from showtime.chat_room where seen_at is not null"), 30)
        for tries in range(10):
            former = twitch.joined[-1]
            end_leader(migrated)
            await until(lambda former=former: twitch.joined and twitch.joined[-1] is not former, 60)
            await former.say(privmsg(f"late-{tries}", "hi"))
            await twitch.joined[-1].say(privmsg(f"b-{tries}", "hi"))
            await until(lambda tries=tries: (f"b-{tries}",) in rows(migrated, LINES), 30)
            if former.is_open:  # so it has heard, and had the time to write; else it was told too soon
                break
        await until(lambda: not former.is_open, 30)
    assert [key for (key,) in rows(migrated, LINES) if key.startswith("late")] == []


def end_leader(conninfo: str) -> None:
    """End the session that holds the lock, as a database does that restarts."""
    held = (
        "select pid from pg_locks where locktype = 'advisory' and granted and objid = %s::bigint & 4294967295"
    )
    assert rows(conninfo, f"select pg_terminate_backend(pid) from ({held}) as leader", CHAT_KEY) == [(True,)]


async def test_whoever_may_not_write_writes_nothing(migrated):
    """Without the right to write, neither messages nor the health of the reading are written."""

    async def refuse(_: object) -> None:
        raise Unavailable("another does this by now")

    async with make_pool(migrated) as pool:
        log = PostgresChatLog(pool, refuse)
        for writing in (log.write([chat_report("late")]), log.report("trouble")):
            with pytest.raises(Unavailable, match="another does this"):
                await writing
    assert rows(migrated, LINES) == []
    assert rows(migrated, "select trouble, seen_at from showtime.chat_room") == [(None, None)]


async def test_people_are_told_when_chat_is_not_connected(twitch, settings, migrated):
    """Every instance tells why chat is not connected, while streams stay open and alerts go on."""
    twitch.lets_join = False
    with running_here(migrated, settings) as one, running_here(migrated, settings) as two:
        await until(lambda: twitch.connections and twitch.connections[-1].is_open, 30)
        twitch.connections[-1].writer.write(b":tmi.twitch.tv NOTICE * :Login unsuccessful\r\n")
        twitch.connections[-1].writer.close()
        trouble, why = "select trouble from showtime.chat_room", "chat is not connected: Login unsuccessful"
        await until(lambda: rows(migrated, trouble) == [(why,)])
        told = f"chat functionality is degraded. (Error: {why})"
        assert (await status(one))["message"] == (await status(two))["message"] == told
        async with listening(f"{one.url}/chat") as stream:
            twitch.lets_join = True
            twitch.kill()
            await twitch.until_joined()
            await twitch.send(privmsg("a", "hi"))
            assert (await stream.event(10)).data["message"]["id"] == "a"
        await until(lambda: rows(migrated, trouble) == [(None,)])


def test_a_channel_must_have_a_name_that_twitch_knows(migrated, tmp_path):
    """A channel name or an IRC address that cannot be one is named before anything starts."""
    wrong = {"TWITCH_CHANNEL_NAME": "golden vcr", "TWITCH_IRC_URL": "https://irc.chat.twitch.tv"}
    with pytest.raises(AssertionError) as failure, running(migrated, tmp_path / "log", settings=wrong):
        pass
    assert "TWITCH_CHANNEL_NAME: " in str(failure.value)
    assert "TWITCH_IRC_URL: must be a URL of scheme, host and port alone" in str(failure.value)
    assert CHANNEL not in str(failure.value)


async def test_a_watch_streak_by_irc_is_chat_and_has_an_alert(twitch, settings, migrated):
    """A notice's words are shown; its streak has an alert; what comes from another room has neither."""
    streak = "msg-id=viewermilestone;msg-param-category=watch-streak;msg-param-value=7"
    with running_here(migrated, settings | {"ALERT_WATCH_STREAKS": "true"}) as server:
        await twitch.until_joined()
        async with following(f"{server.url}/chat") as chat, following(f"{server.url}/alerts") as alerts:
            for message_id, tags in (("a", "source-room-id=2"), ("b", ""), ("b", ""), ("c", "")):
                head = f"@id={message_id};user-id=7;login=vera;display-name=Vera;room-id=1;{streak};{tags}"
                await twitch.send(f"{head} :tmi.twitch.tv USERNOTICE #{CHANNEL} :seven tapes\r\n".encode())
            await until(lambda: len(chat.events) == 2 and len(alerts.events) == 2)
            assert ids(chat) == ["b", "c"]
            data = {"username": "Vera", "numConsecutiveStreams": 7, "message": "seven tapes"}
            assert alerts.data == [{"type": "watch-streak", "data": data}] * 2


async def test_another_room_is_shown_by_its_name(twitch, settings, migrated):
    """IRC tells the id of another room alone; Twitch is asked for its name, and else the id stands for it."""
    with twitch_api() as api:
        app = api.settings | settings | {"SHOW_SHARED_CHAT": "true", "TWITCH_KEEP_SUBSCRIPTIONS": "false"}
        with running_here(migrated, app) as server:
            await twitch.until_joined()
            async with following(f"{server.url}/chat") as chat:
                for message_id, room in (("a", "31337"), ("b", "31337"), ("c", "4")):
                    tags = f"@id={message_id};user-id=7;display-name=Vera;room-id=1;source-room-id={room}"
                    await twitch.send(f"{tags} :vera!vera@vera PRIVMSG #{CHANNEL} :hi\r\n".encode())
                await until(lambda: len(chat.events) == 3)
            assert [line["message"]["channel"] for line in chat.data] == ["Tapehead", "Tapehead", "4"]
