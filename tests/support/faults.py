"""Faults on the real thing: they come about by chance, and what has come of everything is judged.

faults_points       where an instance can be killed, and how its clock is moved
faults_line         a line to the database that is cut, slow, or breaks off
faults_watchers     Twitch by way of a balancer, and an overlay
faults_stage        two instances with all that they need, and the tasks that trouble them
faults_judged       what must be true afterwards
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.pool import make_pool
from showtime_app import composition
from support.effects import let_time_pass
from support.evening import log_of_alerts
from support.faults_judged import UNFINISHED, UNSHOWN, Verdict, judge
from support.faults_line import UnsteadyLine
from support.faults_points import POINTS
from support.faults_stage import Stage
from support.faults_watchers import Overlay, open_the_show
from support.following import Follower, following, until
from support.neighbours import neighbours_running
from support.scale import Scale
from support.server import rows

_PATIENCE = timedelta(seconds=20)


@asynccontextmanager
async def set_up(folder: Path, scale: Scale) -> AsyncIterator[Stage]:
    """Set the stage, with a PostgreSQL as careful as in production; the seed is `SHOWTIME_FAULTS`."""
    seed = int(os.environ.get("SHOWTIME_FAULTS") or random.SystemRandom().randrange(10**6))
    print(f"SHOWTIME_FAULTS={seed}")  # noqa: T201 - whoever sees it fail wants to see it again
    with EmbeddedPostgres.start(folder) as server, neighbours_running() as neighbours:
        conninfo = _new_database(server)
        where = conninfo_to_dict(conninfo)
        with UnsteadyLine(f"{where['host']}/.s.PGSQL.{where['port']}") as line:
            stage = Stage(
                conninfo,
                make_conninfo(conninfo, host="127.0.0.1", port=line.port),
                folder,
                folder / "serve.log",
                line,
                neighbours,
                seed,
                POINTS,
                scale.faults,
                scale.fault_points,
                scale.fault_seconds,
            )
            await open_the_show(conninfo)
            try:
                yield stage
            finally:
                stage.end()


def _new_database(server: EmbeddedPostgres) -> str:
    """Make a database that showtime can use; it stays, since its server may be another by the end."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    conninfo = make_conninfo(server.conninfo, dbname=name)
    composition.migrate_up(conninfo, lambda _: None)
    return conninfo


async def play(stage: Stage) -> Verdict:
    """Let everything go wrong, then let everything come to its end, and judge what has come of it."""
    urls = [f"http://127.0.0.1:{each.port}/alerts" for each in stage.instances]
    await stage.instances[0].get_well()
    async with httpx.AsyncClient(timeout=5) as client, following(*urls) as seen:
        overlay = Overlay(stage.receiving_ports, client)
        playing = asyncio.create_task(overlay.run())
        try:
            await stage.play()
            await _until_all_is_done(stage, seen)
            await until(lambda: not overlay.is_playing, 60)
        finally:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
    return judge(stage.conninfo, stage.told, stage.neighbours, seen, overlay.acknowledged)


async def _until_all_is_done(stage: Stage, seen: Follower) -> None:
    """Wait until nothing is left to be done, performed, seen or shown; what is tried again need not wait."""
    async with make_pool(stage.conninfo, autocommit=True) as pool:
        for _ in range(100):
            with suppress(TimeoutError):
                await until(lambda: not rows(stage.conninfo, UNFINISHED), 3, every=0.1)
                break
            await let_time_pass(pool, _PATIENCE)
        else:
            pytest.fail(f"it is never done: {rows(stage.conninfo, UNFINISHED)}")
    await until(lambda: len(seen.events) >= len(log_of_alerts(stage.conninfo)), 60)
    try:
        await until(lambda: not rows(stage.conninfo, UNSHOWN), 600, every=0.1)
    except TimeoutError:
        pytest.fail(f"it is never shown: {rows(stage.conninfo, UNSHOWN)}")
