"""Crashes in the middle of a busy night: nothing that was answered 2xx is lost, and nothing is doubled."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_app import composition
from support.evening import assert_exactly_once, evening, log_of_alerts, messages
from support.following import Follower, following, until
from support.in_process import running_here
from support.postgres import restart
from support.scale import Scale
from support.sending import Sender
from support.server import rows, start

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data folder of a PostgreSQL that is as careful as in production, fsync included."""
    return tmp_path_factory.mktemp("durable")


@pytest.fixture
def durable(folder: Path) -> Iterator[str]:
    """Give the conninfo of a fresh database in it; it stays, since its server may be another by the end."""
    with EmbeddedPostgres.start(folder) as postgres:
        name = f"test_{uuid4().hex}"
        with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        conninfo = make_conninfo(postgres.conninfo, dbname=name)
        composition.migrate_up(conninfo, lambda _: None)
        yield conninfo


def assert_seen(client: Follower, conninfo: str) -> None:
    """See that a client got all alerts of the log, each once, in the order of their ids."""
    assert list(zip(client.ids, client.data, strict=True)) == log_of_alerts(conninfo)


async def test_a_server_that_is_killed_reacts_to_every_message_once(
    durable: str, tmp_path: Path, scale: Scale
):
    """The server is killed in the middle, over and over: each message is reacted to once, and shown once."""
    night = evening(scale.messages)
    shown = sum(each.alert is not None for each in night)
    server = start(durable, tmp_path / "server.log")
    try:
        async with following(f"{server.url}/alerts") as client:
            sender = Sender(server.port)
            sending = asyncio.create_task(sender.deliver(messages(night)))
            for crash in range(1, scale.crashes + 1):
                await sender.until_answered(crash * scale.messages // (scale.crashes + 1))
                assert sender.open, "the crash is in the middle"
                server.kill()
                server = await asyncio.to_thread(start, durable, server.log, server.port)
            await sending
            await until(lambda: len(client.events) >= shown)
            assert client.connections > scale.crashes
            assert_seen(client, durable)
    finally:
        server.kill()
    assert sender.refused.total() >= scale.crashes
    assert_exactly_once(durable, night)


def recorded(conninfo: str) -> set[object]:
    return {entry_id for (entry_id,) in rows(conninfo, "select id from showtime.journal")}


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGQUIT], ids=["killed", "stopped at once"])
async def test_a_database_that_is_killed_loses_nothing_that_was_answered(
    durable: str, folder: Path, scale: Scale, by: signal.Signals
):
    """PostgreSQL ends in the middle and starts again: what was answered 2xx is there, and once."""
    night = evening(scale.messages)
    shown = sum(each.alert is not None for each in night)
    with running_here(durable) as server:
        async with following(f"{server.url}/alerts") as client:
            sender = Sender(server.port)
            sending = asyncio.create_task(sender.deliver(messages(night)))
            for crash in (1, 2):
                await sender.until_answered(crash * scale.messages // 3)
                assert sender.open, "the crash is in the middle"
                await asyncio.to_thread(restart, folder, by)
                assert set(sender.answered) <= recorded(durable)
            await sending
            await until(lambda: len(client.events) >= shown)
            assert client.connections == 1
            assert_seen(client, durable)
    assert sender.refused.total() > 0
    assert_exactly_once(durable, night)
