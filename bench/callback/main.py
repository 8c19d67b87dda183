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

from attrs import asdict, define, field

from callback import report
from callback.load import NoWrkError, find_wrk
from callback.messages import write_messages
from callback.ours import Database, database, showtime
from callback.profiling import NotSampledError, Sampler
from callback.receivers import Receiver, ReceiverError, beside, said
from callback.report import Roles, Rounds
from callback.turns import Course

RESULTS = Path(__file__).parent.parent / "results"
ROLES = Roles("showtime", "uvicorn", "Litestar", ("pyTwitchAPI", "TwitchIO"))
_PACKAGES = ("golden-vcr-showtime", "uvicorn", "litestar", "psycopg", "twitchAPI", "twitchio", "aiohttp")


@define
class Part:
    """What is measured over so many connections."""

    course: Course
    rounds: Rounds = field(factory=dict)
    messages: int = 0
    """That were recorded, and in how many transactions."""
    transactions: int = 0


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    try:
        find_wrk()
        RESULTS.mkdir(exist_ok=True)
        # Not in /tmp, which may be memory: an fsync there costs nothing.
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            parts = _run(Path(folder), options)
    except (NoWrkError, ReceiverError, NotSampledError) as reason:
        sys.exit(f"bench: {reason}")
    turns = [turn for part in parts for turns in part.rounds.values() for turn in turns]
    flaws = [f"{turn.receiver}: {flaw}" for turn in turns for flaw in turn.flaws]
    if flaws:
        sys.exit("bench: these numbers are worth nothing:\n" + "\n".join(flaws))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run callback", description="Measure POST /callback beside its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=int, default=6, help="of load in each turn; default: 6")
    parser.add_argument(
        "--connections", type=int, nargs="+", default=[32, 128], help="in turn; default: 32 128"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these receivers alone")
    parser.add_argument("--profile", action="store_true", help="show where the time of our process goes")
    parser.add_argument(
        "--native", action="store_true", help="with --profile: look into compiled modules as well"
    )
    parser.add_argument(
        "--per-second", type=int, default=25_000, help="messages to sign for a second of load; default: 25000"
    )
    return parser.parse_args(arguments)


def _run(folder: Path, options: Namespace) -> Sequence[Part]:
    with database(_data_folder(folder)) as base:
        about = _about(base)
        print(json.dumps(about), flush=True)
        parts = [Part(Course(folder, options.seconds, each, base.pid)) for each in options.connections]
        receivers = _receivers(base, options.only)
        for number in range(options.rounds):
            for part in parts:
                print(f"round {number + 1} of {options.rounds}, {part.course.connections} connections")
                _run_round(part, base, options.per_second, receivers)
        for part in parts:
            _print_tables(part)
        if options.profile:
            for part in parts:
                _profile(part, options, showtime(base))
    _save(about, parts)
    return parts


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


def _run_round(part: Part, base: Database, per_second: int, receivers: Sequence[Receiver]) -> None:
    course = part.course
    messages = write_messages(course.folder / "messages", per_second * course.seconds)
    before = base.batches()
    for receiver in receivers:
        turn = course.take_turn(receiver, messages)
        part.rounds.setdefault(receiver.name, []).append(turn)
        print(f"  {receiver.name}: {turn.load.rate:,.0f} requests/s", flush=True)
    recorded, transactions = base.batches()
    part.messages += recorded - before[0]
    part.transactions += transactions - before[1]


def _print_tables(part: Part) -> None:
    rounds = part.rounds
    print(f"\n## POST /callback, {part.course.connections} connections\n\n{report.speeds(rounds)}")
    print(f"\nWhat a request costs, in microseconds of a processor:\n\n{report.costs(rounds)}")
    if part.transactions:
        shared = part.messages / part.transactions
        print(f"\n{part.messages:,} messages in {part.transactions:,} transactions, {shared:.1f} in each.")
    if {ROLES.ours, ROLES.frame, ROLES.floor, *ROLES.peers} <= rounds.keys():
        print(f"\n{report.ratios(rounds, ROLES)}\n\n{report.goals(rounds, ROLES)}")


def _profile(part: Part, options: Namespace, ours: Receiver) -> None:
    course = part.course
    messages = write_messages(course.folder / "messages", options.per_second * course.seconds)
    sampler = Sampler(course.folder / "samples", is_native=options.native)
    turn = course.take_turn(ours, messages, sampler.watch)
    part.rounds["profiled"] = [turn]
    print(f"\n## Where the time of {ours.name} goes, {course.connections} connections\n")
    print(f"{report.costs({'profiled': [turn]})}\n\n{report.profile(sampler.read(), turn)}")


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


def _save(about: dict[str, Any], parts: Sequence[Part]) -> None:
    turns = [asdict(turn) for part in parts for turns in part.rounds.values() for turn in turns]
    name = about["at"].replace(":", "-").removesuffix("+00-00")
    path = RESULTS / f"callback-{name}.json"
    path.write_text(json.dumps({**about, "turns": turns}, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
