"""The load: wrk, which is C, with one thread. A client in Python would be the limit."""

import json
import resource
import shutil
import subprocess
from pathlib import Path

from attrs import frozen

from callback.messages import Messages

CONNECTIONS = 32
"""How many wrk has, where nothing else is said."""


class NoWrkError(Exception):
    """wrk is missing. On Debian and Ubuntu: apt install wrk."""


@frozen
class Load:
    """What wrk saw."""

    requests: int
    """How many were answered; up to one for each connection was still under way."""
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    bad_status: int
    """Answers of 400 and above."""
    socket_errors: int
    wraps: int
    """How often wrk had to begin again with messages that it had sent already."""
    cpu_seconds: float
    """Of wrk itself."""
    connections: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def find_wrk() -> str:
    """Find the program; raises NoWrkError."""
    program = shutil.which("wrk")
    if program is None:
        raise NoWrkError(NoWrkError.__doc__)
    return program


def put_load(port: int, messages: Messages, seconds: int, connections: int = CONNECTIONS) -> Load:
    """Send messages as fast as they are answered."""
    script = Path(__file__).with_name("load.lua")
    command = [find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    command += [f"http://127.0.0.1:{port}/callback", "--", str(messages.path), str(messages.size)]
    before = _cpu_of_children()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = _cpu_of_children() - before
    return Load(**json.loads(output.splitlines()[-1]), cpu_seconds=used, connections=connections)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
