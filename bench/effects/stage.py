"""One stage: so many instances perform credits, of which so many are due."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from attrs import define, evolve, frozen
from callback.ours import Database, database, showtime
from callback.receivers import running
from callback.turns import cpu_seconds, free_port

from showtime_adapters.encoding import encode
from showtime_adapters.wire import effect_document
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.viewers import Viewer

VIEWERS = 1_000
"""A viewer is a lane: of each, one credit at a time is under way."""
_WARM = 500
"""So many credits are made before the clock starts: then all plans are kept."""
_SECRET = "be-kind-rewind-among-friends"
_ALL_SECONDS = 600

# Plans credits as a cheer does, one of each viewer after the other.
_FILL: LiteralString = """
    insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at)
    select n || '-bench:credit-cheer', n || '-bench', 'credit-cheer', viewer ->> 'id',
           %(payload)s::jsonb || jsonb_build_object('viewer', viewer), 'due', clock_timestamp()
    from generate_series(%(first)s::bigint, %(last)s) as n,
         jsonb_build_object('id', (420000 + n %% %(viewers)s)::text, 'login', 'tapehead' || n %% %(viewers)s,
                            'display_name', 'TapeHead' || n %% %(viewers)s) as viewer
"""

_WAKE: LiteralString = "notify showtime_outbox"

# Statistics stay as they are made here.
_LEAVE_ALONE: LiteralString = "alter table showtime.outbox set (autovacuum_enabled = off)"

# What is not as it should be at the end: tried twice, or neither done nor due.
_ODD: LiteralString = """
    select count(*) filter (where status = 'done'),
           count(*) filter (where attempts > 1 or status not in ('done', 'due')) from showtime.outbox
"""


class NotPerformedError(Exception):
    """What was to be timed did not happen as it should."""


@frozen
class Stage:
    """What is measured, and what came of it."""

    ledger_ms: int = 0
    """How long the ledger takes for a credit."""
    instances: int = 1
    due: int = 8_000
    """How many are due when the clock starts; where these are less than are timed, so many more as often as
    all of them are made."""
    statistics: str = "true"
    """What the planner believes of the outbox: `true`, `none`, or `wrong`, of when it was empty."""
    credits: int = 3_000
    """How many are timed."""
    seconds: float = 0.0
    own_cpu: float = 0.0
    """Of all instances, in seconds."""
    database_cpu: float = 0.0
    neighbours_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Credits a second."""
        return self.credits / self.seconds

    @property
    def cores(self) -> float:
        """How many cores worked for it."""
        return (self.own_cpu + self.database_cpu + self.neighbours_cpu) / self.seconds

    def cost(self, cpu: float) -> float:
        """Microseconds of a processor for each credit."""
        return cpu / self.credits * 1e6


@frozen
class Standins:
    """auth and the ledger, in a process of their own."""

    process: subprocess.Popen[str]
    settings: dict[str, str]
    """Those of an instance that uses them."""

    def credits(self) -> int:
        """Count the credits that the ledger has made."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline()))


@define
class Backlog:
    """What is due: so many, and so many more whenever all of them are made."""

    connection: psycopg.Connection
    due: int
    planned: int = 0

    def fill(self) -> None:
        """Plan as many as are to be due."""
        viewer = Viewer("0", "tapehead", "TapeHead")
        values = {
            "payload": encode(effect_document(CreditCheer(viewer, 100, "Cheer100 be kind, rewind"))),
            "viewers": VIEWERS,
            "first": self.planned + 1,
            "last": self.planned + self.due,
        }
        self.connection.execute(_FILL, values)
        self.connection.execute(_WAKE)
        self.planned += self.due


def measure(stage: Stage, folder: Path) -> Stage:
    """Measure a stage on a database of its own. Raises NotPerformedError."""
    (folder / "data").mkdir()
    with (
        database(folder / "data") as base,
        standins(stage.ledger_ms) as neighbours,
        psycopg.connect(base.conninfo, autocommit=True) as connection,
    ):
        backlog = Backlog(connection, stage.due)
        _prepare(backlog, stage.statistics)
        with _instances(base, neighbours, stage.instances, folder) as pids:
            measured = _time(stage, backlog, neighbours, (*pids, base.pid, neighbours.process.pid))
        _require_once(connection, neighbours.credits())
    return measured


def _prepare(backlog: Backlog, statistics: str) -> None:
    """Make credits due, and have the planner believe of them what it is to believe."""
    backlog.connection.execute(_LEAVE_ALONE)
    if statistics == "wrong":
        backlog.connection.execute("vacuum analyze")
    backlog.fill()
    if statistics == "true":
        backlog.connection.execute("vacuum analyze")


@contextmanager
def _instances(base: Database, neighbours: Standins, count: int, folder: Path) -> Iterator[list[int]]:
    ours = evolve(showtime(base), environment=base.environment | neighbours.settings)
    with ExitStack() as stack:
        yield [
            stack.enter_context(running(ours, free_port(), folder / f"showtime-{number}.log"))
            for number in range(count)
        ]


def _time(stage: Stage, backlog: Backlog, neighbours: Standins, watched: tuple[int, ...]) -> Stage:
    """Time credits once some have been made, for the rest of the way alone."""

    def use() -> list[float]:
        return [cpu_seconds(pid) for pid in watched]

    warm = _await(_WARM, backlog, neighbours.credits)
    start, before = time.perf_counter(), use()
    made = _await(warm + stage.credits, backlog, neighbours.credits) - warm
    seconds = time.perf_counter() - start
    used = [late - early for early, late in zip(before, use(), strict=True)]
    return evolve(
        stage,
        credits=made,
        seconds=seconds,
        own_cpu=sum(used[:-2]),
        database_cpu=used[-2],
        neighbours_cpu=used[-1],
    )


def _await(wanted: int, backlog: Backlog, count: Callable[[], int]) -> int:
    """Wait until so many credits are made, and plan more whenever there are none; gives how many are made."""
    deadline = time.monotonic() + _ALL_SECONDS
    while (made := count()) < wanted:
        if made == backlog.planned:
            backlog.fill()
        if time.monotonic() > deadline:
            raise NotPerformedError(f"it takes too long: {made} credits of {wanted} are made")
        time.sleep(0.01)
    return made


def _require_once(connection: psycopg.Connection, made: int) -> None:
    """See that each credit that the ledger has made is done, and was tried once."""
    done, odd = connection.execute(_ODD).fetchone() or (0, 0)
    if (done, odd) != (made, 0):
        raise NotPerformedError(f"the ledger has made {made} credits, {done} are done, and {odd} are odd")


@contextmanager
def standins(ledger_ms: int) -> Iterator[Standins]:
    """Run auth and the ledger, which takes so long for each credit."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("neighbours.py")), str(ledger_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            urls: Any = json.loads(process.stdout.readline())
            settings = {"AUTH_URL": urls["auth"], "AUTH_SHARED_SECRET": _SECRET, "LEDGER_URL": urls["ledger"]}
            yield Standins(process, settings)
        finally:
            process.stdin.close()
