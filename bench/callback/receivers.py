"""What is measured: a name, how its process is started, and how it tells what it has taken."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

_START_SECONDS = 60
_STOP_SECONDS = 30
_BENCH = Path(__file__).parent.parent


class ReceiverError(Exception):
    """A receiver did not start or did not stop as it should; what it wrote stands in its log."""


def _says_nothing(_: str) -> int | None:
    return None


def said(output: str) -> int | None:
    """Find what a peer said at its end."""
    words = re.findall(r"^handled (\d+)$", output, re.MULTILINE)
    return int(words[-1]) if words else None


@frozen
class Receiver:
    """A server that takes messages at `/callback`."""

    name: str
    command: tuple[str, ...]
    """The port is added at its end."""
    environment: Mapping[str, str]
    """All of it: nothing of ours leaks in."""
    taken: Callable[[str], int | None] = _says_nothing
    """Tells from its output, once it has stopped, how many messages it took in this turn; None: unknown."""


def beside(name: str, module: str, taken: Callable[[str], int | None] = _says_nothing) -> Receiver:
    """Name a receiver of `callback.servers`."""
    command = (sys.executable, "-m", f"callback.servers.{module}")
    return Receiver(name, command, {"PYTHONPATH": str(_BENCH)}, taken)


@contextmanager
def running(receiver: Receiver, port: int, log: Path) -> Iterator[int]:
    """Run a receiver; gives the number of its process. Raises ReceiverError."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*receiver.command, str(port)],
            env=dict(receiver.environment),
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(process, receiver, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ReceiverError(f"{receiver.name} did not stop; see {log}") from None


def _await_ready(process: subprocess.Popen[bytes], receiver: Receiver, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"ready" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ReceiverError(f"{receiver.name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
