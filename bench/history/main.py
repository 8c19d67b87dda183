"""The benchmark of the history: the same questions at a hundred nights, at a thousand, at ten thousand."""

import json
import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict
from callback.ours import Database, database, showtime
from callback.receivers import ReceiverError, running
from callback.report import table
from callback.turns import free_port

from history.reading import ASKED, NotAnsweredError, Timing, questions, time_all
from history.years import grow, some_ghosts

RESULTS = Path(__file__).parent.parent / "results"
SIZES = (100, 1_000, 10_000)

Stages = dict[int, list[Timing]]
"""What was measured, by the number of nights."""


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            stages = _run(Path(folder), options.asked)
    except (ReceiverError, NotAnsweredError) as reason:
        sys.exit(f"bench: {reason}")
    print(f"\n## GET /history, milliseconds\n\n{_speeds(stages)}\n\n{_goals(stages[SIZES[-1]])}")
    _save(stages)


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run history", description="Measure the history as it grows.")
    parser.add_argument(
        "--asked", type=int, default=ASKED, help=f"how often each is asked for; default: {ASKED}"
    )
    return parser.parse_args(arguments)


def _run(folder: Path, asked: int) -> Stages:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    stages: Stages = {}
    with database(folder / "data") as base:
        first = 1
        for nights in SIZES:
            broadcasts, screenings, ghosts = grow(base.conninfo, first, nights)
            print(f"{broadcasts:,} broadcasts, {screenings:,} screenings, {ghosts:,} ghosts", flush=True)
            stages[nights] = _measure(folder, base, nights, asked)
            first = nights + 1
    return stages


def _measure(folder: Path, base: Database, nights: int, asked: int) -> list[Timing]:
    port = free_port()
    with running(showtime(base), port, folder / "showtime.log"):
        return time_all(port, questions(nights, some_ghosts(base.conninfo, asked)), asked)


def _speeds(stages: Stages) -> str:
    largest = stages[SIZES[-1]]
    head = [
        "asked for",
        *(f"{nights:,} nights: p50" for nights in stages),
        "p99 of the last",
        "kB of the last",
    ]
    return table(
        head,
        (
            [
                timing.name,
                *(f"{timings[place].median_ms:.1f}" for timings in stages.values()),
                f"{timing.p99_ms:.1f}",
                f"{timing.body_bytes / 1e3:,.1f}",
            ]
            for place, timing in enumerate(largest)
        ),
    )


def _goals(timings: Sequence[Timing]) -> str:
    return "\n".join(
        f"- {'reached' if timing.median_ms <= timing.limit_ms else 'NOT REACHED'}: {timing.name}"
        f" in {timing.limit_ms:.0f} ms at the median"
        for timing in timings
    )


def _save(stages: Stages) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    document: dict[str, Any] = {
        "at": at,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_after": os.getloadavg(),
        "stages": {nights: [asdict(timing) for timing in timings] for nights, timings in stages.items()},
    }
    path = RESULTS / f"history-{at.replace(':', '-').removesuffix('+00-00')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
