"""The benchmark itself: rounds in which each receiver has its turn."""

import json
import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import asdict

from callback import report
from callback.load import CONNECTIONS, NoWrkError, find_wrk
from callback.messages import write_messages
from callback.ours import Database, database, showtime
from callback.profiling import NotSampledError, Sampler
from callback.receivers import Receiver, ReceiverError, beside, said
from callback.report import Roles, Rounds
from callback.turns import Course

RESULTS = Path(__file__).parent.parent / "results"
ROLES = Roles("showtime", "Litestar", ("pyTwitchAPI", "TwitchIO"))
_PACKAGES = ("golden-vcr-showtime", "uvicorn", "litestar", "psycopg", "twitchAPI", "twitchio", "aiohttp")


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    try:
        find_wrk()
        RESULTS.mkdir(exist_ok=True)
        # Not in /tmp, which may be memory: an fsync there costs nothing.
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            rounds = _run(Path(folder), options)
    except (NoWrkError, ReceiverError, NotSampledError) as reason:
        sys.exit(f"bench: {reason}")
    flaws = [f"{name}: {flaw}" for name, turns in rounds.items() for turn in turns for flaw in turn.flaws]
    if flaws:
        sys.exit("bench: these numbers are worth nothing:\n" + "\n".join(flaws))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run callback", description="Measure POST /callback beside its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=int, default=6, help="of load in each turn; default: 6")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these receivers alone")
    parser.add_argument("--profile", action="store_true", help="show where the time of our process goes")
    parser.add_argument(
        "--native", action="store_true", help="with --profile: look into compiled modules as well"
    )
    parser.add_argument(
        "--per-second", type=int, default=25_000, help="messages to sign for a second of load; default: 25000"
    )
    return parser.parse_args(arguments)


def _run(folder: Path, options: Namespace) -> Rounds:
    with database(_data_folder(folder)) as base:
        about = _about(base)
        print(json.dumps(about), flush=True)
        course = Course(folder, options.seconds, base.pid)
        receivers = _receivers(base, options.only)
        rounds: Rounds = {receiver.name: [] for receiver in receivers}
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            _run_round(course, options.per_second, receivers, rounds)
        _print_tables(rounds)
        if ROLES.ours in rounds:
            print("\n{:,} messages in {:,} transactions.".format(*base.batches()))
        if options.profile:
            _profile(course, options, showtime(base), rounds)
    _save(about, rounds)
    return rounds


def _data_folder(folder: Path) -> Path:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    data = folder / "data"
    data.mkdir()
    return data


def _receivers(base: Database, only: Sequence[str] | None) -> list[Receiver]:
    every = [
        showtime(base),
        beside("uvicorn", "bare_uvicorn"),
        beside("Litestar", "litestar_floor"),
        beside("pyTwitchAPI", "pytwitchapi", said),
        beside("TwitchIO", "twitchio_aiohttp", said),
    ]
    return [receiver for receiver in every if only is None or receiver.name in only]


def _run_round(course: Course, per_second: int, receivers: Sequence[Receiver], rounds: Rounds) -> None:
    messages = write_messages(course.folder / "messages", per_second * course.seconds)
    for receiver in receivers:
        turn = course.take_turn(receiver, messages)
        rounds[receiver.name].append(turn)
        print(f"  {receiver.name}: {turn.load.rate:,.0f} requests/s", flush=True)


def _print_tables(rounds: Rounds) -> None:
    print(f"\n## POST /callback, {CONNECTIONS} connections\n\n{report.speeds(rounds)}")
    print(f"\nWhat a request costs, in microseconds of a processor:\n\n{report.costs(rounds)}")
    if {ROLES.ours, ROLES.floor, *ROLES.peers} <= rounds.keys():
        print(f"\n{report.ratios(rounds, ROLES)}\n\n{report.goals(rounds, ROLES)}")


def _profile(course: Course, options: Namespace, ours: Receiver, rounds: Rounds) -> None:
    messages = write_messages(course.folder / "messages", options.per_second * course.seconds)
    sampler = Sampler(course.folder / "samples", is_native=options.native)
    turn = course.take_turn(ours, messages, sampler.watch)
    rounds["profiled"] = [turn]
    print(f"\n## Where the time of {ours.name} goes\n\n{report.costs({'profiled': [turn]})}\n")
    print(report.profile(sampler.read(), turn))


def _about(base: Database) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
        "database": base.settings(),
        "commit_ms": round(base.commit_ms(), 3),
        "packages": {package: version(package) for package in _PACKAGES},
    }


def _save(about: dict[str, Any], rounds: Rounds) -> None:
    document = {**about, "turns": {name: [asdict(turn) for turn in turns] for name, turns in rounds.items()}}
    name = about["at"].replace(":", "-").removesuffix("+00-00")
    path = RESULTS / f"callback-{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
