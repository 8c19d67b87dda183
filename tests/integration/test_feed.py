"""The feed: whatever happens to the database, clients are shown what is committed, once and in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from showtime_adapters.postgres import feed
from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.statements import CHAT_TIP, TIP
from showtime_app import composition
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import cheers
from showtime_core.use_cases.receive import receive
from support.evening import evening, log_of_alerts, messages
from support.following import Follower, following, until
from support.in_process import running_here
from support.postgres import restart
from support.records import staged
from support.scale import Scale
from support.sending import Sender
from support.server import Served, rows
from support.sse import listening
from support.twitch import Twitch, cheer, follow, online

POLL_SECONDS = 5.0

# The session of the feed: the one that waits for notifications.
END_LISTENING = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'showtime' and query like '%from showtime.feed%'
"""


@pytest.fixture
async def client(server: Served) -> AsyncIterator[Follower]:
    async with following(f"{server.url}/alerts") as client:
        yield client


async def assert_all_seen(client: Follower, conninfo: str, seconds: float = 10.0) -> None:
    log = log_of_alerts(conninfo)
    await until(lambda: len(client.events) >= len(log), seconds)
    assert list(zip(client.ids, client.data, strict=True)) == log


async def test_an_alert_is_shown_at_once(migrated: str, monkeypatch: pytest.MonkeyPatch):
    """Notifications wake the feed, even if an alert comes while it reads: it looks at nothing unasked."""
    monkeypatch.setattr(feed, "_POLL_SECONDS", 3600.0)
    crowd = [each.message for each in evening(300) if each.alert]
    with running_here(migrated) as server:
        async with following(f"{server.url}/alerts") as client:
            for sent in range(0, len(crowd), 3):
                senders = [Sender(server.port, connections=1) for _ in range(3)]
                few = zip(senders, crowd[sent : sent + 3], strict=False)
                await asyncio.gather(*(sender.deliver([each]) for sender, each in few))
                await until(lambda sent=sent: len(client.events) >= min(sent + 3, len(crowd)))


async def test_a_lost_session_of_the_feed_loses_nothing(
    server: Served, migrated: str, client: Follower, scale: Scale
):
    """The session that listens is ended again and again under load: it comes back, and reads on by id."""
    sending = asyncio.create_task(Sender(server.port).deliver(messages(evening(scale.messages))))
    ended = 0
    with psycopg.connect(migrated, autocommit=True) as connection:
        while not sending.done():
            ended += connection.execute(END_LISTENING).rowcount
            await asyncio.sleep(0.15)
    await sending
    assert ended > 0
    await assert_all_seen(client, migrated)
    assert client.connections == 1


async def test_a_lost_notification_only_delays(migrated: str, client: Follower, twitch: Twitch):
    """What is committed without a notification is found by looking all the same, within seconds."""
    await asyncio.to_thread(twitch.send, cheer())
    await assert_all_seen(client, migrated)
    with psycopg.connect(migrated) as connection:
        connection.execute("update showtime.channel set last_feed_id = last_feed_id + 1")
        connection.execute(
            "insert into showtime.feed select last_feed_id, entry_id, stream, payload, clock_timestamp() "
            "from showtime.feed, showtime.channel"
        )
    await assert_all_seen(client, migrated, 4 * POLL_SECONDS)
    assert client.ids == [1, 2]


REPEAT = """
    with next as (update showtime.channel set last_feed_id = last_feed_id + 1 returning last_feed_id as id)
    insert into showtime.feed select next.id, entry_id, stream, payload, clock_timestamp()
    from showtime.feed, next where feed.id = 1
"""


async def test_what_is_committed_while_the_feed_reads_does_not_wait_for_the_poll(
    migrated: str, monkeypatch: pytest.MonkeyPatch
):
    """The session listens before it reads: with no poll at all, nothing that comes between is missed."""
    monkeypatch.setattr(feed, "_POLL_SECONDS", 3600.0)
    async with staged(migrated) as stage:
        await receive([cheers("first")], stage.units, Policy())
    seen: list[int] = []

    def publish(_: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        """Let another be committed as soon as some were read, before the feed can wait."""
        seen.extend(entry.id for entry in entries)
        if len(seen) < 3:
            with psycopg.connect(migrated) as connection:
                connection.execute(REPEAT)
                connection.execute("notify showtime_feed")

    following = asyncio.create_task(feed.PostgresFeed(migrated, feed.FEED, publish, lambda: True).run())
    try:
        await until(lambda: seen == [2, 3, 4])
    finally:
        following.cancel()
        await asyncio.wait([following])


async def test_the_feed_outlives_a_restart_of_the_database(tmp_path: Path):
    """PostgreSQL is stopped and started: clients stay connected, and miss nothing."""
    folder = tmp_path / "postgres"
    with EmbeddedPostgres.start(folder, settings={"fsync": "off"}) as postgres:
        conninfo = postgres.conninfo
        composition.migrate_up(conninfo, lambda _: None)
        with running_here(conninfo) as server:
            async with following(f"{server.url}/alerts") as client:
                sender = Sender(server.port)
                await sender.deliver(messages(evening(100, seed=1)))
                await asyncio.to_thread(restart, folder, signal.SIGINT)
                await sender.deliver(messages(evening(100, seed=2)))
                await assert_all_seen(client, conninfo)
                assert client.connections == 1


def make_anew(conninfo: str, of_server: str) -> None:
    """Make a database anew, as after a disaster: the same name, and nothing in it."""
    name = conninfo_to_dict(conninfo)["dbname"]
    with psycopg.connect(of_server, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')
        connection.execute(f'create database "{name}"')
    composition.migrate_up(conninfo, lambda _: None)


async def test_ids_of_a_former_database_count_as_none(
    server: Served, migrated: str, postgres_server: EmbeddedPostgres, client: Follower, twitch: Twitch
):
    """The database is made anew under a running server: clients of before get every alert of the new one."""
    before = [cheer(f"Before{number}") for number in range(5)]
    await asyncio.to_thread(twitch.send, online(), *before)
    await until(lambda: len(client.events) == len(before))
    last_id = client.last_id

    await asyncio.to_thread(make_anew, migrated, postgres_server.conninfo)
    await until(lambda: client.last_id != last_id)  # it was sent away, came with an old id, and began anew
    assert len(client.events) == len(before)
    await Sender(server.port).deliver([cheer(), follow()])  # fewer than it has seen of the former one

    await until(lambda: len(client.events) == len(before) + 2)
    assert [event.data["type"] for event in client.events[-2:]] == ["cheer", "follow"]
    assert client.ids[-2:] == [1, 2]
    async with listening(f"{server.url}/alerts", last_id) as stream:
        await stream.block()
        assert (await stream.block()).id == client.last_id


async def test_the_state_of_a_former_database_is_forgotten(
    server: Served, migrated: str, postgres_server: EmbeddedPostgres, twitch: Twitch
):
    """The database is made anew while a broadcast is live: nothing is live, and numbers begin at 1."""
    await asyncio.to_thread(twitch.send, online())
    async with following(f"{server.url}/state") as viewer:
        await until(lambda: viewer.data[-1]["isLive"])
        await asyncio.to_thread(make_anew, migrated, postgres_server.conninfo)
        await Sender(server.port).deliver([cheer()])
        await until(lambda: not viewer.data[-1]["isLive"], 15)
    await Sender(server.port).deliver([online("50001")])
    assert rows(migrated, "select id from showtime.broadcast") == [(1,)]


EPOCH = """
    select epoch, 'showtime.channel'::regclass::oid, timeline_id, system_identifier
    from showtime.channel, pg_control_checkpoint(), pg_control_system()
"""


def test_the_epoch_is_spelled_alike_by_every_version(migrated: str):
    """In an upgrade two versions are at work: who goes from one to the other must find its id again."""
    [parts] = rows(migrated, EPOCH)
    spelled = sha256("-".join(map(str, parts)).encode()).hexdigest()[:16]
    assert {rows(migrated, statement)[0][0] for statement in (TIP, CHAT_TIP)} == {spelled}
