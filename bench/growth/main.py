"""The benchmark of growth: what a message costs, from an empty journal to one of many rows, and tidied up."""

import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import LiteralString

import psycopg
from attrs import frozen
from callback.load import CONNECTIONS, Load, NoWrkError, find_wrk, put_load
from callback.messages import write_messages
from callback.ours import Database, database, showtime
from callback.receivers import ReceiverError, running
from callback.report import spread, table
from callback.turns import cpu_seconds, free_port
from streams.posting import NotTakenError

from growth.pruning import Waits, measure_pruning
from growth.pruning import report as report_pruning
from growth.restoring import restored

RESULTS = Path(__file__).parent.parent / "results"
_SMALLEST = 1_000
_AIM = 1.2
_A_BATCH = 100_000

# Copies of the latest entry, under ids and positions of their own, before all others.
_FILL: LiteralString = """
    insert into showtime.journal
    select (jsonb_populate_record(model, jsonb_build_object('id', 'bench-' || n, 'position', -n))).*
    from (select journal from showtime.journal order by position desc limit 1) as latest (model),
         generate_series(%(first)s::bigint, %(last)s) as n
"""
_FILL_FACTS: LiteralString = """
    insert into showtime.fact (key, entry_id)
    select 'bench-' || n, 'bench-' || n from generate_series(%(first)s::bigint, %(last)s) as n
"""
_TIDY: LiteralString = "vacuum analyze"


@frozen
class Turn:
    """What one turn of load gave."""

    load: Load
    own_cpu: float
    database_cpu: float

    @property
    def database_us(self) -> float:
        """Microseconds of PostgreSQL for each message."""
        return self.database_cpu / self.load.requests * 1e6

    @property
    def own_us(self) -> float:
        """Microseconds of our process for each message."""
        return self.own_cpu / self.load.requests * 1e6


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        find_wrk()
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            stages, waits = _run(Path(folder), options)
    except (NoWrkError, ReceiverError, NotTakenError, subprocess.CalledProcessError) as reason:
        sys.exit(f"bench: {reason}")
    print(f"\n{_report(stages)}\n\n{report_pruning(waits)}")


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run growth", description="Measure messages as the journal grows.")
    parser.add_argument("--rounds", type=int, default=5, help="of load in each stage; default: 5")
    parser.add_argument("--seconds", type=int, default=3, help="of each round; default: 3")
    parser.add_argument("--largest", type=int, default=1_000_000, help="rows; default: 1000000")
    return parser.parse_args(arguments)


def _run(
    folder: Path, options: Namespace
) -> tuple[Mapping[str, Sequence[Turn]], Mapping[str, Sequence[Waits]]]:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    with database(folder / "data") as base:
        stages = _grow(base, folder, options)
        copy = restored(base, folder)
        port = free_port()
        with running(showtime(copy), port, folder / "log") as pid:
            stage = "the same, dumped and restored"
            print(stage, flush=True)
            stages[stage] = [_take_turn(folder, port, pid, copy, options) for _ in range(options.rounds)]
        print("pruning", flush=True)
        return stages, measure_pruning(copy, folder, options.rounds, options.seconds)


def _grow(base: Database, folder: Path, options: Namespace) -> dict[str, list[Turn]]:
    """Take the stages on one database and one server, which keeps its plans all the way."""
    stages: dict[str, list[Turn]] = {}
    port = free_port()
    with (
        running(showtime(base), port, folder / "log") as pid,
        psycopg.connect(base.conninfo, autocommit=True) as connection,
    ):

        def measure(stage: str) -> None:
            print(stage, flush=True)
            stages[stage] = [_take_turn(folder, port, pid, base, options) for _ in range(options.rounds)]

        connection.execute(_TIDY)
        measure("empty, after `vacuum analyze`")
        rows, filled = _SMALLEST, 0
        while rows <= options.largest:
            _fill(connection, filled, rows)
            filled = rows
            measure(f"{rows:,} rows more")
            rows *= 10
        connection.execute(_TIDY)
        measure("the same, after `vacuum analyze`")
    return stages


def _fill(connection: psycopg.Connection, first: int, last: int) -> None:
    for begin in range(first, last, _A_BATCH):
        some = {"first": begin + 1, "last": min(last, begin + _A_BATCH)}
        connection.execute(_FILL, some)
        connection.execute(_FILL_FACTS, some)


def _take_turn(folder: Path, port: int, pid: int, base: Database, options: Namespace) -> Turn:
    messages = write_messages(folder / "messages", 12_000 * options.seconds)
    before = cpu_seconds(pid), cpu_seconds(base.pid)
    load = put_load(port, messages, options.seconds)
    own, database_cpu = cpu_seconds(pid) - before[0], cpu_seconds(base.pid) - before[1]
    if load.bad_status or load.socket_errors or load.wraps:
        raise ReceiverError(f"{load.bad_status} bad answers, {load.socket_errors} errors, {load.wraps} wraps")
    return Turn(load, own, database_cpu)


def _report(stages: Mapping[str, Sequence[Turn]]) -> str:
    rows = [
        [
            stage,
            spread([turn.database_us for turn in turns], "{:.0f}"),
            spread([turn.own_us for turn in turns], "{:.0f}"),
            spread([turn.load.p99_ms for turn in turns], "{:.0f}"),
        ]
        for stage, turns in stages.items()
    ]
    costs = [median(turn.database_us + turn.own_us for turn in turns) for turns in stages.values()]
    ratio = max(costs) / costs[0]
    verdict = "reached" if ratio <= _AIM else "NOT REACHED"
    return "\n\n".join(
        [
            f"## A message while the journal grows, {CONNECTIONS} connections",
            table(["journal", "PostgreSQL µs", "own µs", "p99 ms"], rows),
            f"- {verdict}: {_AIM} times the cost of the first, at most: {ratio:.2f}",
        ]
    )
