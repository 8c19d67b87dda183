"""Processes that are forked from one that has imported everything: `showtime COMMAND`, and stand-ins.

A new interpreter takes more than a second of CPU to import the service; a fork takes next to none. The
process is the same to all who look at it from outside: it has its own id, folder and environment, and is
signalled, frozen and killed like any other. Where a test is about how the program itself begins, it starts an
interpreter: what the docs tell to type (`terminal`), and how `serve` ends (`server.in_an_interpreter`).
"""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path

from attrs import frozen

_FORKS = multiprocessing.get_context("forkserver")
_COMMANDS = (f"showtime_app.cli.{name}" for name in ("main", "serve", "dev", "init"))
_LATE = (
    "showtime_adapters.openai_images",
    "showtime_adapters.s3_storage",
)  # imported where they are configured
_FORKS.set_forkserver_preload([*_COMMANDS, *_LATE, "showtime_app.composition", "support.neighbours"])


@frozen
class Forked:
    """A process, with what tests use of `subprocess.Popen`."""

    _process: multiprocessing.process.BaseProcess
    stdout: TextIOWrapper | None = None

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(target: Callable[..., None], *arguments: object) -> Forked:
    """Run a function of a module of tests in a process of its own; it is killed when the tests end."""
    process = _FORKS.Process(target=target, args=arguments, daemon=True)
    process.start()
    return Forked(process)


def pipe() -> tuple[Connection, Connection]:
    """Make a pair of ends for two processes: whoever reads at one sees when the other is gone."""
    return _FORKS.Pipe()


def showtime(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    errors: Path | None,
    output: Path | None,
) -> Forked:
    """Run `showtime ARGUMENTS` with this environment and no other; what it prints is added to these files.

    Without a file for its output that is read from `stdout`; without one for its errors they are there too.
    """
    reader, writer = _FORKS.Pipe(duplex=False)
    with reader, writer:
        os.umask(mask := os.umask(0))
        forked = fork(_run, list(arguments), dict(environment), folder, mask, output or writer, errors)
        stdout = None if output else os.fdopen(os.dup(reader.fileno()), "r")
    return Forked(forked._process, stdout)  # noqa: SLF001 - it is made here


def _run(  # noqa: PLR0913, PLR0917 - all that a process begins with
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    mask: int,
    output: Path | Connection,
    errors: Path | None,
) -> None:
    from showtime_app.cli.main import main  # noqa: PLC0415 - in the process that was forked

    gc.freeze()  # what was imported is not walked over by each fork's collector, nor copied for it
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    _redirect(1, output)
    os.dup2(1, 2) if errors is None else _redirect(2, errors)
    sys.stdout.reconfigure(line_buffering="PYTHONUNBUFFERED" in environment)  # type: ignore[union-attr]
    main(arguments, prog_name="showtime")


def _redirect(number: int, where: Path | Connection) -> None:
    if isinstance(where, Path):
        opened = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    else:
        os.dup2(where.fileno(), number)
        where.close()
