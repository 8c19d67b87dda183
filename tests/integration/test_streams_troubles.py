"""The streams in trouble: restarts, a database that is away, clients that do not read, and the end."""

import asyncio
import json
import signal
import socket
from contextlib import AsyncExitStack, contextmanager

import httpx
import psycopg
import pytest

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.pool import make_pool
from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub
from showtime_app.web.routes import streams
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatMessageSent
from showtime_core.domain.feed import FeedPosition
from showtime_core.domain.viewers import Viewer
from support import twitch as t
from support.databases import gone, locked
from support.deaf import deaf_instance
from support.following import following, until
from support.forked import showtime
from support.in_process import running_here
from support.sending import all_at_once
from support.server import in_an_interpreter, rows, running
from support.sse import asking, begun, listening


@contextmanager
def serving(conninfo, settings=None, **options):
    with running_here(conninfo, settings or {}, **options) as server, httpx.Client(timeout=60) as client:
        yield server, t.Twitch(server.url, client)


async def names(stream, count):
    return [event.data["data"]["username"] for event in await stream.events(count)]


async def test_a_resume_at_an_instance_that_is_behind_repeats_nothing(migrated):
    """Whoever comes from an instance that is ahead gets what follows, however long the other is deaf."""
    with deaf_instance(migrated) as other, serving(migrated) as (ahead, twitch):
        async with listening(f"{ahead.url}/alerts") as stream, listening(f"{other.url}/alerts") as behind:
            await begun(stream)
            await begun(behind)
            twitch.send(t.cheer("SeenSue"))
            last = (await stream.event()).id
            async with listening(f"{other.url}/alerts", last) as resumed:
                assert await begun(resumed) == last
                twitch.send(t.cheer("NewNora"))
                other.look()
                assert await names(behind, 2) == ["SeenSue", "NewNora"]
                assert await names(resumed, 1) == ["NewNora"]


async def test_a_resume_survives_a_restart(migrated):
    """After a restart a client gets exactly what it missed, in order, although nobody was there to see it."""
    with serving(migrated) as (server, twitch):
        async with listening(f"{server.url}/alerts") as stream:
            await begun(stream)
            twitch.send(t.cheer("SeenSue"))
            last = (await stream.event()).id
        twitch.send(*(t.cheer(f"Missed{number}") for number in range(5)))
    with serving(migrated, port=server.port) as (again, twitch):
        twitch.send(t.cheer("Missed5"))
        async with listening(f"{again.url}/alerts", last) as stream:
            assert await names(stream, 6) == [f"Missed{number}" for number in range(6)]
            twitch.send(t.cheer("NewNora"))
            assert await names(stream, 1) == ["NewNora"]


async def test_every_instance_shows_the_same(migrated):
    """What one instance receives the streams of another show, under the same ids, and resume."""
    with serving(migrated) as (one, to_one), serving(migrated) as (other, to_other):
        async with (
            listening(f"{one.url}/alerts") as at_one,
            listening(f"{other.url}/alerts") as at_other,
            listening(f"{other.url}/state") as state,
        ):
            await begun(at_one)
            await begun(at_other)
            to_one.send(t.cheer("Ann"), t.online())
            to_other.send(t.cheer("Ben"))
            seen = await at_one.events(2)
            assert await at_other.events(2) == seen
            assert [(await state.event()).data["isLive"] for _ in range(2)] == [False, True]
        async with listening(f"{other.url}/alerts", seen[0].id) as resumed:
            assert await resumed.event() == seen[1]


@pytest.mark.parametrize(("minutes", "expected"), [("0", []), ("15", ["RecentRon"])])
async def test_a_resume_goes_back_minutes_not_days(migrated, minutes, expected):
    """A client that wakes up gets the alerts of ALERT_REPLAY_MINUTES at most, and with 0 none."""
    with serving(migrated, {"ALERT_REPLAY_MINUTES": minutes}) as (server, twitch):
        async with listening(f"{server.url}/alerts") as stream:
            last, old = await begun(stream), t.cheer("OldOlga")
            twitch.send(old, t.cheer("RecentRon"))
            await stream.events(2)
        with psycopg.connect(migrated) as connection:
            shift = "update showtime.feed set shown_at = shown_at - interval '15 min' where entry_id = %s"
            connection.execute(shift, [old.id])
        async with listening(f"{server.url}/alerts", last) as stream:
            await begun(stream)
            twitch.send(t.cheer("NewNora"))
            assert await names(stream, len(expected) + 1) == [*expected, "NewNora"]


async def test_streams_stay_open_while_the_database_is_away(postgres_server, migrated):
    """Without a database streams are answered 200 and kept open; once it is back they catch up."""
    with serving(migrated) as (server, twitch):
        async with listening(f"{server.url}/alerts") as early:
            last = await begun(early)
            twitch.send(t.cheer("BeforeBea"))
            await early.event()
            async with AsyncExitStack() as stack:
                with gone(migrated, postgres_server.conninfo):
                    late = await stack.enter_async_context(listening(f"{server.url}/alerts", last))
                    state = await stack.enter_async_context(listening(f"{server.url}/state"))
                    assert late.response.status_code == state.response.status_code == 200
                    assert (await late.block()).lines == (":",)
                    assert (await state.event()).data == {"isLive": False}
                    await asyncio.sleep(0.5)
                twitch.send(t.cheer("AfterAl"))
                assert (await early.event(30)).data["data"]["username"] == "AfterAl"
                assert await names(late, 2) == ["BeforeBea", "AfterAl"]


async def test_streams_open_before_the_database_was_ever_reached(postgres_server, migrated):
    """A server that starts without a database opens streams at once, tells the retry, and begins later."""
    async with AsyncExitStack() as stack:
        with gone(migrated, postgres_server.conninfo):
            server, twitch = stack.enter_context(serving(migrated, ready=False))
            alerts = await stack.enter_async_context(listening(f"{server.url}/alerts"))
            state = await stack.enter_async_context(listening(f"{server.url}/state"))
            assert [(await alerts.block()).lines for _ in range(2)] == [(":",), ("retry: 3000",)]
            assert (await state.block()).lines == ("retry: 3000",)
        await begun(alerts)
        assert (await state.event()).data == {"isLive": False}
        twitch.send(t.cheer("AfterAl"))
        assert await names(alerts, 1) == ["AfterAl"]


async def test_a_restored_database_begins_a_new_epoch_for_those_who_listen(migrated):
    """When ids begin again, open streams are ended, and who comes back with an old id misses nothing."""
    with serving(migrated) as (server, twitch):
        async with listening(f"{server.url}/alerts") as stream:
            await begun(stream)
            twitch.send(*(t.cheer(f"Lost{number}") for number in range(3)))
            last = (await stream.events(3))[-1].id
            with psycopg.connect(migrated, autocommit=True) as connection:
                connection.execute("delete from showtime.feed")
                connection.execute("update showtime.channel set epoch = 'restored', last_feed_id = 0")
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
            with pytest.raises(EOFError):
                await stream.event()
        async with listening(f"{server.url}/alerts", last) as stream:
            assert (await begun(stream)).partition("-")[0] != last.partition("-")[0]
            new = t.cheer("NewNora")
            while twitch.send(new)[0].status_code != 204:  # connections of the past are used up first
                pass
            assert await names(stream, 1) == ["NewNora"]


async def test_a_client_that_does_not_read_is_given_up(migrated):
    """A stalled client delays neither another client nor the webhook, and is disconnected in the end."""
    count, text = 1600, "📼" * 2000  # as long as what is shown may be, and four bytes each
    with serving(migrated) as (server, _), socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(b"GET /alerts HTTP/1.1\r\nHost: a\r\n\r\n")

        async def read():
            async with asking(server.port, "GET /alerts HTTP/1.1\nHost: a") as reader:
                await reader.readuntil(b"retry: 3000\n\n")
                is_open.set()
                for _ in range(count):
                    await reader.readuntil(b"\ndata: ")

        is_open = asyncio.Event()
        reading = asyncio.create_task(read())
        await is_open.wait()
        for number in range(0, count, 8):
            cheers = [t.cheer(f"Big{number + each}", text=text) for each in range(8)]
            assert set(await all_at_once(server.port, cheers)) == {204}
        await asyncio.wait_for(reading, 60)
        told = {
            'showtime_dropped_stream_clients_total{stream="alerts"} 1.0',
            'showtime_stream_clients{stream="alerts"} 0.0',
        }
        await until(lambda: told <= {*httpx.get(f"{server.url}/metrics").text.splitlines()})


async def test_a_client_of_chat_that_does_not_read_is_given_up(migrated):
    """It delays neither another client nor the writing of chat; the other gets all, in order."""
    with serving(migrated) as (server, _), socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        dropped = 'showtime_dropped_stream_clients_total{stream="chat"} 1.0'
        count, metrics = 0, ""
        async with following(f"{server.url}/chat") as client, make_pool(migrated) as pool:
            while dropped not in metrics and count < 40_000:
                await PostgresChatLog(pool).write([wordy(count + number) for number in range(500)])
                count += 500
                await until(lambda: len(client.events) == count)  # noqa: B023 - it is awaited here
                metrics = (await asyncio.to_thread(httpx.get, f"{server.url}/metrics")).text
        assert dropped in metrics
        assert [line["message"]["id"] for line in client.data] == [f"m{number}" for number in range(count)]
        assert client.connections == 1


def wordy(number):
    """Somebody writes, at length."""
    return ChatReport(ChatMessageSent(f"m{number}", Viewer("7", "vhs_vera", "VHSVera"), "", "be kind " * 250))


WAITING = """
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


async def test_stopping_ends_streams_and_finishes_callbacks(migrated, tmp_path):
    """SIGTERM with 200 open streams ends them, and then it exits; a message under way is answered before."""
    with running(migrated, tmp_path / "log") as server:
        opened, stack = [], AsyncExitStack()
        for path in ["/alerts", "/chat", "/state", "/state"] * 50:
            request = f"GET {path} HTTP/1.1\nHost: a"
            opened.append(await stack.enter_async_context(asking(server.port, request)))
            await opened[-1].readuntil(b"retry: 3000\n\n")
        with locked(migrated):
            sending = asyncio.create_task(all_at_once(server.port, [t.cheer()]))
            await until(lambda: rows(migrated, WAITING))
            server.signal(signal.SIGTERM)
            ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader in opened)), 60)
            assert not sending.done(), "streams wait for no callback"
        assert {end[-5:] for end in ends} == {b"0\r\n\r\n"}
        assert await sending == [204]
        assert await asyncio.to_thread(server.process.wait, 60) == 0


@pytest.mark.parametrize(
    ("number", "begin"), [(signal.SIGTERM, showtime), (signal.SIGINT, in_an_interpreter)]
)
def test_a_stop_that_was_asked_for_is_no_failure(migrated, tmp_path, number, begin):
    """The exit code after SIGTERM and after Ctrl-C is 0; the latter is handled by an interpreter as well."""
    with running(migrated, tmp_path / "log", begin=begin) as server:
        server.signal(number)
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("path", ["/alerts", "/chat"])
async def test_silence_is_broken_by_a_comment(monkeypatch, path):
    """After a while without events a comment keeps the connection alive, again and again."""
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    hub, sent, received = Hub(Metrics()), [], asyncio.Event()
    hub.publish(FeedPosition("e", 7, json.dumps({"isLive": False})), [])

    async def missed(after: int, until: int):
        raise AssertionError((after, until))

    async def receive():
        await received.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message.get("body"))
        if len(sent) == 6:
            received.set()

    async def read_tip():
        raise AssertionError

    source = streams.StreamSource(hub, missed, read_tip)
    handlers = {path: handler for handler in streams.routes(source, source, missed) for path in handler.paths}
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await asyncio.wait_for(handlers[path].fn(scope, receive, send), 5)
    assert sent[1:6] == [b":\n\n", b"id: e-7\nretry: 3000\n\n", b":\n\n", b":\n\n", b":\n\n"]
