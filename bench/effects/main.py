"""The benchmark of effects: credits that one instance performs, and two, and three."""

import json
import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from attrs import asdict, evolve
from callback.receivers import ReceiverError
from callback.report import spread, table

from effects.stage import NotPerformedError, Stage, measure

RESULTS = Path(__file__).parent.parent / "results"
ROUNDS = 5
CREDITS = 3_000
STAGES = (
    *(Stage(ledger_ms, instances) for ledger_ms in (0, 25) for instances in (1, 2)),
    *(Stage(due=due) for due in (10, 1_000, 100_000)),
    *(Stage(due=100_000, statistics=statistics) for statistics in ("none", "wrong")),
)
_OWN_MOST, _DATABASE_MOST, _RATE_LEAST, _FLAT = 600, 150, 1_000, 1.2


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    rounds: list[list[Stage]] = [[] for _ in STAGES]
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            for stage, turns in zip(STAGES, rounds, strict=True):
                turns.append(_measure(evolve(stage, credits=options.credits)))
                print(f"  {_name(stage)}: {turns[-1].rate:,.0f} credits/s", flush=True)
    except (NotPerformedError, ReceiverError) as reason:
        sys.exit(f"bench: {reason}")
    print(f"\n## Credits through the relay\n\n{_speeds(rounds)}\n\n{_goals(rounds)}\n\n{_LIMIT}")
    _save([stage for turns in rounds for stage in turns])


def _name(stage: Stage) -> str:
    about = f"{stage.ledger_ms} ms, {stage.instances} instance(s), {stage.due:,} due"
    return f"{about}, statistics {stage.statistics}"


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run effects", description="Measure credits through the relay.")
    parser.add_argument(
        "--credits", type=int, default=CREDITS, help=f"how many credits are timed; default: {CREDITS}"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    return parser.parse_args(arguments)


def _measure(stage: Stage) -> Stage:
    with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else where we are root
        return measure(stage, Path(folder))


def _speeds(rounds: Sequence[Sequence[Stage]]) -> str:
    head = ["the ledger takes", "instances", "due", "statistics", "credits/s", "own µs", "PostgreSQL µs"]
    return table(
        [*head, "stand-ins µs", "cores"],
        (
            [
                f"{turns[0].ledger_ms} ms",
                str(turns[0].instances),
                f"{turns[0].due:,}",
                turns[0].statistics,
                spread([turn.rate for turn in turns], "{:,.0f}"),
                spread([turn.cost(turn.own_cpu) for turn in turns], "{:.0f}"),
                spread([turn.cost(turn.database_cpu) for turn in turns], "{:.0f}"),
                spread([turn.cost(turn.neighbours_cpu) for turn in turns], "{:.0f}"),
                spread([turn.cores for turn in turns], "{:.1f}"),
            ]
            for turns in rounds
        ),
    )


def _goals(rounds: Sequence[Sequence[Stage]]) -> str:
    """Tell what was to be reached by one instance whose ledger answers at once, and whether it was."""
    alone = [turns for turns in rounds if (turns[0].ledger_ms, turns[0].instances) == (0, 1)]
    usual = alone[0]
    rate = median(turn.rate for turn in usual)
    own = median(turn.cost(turn.own_cpu) for turn in usual)
    of_database = [median(turn.cost(turn.database_cpu) for turn in turns) for turns in alone]
    most_due = [cost for cost, turns in zip(of_database, alone, strict=True) if turns[0].due > usual[0].due]
    flat = max(most_due) / of_database[0]
    said = [
        (rate >= _RATE_LEAST, f"{_RATE_LEAST:,} credits/s: {rate:,.0f}"),
        (own <= _OWN_MOST, f"{_OWN_MOST} µs of our process for a credit: {own:.0f}"),
        (of_database[0] <= _DATABASE_MOST, f"{_DATABASE_MOST} µs of PostgreSQL's: {of_database[0]:.0f}"),
        (flat <= _FLAT, f"{_FLAT} times as much of PostgreSQL's for 100,000 due, at most: {flat:.2f}"),
    ]
    return "\n".join(f"- {'reached' if is_reached else 'NOT REACHED'}: {what}" for is_reached, what in said)


_LIMIT = """\
What the limit is made of: a statement takes about a millisecond of PostgreSQL, however little it leases
or settles, so what comes ten at a time shares it by ten. Most of our own time is the request: building
it, sending it, reading the answer, and a viewer's first token, which is a request as well; the
statements, the log line, which is a tenth, and the tasks of asyncio share the rest. Where all cores are
busy, all of it takes longer: they share their caches. Where fewer are, what holds a credit back is that
48 are under way at most, and that what came of each is written with that of others: it waits 10 ms for
them, and then for the disk."""


def _save(stages: Sequence[Stage]) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    document = {
        "at": at,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_after": os.getloadavg(),
        "stages": [asdict(stage) | {"rate": stage.rate} for stage in stages],
    }
    path = RESULTS / f"effects-{at.replace(':', '-').removesuffix('+00-00')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
