"""One stage: so many instances perform credits that all become due at the same moment."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from attrs import evolve, frozen
from callback.ours import database, showtime
from callback.receivers import running
from callback.turns import cpu_seconds, free_port

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.events import Cheer
from showtime_core.domain.journal import Entry, EntrySource
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.use_cases.receive import receive

VIEWERS = 200
_BATCH = 500
_TESTS = Path(__file__).parents[2] / "tests"
_SECRET = "be-kind-rewind-among-friends"
_ALL_SECONDS = 600

# Lets nothing be performed before everybody is there.
_HOLD: LiteralString = "update showtime.outbox set due_at = 'infinity'"

# Lets everything be performed, from now on.
_RELEASE: LiteralString = "update showtime.outbox set due_at = clock_timestamp()"

_WAKE: LiteralString = "notify showtime_outbox"

_LEFT: LiteralString = "select count(*) from showtime.outbox where status <> 'done'"

_TRIES: LiteralString = "select sum(attempts) from showtime.outbox"


class NotPerformedError(Exception):
    """What was to be timed did not happen as it should."""


@frozen
class Stage:
    """What is measured, and what came of it."""

    ledger_ms: int
    """How long the ledger takes for a credit."""
    instances: int
    credits: int
    seconds: float = 0.0
    own_cpu: float = 0.0
    """Of all instances, in seconds."""
    database_cpu: float = 0.0
    neighbours_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Credits a second."""
        return self.credits / self.seconds

    def cost(self, cpu: float) -> float:
        """Microseconds of a processor for each credit."""
        return cpu / self.credits * 1e6


@frozen
class Standins:
    """auth and the ledger, in a process of their own."""

    process: subprocess.Popen[str]
    urls: dict[str, str]

    def credits(self) -> int:
        """Count the credits that the ledger holds."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline()))


def measure(stage: Stage, folder: Path) -> Stage:
    """Measure a stage on a database of its own. Raises NotPerformedError."""
    (folder / "data").mkdir()
    with database(folder / "data") as base, _neighbours(stage.ledger_ms) as standins, ExitStack() as stack:
        asyncio.run(_record(base.conninfo, stage.credits))
        settings = {
            "AUTH_URL": standins.urls["auth"],
            "AUTH_SHARED_SECRET": _SECRET,
            "LEDGER_URL": standins.urls["ledger"],
        }
        ours = evolve(showtime(base), environment=base.environment | settings)
        pids = [
            stack.enter_context(running(ours, free_port(), folder / f"showtime-{number}.log"))
            for number in range(stage.instances)
        ]
        watched = (*pids, base.pid, standins.process.pid)
        before = [cpu_seconds(pid) for pid in watched]
        seconds = _perform(base.conninfo, stage.credits)
        used = [cpu_seconds(pid) - early for pid, early in zip(watched, before, strict=True)]
        if (held := standins.credits()) != stage.credits:
            raise NotPerformedError(f"{stage.credits} credits were to be made, and the ledger has {held}")
    return evolve(
        stage, seconds=seconds, own_cpu=sum(used[:-2]), database_cpu=used[-2], neighbours_cpu=used[-1]
    )


def _perform(conninfo: str, credits_due: int) -> float:
    """Let everything be performed, and tell how long that took."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_RELEASE)
        start = time.perf_counter()
        connection.execute(_WAKE)
        while _number(connection, _LEFT):
            if time.perf_counter() - start > _ALL_SECONDS:
                raise NotPerformedError("it takes too long")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        if (tries := _number(connection, _TRIES)) != credits_due:
            raise NotPerformedError(f"{credits_due} credits were to be made, and {tries} were tried")
    return seconds


def _number(connection: psycopg.Connection, query: LiteralString) -> int:
    (number,) = connection.execute(query).fetchone() or (0,)
    return int(number)


async def _record(conninfo: str, count: int) -> None:
    """Record cheers as the service does, whose credits are held back."""
    async with make_pool(conninfo, autocommit=True) as pool:
        units = PostgresUnitOfWork(pool)
        policy = Policy(features=frozenset({Feature.POINTS}))
        for first in range(0, count, _BATCH):
            await receive(_cheers(first, min(first + _BATCH, count)), units, policy)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(_HOLD)
        await connection.execute("vacuum analyze showtime.outbox")


def _cheers(first: int, end: int) -> Sequence[Entry]:
    now = datetime.now(UTC)
    return [
        Entry(
            f"bench-{number}",
            EntrySource.NOTIFICATION,
            "channel.cheer",
            now,
            Cheer(_viewer(number % VIEWERS), 100, "Cheer100 be kind, rewind"),
            b"{}",
        )
        for number in range(first, end)
    ]


def _viewer(number: int) -> Viewer:
    return Viewer(str(420_000 + number), f"tapehead{number}", f"TapeHead{number}")


@contextmanager
def _neighbours(ledger_ms: int) -> Iterator[Standins]:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("neighbours.py")), str(ledger_ms)],
        env={"PYTHONPATH": str(_TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            urls: Any = json.loads(process.stdout.readline())
            yield Standins(process, urls)
        finally:
            process.stdin.close()
