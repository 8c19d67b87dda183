"""An instance is not ready from a write that failed until one succeeds, and goes on with its streams."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from attrs import define
from psycopg import sql
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.writability import Writability
from showtime_app import composition
from showtime_core.errors import Unavailable
from support import twitch as t
from support.databases import fresh_database
from support.server import Server, rows, running
from support.sse import begun, listening

MEGABYTES = 48
"""Of the disk: an empty database takes less than ten."""


@define
class Trouble:
    """A database that works, until it takes nothing, until it works again."""

    conninfo: str
    begin: Callable[[], None]
    end: Callable[[], None]
    reason: str


@contextmanager
def small_disk(owner: os.stat_result) -> Iterator[Path]:
    """Mount a small disk for PostgreSQL, where its user can reach it; skips where it may not be mounted."""
    disk, mount = Path(tempfile.mkdtemp(prefix="showtime-disk-")), shutil.which("mount")
    options = f"size={MEGABYTES}m,uid={owner.st_uid},gid={owner.st_gid},mode=0700"
    command = [mount or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    try:
        if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("to fill a disk, one must be mounted, and that is not allowed here")
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)
    finally:
        disk.rmdir()


@contextmanager
def full_disk(postgres_server) -> Iterator[Trouble]:
    """Make a database on a disk of its own, and fill that to its last byte."""
    superuser, name = make_conninfo(postgres_server.conninfo, user="postgres"), f"small_{uuid4().hex}"
    [(data,)] = rows(superuser, "select current_setting('data_directory')")
    with (
        small_disk(Path(str(data)).stat()) as disk,
        psycopg.connect(superuser, autocommit=True) as connection,
    ):
        filler = disk / "filler"
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("create tablespace {} location {}").format(identifier, str(disk)))
        connection.execute(sql.SQL("create database {0} owner showtime tablespace {0}").format(identifier))
        try:
            conninfo = make_conninfo(postgres_server.conninfo, dbname=name)
            composition.migrate_up(conninfo, lambda _: None)
            yield Trouble(conninfo, lambda: fill(filler), filler.unlink, "disk full")
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(identifier))
            connection.execute(sql.SQL("drop tablespace {}").format(identifier))


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


@contextmanager
def taken_right(postgres_server) -> Iterator[Trouble]:
    """Make a database in which we may read everything, and not write what arrives."""
    with fresh_database(postgres_server.conninfo) as conninfo:

        def tell(order: str) -> Callable[[], None]:
            def told() -> None:
                with psycopg.connect(conninfo) as connection:
                    connection.execute(order)

            return told

        take = tell("revoke insert on showtime.journal from current_user")
        yield Trouble(
            conninfo, take, tell("grant insert on showtime.journal to current_user"), "insufficient privilege"
        )


@pytest.fixture(params=[full_disk, taken_right], ids=["a full disk", "a right taken away"])
def trouble(request, postgres_server) -> Iterator[Trouble]:
    with request.param(postgres_server) as trouble:
        yield trouble


@pytest.fixture
def served(trouble, tmp_path) -> Iterator[Server]:
    with running(trouble.conninfo, tmp_path / "log") as server:
        yield server


def readiness(server: Server) -> tuple[int, str, bool]:
    ready = httpx.get(f"{server.url}/readyz", timeout=60)
    return ready.status_code, ready.text, httpx.get(f"{server.url}/status", timeout=60).json()["isReady"]


async def test_nothing_that_is_written_is_taken_and_so_nobody_is_sent_here(trouble, served):
    """Callbacks are 503, so is /readyz, with the reason; streams go on; with room again all is well."""
    assert readiness(served) == (200, "ready", True)
    async with listening(f"{served.url}/alerts") as stream, httpx.AsyncClient(timeout=60) as client:
        await begun(stream)

        async def send(name: str) -> int:
            message = t.cheer(name, 1, json.dumps([uuid4().hex for _ in range(200)]))
            answer = await client.post(
                f"{served.url}/callback", headers=message.headers, content=message.body
            )
            return answer.status_code

        assert await send("Before") == 204
        assert (await stream.event()).data["data"]["username"] == "Before"
        await asyncio.to_thread(trouble.begin)
        taken = 0
        while await send("Filler") == 204:  # what has room in pages that are begun is still taken
            taken += 1
            assert taken < 2000
        for _ in range(3):
            status, reason, is_operational = await asyncio.to_thread(readiness, served)
            assert (status, is_operational) == (503, False)
            assert "nothing can be written" in reason
            assert trouble.reason in reason
        assert (await client.get(f"{served.url}/healthz")).text == "ok"
        async with listening(f"{served.url}/alerts") as another:
            await begun(another)
        await asyncio.to_thread(trouble.end)
        assert await asyncio.to_thread(readiness, served) == (200, "ready", True), "though nothing arrived"
        assert await send("After") == 204
        while (event := await stream.event()).data["data"]["username"] != "After":
            pass
    assert event.id
    assert rows(trouble.conninfo, "select id from showtime.journal where type = 'probe'") == []


async def test_what_arrives_tells_that_it_is_over(migrated):
    """A message that is taken is a write that succeeded: no other is needed."""
    async with make_pool(migrated, autocommit=True) as pool:
        writes = Writability(pool)
        await writes.require()
        with pytest.raises(Unavailable), writes.watched():
            raise Unavailable("its disk is full")
        writes.succeeded()
        await pool.close()
        await writes.require()


async def test_while_all_is_well_nothing_is_tried_and_then_once_for_all(migrated):
    """Who asks makes us write only after a failure, and many who ask at once make us write once."""
    async with make_pool(migrated, max_size=1, autocommit=True) as pool:
        writes = Writability(pool)

        async def written() -> int:
            async with pool.connection() as connection:
                await connection.execute("select pg_stat_force_next_flush()")
                [[count]] = await (
                    await connection.execute(
                        "select n_tup_ins from pg_stat_user_tables where relname = 'journal'"
                    )
                ).fetchall()
            return count

        await asyncio.gather(*(writes.require() for _ in range(50)))
        assert await written() == 0
        with pytest.raises(asyncio.CancelledError), writes.watched():
            raise asyncio.CancelledError
        await asyncio.gather(*(writes.require() for _ in range(50)))
        assert await written() == 1
