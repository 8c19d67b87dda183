"""`showtime dev` as its users run it: everything by itself, in a folder of its own."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from support.forked import showtime
from support.in_process import run_here
from support.postgres import lay_out
from support.server import Server

_READY = re.compile(r"showtime is ready at (http://\S+:\d+)")


def command(*arguments: str) -> list[str]:
    """Say what is typed for `showtime` with these arguments."""
    return [sys.executable, "-m", "showtime_app.cli.main", *arguments]


def environment(settings: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return kept | {"PYTHONUNBUFFERED": "1"} | settings


@frozen
class Dev:
    """A running `showtime dev`."""

    server: Server
    data_dir: Path
    output: Iterable[str] = ()
    """What it prints after it is ready."""

    def token(self, role: str, *options: str) -> str:
        """Ask for a token as the host does in a shell."""
        folder = self.data_dir
        asked = run_here("token", role, *options, "--data-dir", folder, names=environment({}), folder=folder)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.splitlines()[-1]


@contextmanager
def developing(data_dir: Path, *options: str, **settings: str) -> Iterator[Dev]:
    """Run `showtime dev` for a while; it is stopped as Ctrl-C stops it.

    Where there is no data folder yet, it finds a server's files and no database of ours.
    """
    lay_out(data_dir)
    log = data_dir.with_suffix(".log")
    run = ["dev", "--data-dir", str(data_dir), "--port", "0", *options]
    process = showtime(run, environment(settings), data_dir.parent, output=None, errors=log)
    assert process.stdout
    with process.stdout:
        try:
            yield Dev(Server(_await_ready(process.stdout, log), process, log), data_dir, process.stdout)
        finally:
            process.terminate()
            process.wait()


def refusal(data_dir: Path, *options: str, **settings: str) -> str:
    """Run `showtime dev` where it must not start, and return what it says."""
    run = ["dev", "--data-dir", str(data_dir), "--port", "0", *options]
    process = showtime(run, environment(settings), data_dir.parent, output=None, errors=None)
    assert process.stdout
    with process.stdout:
        try:
            assert process.wait(60) == 1
            return process.stdout.read()
        finally:
            process.kill()


def _await_ready(lines: Iterable[str], log: Path) -> str:
    for line in lines:
        if found := _READY.search(line):
            return found[1]
    raise AssertionError(f"it does not start:\n{log.read_text()}")
