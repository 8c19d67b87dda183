"""The benchmark of starting: the help of the commands, and `showtime dev` on a folder that it knows."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil
from attrs import frozen
from callback.report import spread, table

RESULTS = Path(__file__).parent.parent / "results"
_PROGRAM = str(Path(sys.executable).with_name("showtime"))
_LONGEST_SECONDS = 60.0
_AIMS = {"showtime serve --help": 0.3, "showtime dev": 2.0}
"""Seconds."""


class NotStartedError(Exception):
    """A command did not do what it was started for."""


@frozen
class Start:
    """How long it took, in seconds."""

    seconds: float
    own_cpu: float
    """Of our processes."""


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if a command fails."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    found: dict[str, list[Start]] = {name: [] for name in ("showtime --help", *_AIMS)}
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as name:
            folder = Path(name)
            folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
            _start_dev(folder)  # the first makes the database
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                found["showtime --help"].append(_ask_for_help("--help"))
                found["showtime serve --help"].append(_ask_for_help("serve", "--help"))
                found["showtime dev"].append(_start_dev(folder))
    except (NotStartedError, subprocess.CalledProcessError) as reason:
        sys.exit(f"bench: {reason}")
    print("\n" + _report(found))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run start", description="Measure how long commands take to start.")
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    return parser.parse_args(arguments)


def _ask_for_help(*arguments: str) -> Start:
    start, before = time.perf_counter(), os.times()
    subprocess.run([_PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Start(seconds, used)


def _start_dev(folder: Path) -> Start:
    """Start it, until it says where it is; PostgreSQL, which it starts, is waited for, but is not ours."""
    start = time.perf_counter()
    command = [_PROGRAM, "dev", "--port", "0", "--data-dir", str(folder / "data")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environment, text=True
        ) as process,
    ):
        try:
            _await_address(process, folder / "log")
            seconds = time.perf_counter() - start
            used = psutil.Process(process.pid).cpu_times()
            return Start(seconds, used.user + used.system)
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_LONGEST_SECONDS)
            process.kill()


def _await_address(process: subprocess.Popen[str], log: Path) -> None:
    assert process.stdout
    for line in process.stdout:
        if "http://" in line:
            return
    raise NotStartedError(f"showtime dev did not start:\n{log.read_text()}")


def _report(found: Mapping[str, Sequence[Start]]) -> str:
    rows = [
        [
            name,
            spread([start.seconds * 1e3 for start in starts], "{:,.0f}"),
            spread([start.own_cpu * 1e3 for start in starts], "{:,.0f}"),
        ]
        for name, starts in found.items()
    ]
    goals = []
    for name, aim in _AIMS.items():
        took = median(start.seconds for start in found[name])
        goals.append(f"- {'reached' if took <= aim else 'NOT REACHED'}: {aim * 1e3:,.0f} ms for `{name}`")
    return "\n\n".join(
        [
            "## Starting, milliseconds",
            table(["command", "until it is there", "own CPU"], rows),
            "`showtime dev` has a folder that it knows: the time of PostgreSQL's start is in it.",
            "\n".join(goals),
        ]
    )
