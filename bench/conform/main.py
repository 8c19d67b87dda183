"""Tries `showtime conform` on the Python libraries, and on showtime itself, one after the other."""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import frozen
from callback.messages import SECRET
from callback.ours import database, showtime
from callback.receivers import Receiver, ReceiverError, running
from callback.report import table
from callback.turns import free_port

RESULTS = Path(__file__).parent.parent / "results"
LEVELS = ("required", "advised", "robust")
_BENCH = Path(__file__).parent.parent
_SHOWTIME = Path(sys.executable).with_name("showtime")


@frozen
class Candidate:
    """A receiver, and how it tells what it has handled."""

    receiver: Receiver
    handled: str
    """A command that prints it."""


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if a receiver could not be tried."""
    ArgumentParser(
        prog="bench/run conform", description="Judge the libraries' receivers and ours."
    ).parse_args(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            _run(Path(folder))
    except ReceiverError as reason:
        sys.exit(f"bench: {reason}")


def _run(folder: Path) -> None:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    data = folder / "data"
    data.mkdir()
    versions = {name: version(name) for name in ("golden-vcr-showtime", "twitchAPI", "twitchio")}
    print(json.dumps({"python": platform.python_version(), "versions": versions}), flush=True)
    with database(data) as base:
        journal = (
            f"import psycopg\nfor (id,) in psycopg.connect({base.conninfo!r}).execute({_IDS!r}): print(id)"
        )
        candidates = [
            Candidate(showtime(base), shlex.join([sys.executable, "-c", journal])),
            _library(folder, "pyTwitchAPI", "pytwitchapi"),
            _library(folder, "TwitchIO", "twitchio_aiohttp"),
        ]
        verdicts = {each.receiver.name: _judge(each, folder) for each in candidates}
    print(f"\n## `showtime conform`\n\n{_counts(verdicts)}\n\n{_failed(verdicts)}")


_IDS = "select id from showtime.journal order by position"


def _library(folder: Path, name: str, module: str) -> Candidate:
    log = folder / f"{module}.handled"
    log.touch()
    start = f"runpy.run_module('conform.servers.{module}', run_name='__main__')"
    run = f"import sys, runpy; sys.argv.append({str(log)!r}); {start}"
    receiver = Receiver(name, (sys.executable, "-c", run), {"PYTHONPATH": str(_BENCH)})
    return Candidate(receiver, shlex.join(["cat", str(log)]))


def _judge(candidate: Candidate, folder: Path) -> list[dict[str, Any]]:
    """Try everything on a receiver; gives what is said of each probe."""
    name, port, file = candidate.receiver.name, free_port(), folder / "verdicts.json"
    command = [_SHOWTIME, "conform", f"http://127.0.0.1:{port}/callback", "--secret", SECRET]
    command += ["--handled", candidate.handled, "--json", str(file)]
    with running(candidate.receiver, port, folder / f"{name}.log"):
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if ran.returncode not in {0, 1}:
        raise ReceiverError(f"{name} could not be judged: {ran.stderr[-500:]}")
    return list(json.loads(file.read_text("utf-8"))["verdicts"])


def _counts(verdicts: dict[str, list[dict[str, Any]]]) -> str:
    rows = []
    for name, each in verdicts.items():
        counted = Counter((one["level"], one["outcome"]) for one in each)
        tried = Counter(one["level"] for one in each)
        rows.append([name, *(f"{counted[level, 'passed']} of {tried[level]}" for level in LEVELS)])
    return table(["receiver", *(f"{level}, passed" for level in LEVELS)], rows)


def _failed(verdicts: dict[str, list[dict[str, Any]]]) -> str:
    rows = [
        [name, one["level"], f"`{one['name']}`", re.sub(r"\s+", " ", one["reason"])[:100]]
        for name, each in verdicts.items()
        for one in each
        if one["outcome"] == "failed"
    ]
    return table(["receiver", "level", "failed", "why"], rows)
