"""`showtime serve` as its users run it: a process of its own, on a port of its own, on a real database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
from attrs import define
from psycopg.conninfo import conninfo_to_dict

from support.forked import Forked, showtime

SECRET = "rewind-before-returning"
_READY_SECONDS = 60.0
_PG = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}


def environment(conninfo: str, **settings: str) -> dict[str, str]:
    """Make the environment of a server: nothing of the machine's own settings, but for where programs are."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    database = {_PG[name]: str(value) for name, value in conninfo_to_dict(conninfo).items() if name in _PG}
    return kept | database | {"TWITCH_WEBHOOK_SECRET": SECRET} | settings


@define
class Served:
    """Where a running server answers, wherever it runs."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


@define
class Server(Served):
    """A running server in a process of its own."""

    process: Forked | subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it as a crash does: at once, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, seconds: float = 60.0) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def start(
    conninfo: str,
    log: Path,
    port: int = 0,
    settings: Mapping[str, str] = {},
    *,
    begin: Callable[..., Forked | subprocess.Popen[bytes]] = showtime,
) -> Server:
    """Start `showtime serve` on this port (0: a free one), and wait until it answers."""
    port = port or free_port()
    named = environment(conninfo, **settings)
    process = begin(["serve", "--port", str(port)], named, log.parent, output=log, errors=log)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    await_answer(server)
    return server


def in_an_interpreter(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path, errors: Path
) -> subprocess.Popen[bytes]:
    """Begin a command as a terminal does, where a fork would prove less."""
    with output.open("ab") as told, errors.open("ab") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", "showtime_app.cli.main", *arguments],
            env=dict(environment),
            cwd=folder,
            stdout=told,
            stderr=complaints,
        )


def await_answer(server: Server) -> None:
    """Wait until it is ready; fails with the log if the server ends first."""
    if not answers(server, "/readyz", lambda: server.process.poll() is None):
        raise AssertionError(f"the server does not become ready:\n{server.log.read_text()}")


def answers(served: Served, path: str, is_running: Callable[[], bool]) -> bool:
    """Wait until a path answers 200, as long as the server runs; tells whether it did."""
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(timeout=10) as client:
        while time.monotonic() < deadline and is_running():
            with suppress(httpx.TransportError):
                if client.get(served.url + path).status_code == httpx.codes.OK:
                    return True
            time.sleep(0.02)
    return False


_HELD: list[socket.socket] = []


def free_port() -> int:
    """Find a port that nobody else is given while this process lives; whoever is told of it may listen there.

    Bound without listening, it refuses connections.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return int(held.getsockname()[1])


@contextmanager
def running(conninfo: str, log: Path, **options: object) -> Iterator[Server]:
    """Run a server for a while; it is killed if it is still there at the end."""
    server = start(conninfo, log, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.kill()


def rows(conninfo: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
    """Ask the database."""
    with psycopg.connect(conninfo) as connection:
        return connection.execute(query, parameters or None).fetchall()  # type: ignore[call-overload]
