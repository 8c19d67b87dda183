"""The benchmark of chat: so many messages a second by IRC, until a client of `/chat` has them."""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
from attrs import asdict, evolve, frozen
from callback.ours import Database, database, showtime
from callback.receivers import ReceiverError, running
from callback.report import table
from callback.turns import cpu_seconds, free_port

RESULTS = Path(__file__).parent.parent / "results"
RATES = (500, 5_000)
SECONDS = 10
_TESTS = Path(__file__).parents[2] / "tests"
_ALL_SECONDS = 120.0


class NotShownError(Exception):
    """What was to be timed did not happen as it should."""


@frozen
class Stage:
    """What is measured, and what came of it."""

    rate: int
    """Messages a second that are to be sent."""
    messages: int
    sent_seconds: float = 0.0
    p50_ms: float = 0.0
    """From the moment at which a message is sent to the moment at which the client has it."""
    p99_ms: float = 0.0
    max_ms: float = 0.0
    own_cpu: float = 0.0
    """In seconds."""
    database_cpu: float = 0.0
    grown_mb: float = 0.0
    """What showtime has in memory afterwards, more than before."""


@frozen
class Room:
    """The IRC server, in a process of its own."""

    process: subprocess.Popen[str]
    settings: dict[str, str]

    def send(self, rate: int, messages: int) -> None:
        """Let it send."""
        assert self.process.stdin
        self.process.stdin.write(f"{rate} {messages}\n")
        self.process.stdin.flush()

    def sent_seconds(self) -> float:
        """Wait until it has, and tell how long it took."""
        assert self.process.stdout
        return float(self.process.stdout.readline())


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            stages = _run(Path(folder), options.seconds)
    except (NotShownError, ReceiverError, OSError) as reason:
        sys.exit(f"bench: {reason}")
    print(f"\n## Chat by IRC, to a client of /chat\n\n{_report(stages)}")
    _save(stages)


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run chat", description="Measure chat, from Twitch to a client.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of each rate; default: {SECONDS}")
    return parser.parse_args(arguments)


def _run(folder: Path, seconds: int) -> Sequence[Stage]:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    with database(folder / "data") as base, _room(folder) as room:
        settings = base.environment | room.settings | {"TWITCH_CHANNEL_NAME": "goldenvcr"}
        ours = evolve(showtime(base), environment=settings)
        port = free_port()
        with running(ours, port, folder / "showtime.log") as pid:
            _measure(Stage(RATES[0], RATES[0]), room, base, pid, port)  # to warm up
            return [_measure(Stage(rate, rate * seconds), room, base, pid, port) for rate in RATES]


def _measure(stage: Stage, room: Room, base: Database, pid: int, port: int) -> Stage:
    """Measure a stage. Raises NotShownError if a message is missing, or not in its place."""
    with _listening(port) as blocks:
        before = [cpu_seconds(each) for each in (pid, base.pid)]
        memory = psutil.Process(pid).memory_info().rss
        room.send(stage.rate, stage.messages)
        sent_at, ms = 0, []
        for _ in range(stage.messages):
            was, sent_at = sent_at, _sent_at(next(blocks))
            if sent_at <= was:
                raise NotShownError("a message came twice, or not in its place")
            ms.append((time.monotonic_ns() - sent_at) / 1e6)
        used = [cpu_seconds(each) - early for each, early in zip((pid, base.pid), before, strict=True)]
    return evolve(
        stage,
        sent_seconds=room.sent_seconds(),
        p50_ms=statistics.median(ms),
        p99_ms=statistics.quantiles(ms, n=100)[-1],
        max_ms=max(ms),
        own_cpu=used[0],
        database_cpu=used[1],
        grown_mb=(psutil.Process(pid).memory_info().rss - memory) / 1e6,
    )


@contextmanager
def _listening(port: int) -> Iterator[Iterator[bytes]]:
    """Open `/chat`, as a proxy does that speaks HTTP/1.0; gives what comes, once it may come."""
    with socket.create_connection(("127.0.0.1", port), _ALL_SECONDS) as connection:
        connection.sendall(b"GET /chat HTTP/1.0\r\nHost: bench\r\n\r\n")
        with connection.makefile("rb") as stream:
            while stream.readline() != b"retry: 3000\n":
                pass
            yield (line for line in stream if line.startswith(b"data: "))


def _sent_at(line: bytes) -> int:
    return int(json.loads(line.removeprefix(b"data: "))["message"]["id"])


@contextmanager
def _room(folder: Path) -> Iterator[Room]:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("room.py")), str(folder)],
        env={"PYTHONPATH": str(_TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Room(process, json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def _report(stages: Sequence[Stage]) -> str:
    head = ["messages/s", "messages", "p50 ms", "p99 ms", "max ms", "own µs", "PostgreSQL µs", "grown MB"]
    return table(
        head,
        (
            [
                f"{stage.messages / stage.sent_seconds:,.0f}",
                f"{stage.messages:,}",
                f"{stage.p50_ms:,.0f}",
                f"{stage.p99_ms:,.0f}",
                f"{stage.max_ms:,.0f}",
                f"{stage.own_cpu / stage.messages * 1e6:,.0f}",
                f"{stage.database_cpu / stage.messages * 1e6:,.0f}",
                f"{stage.grown_mb:,.1f}",
            ]
            for stage in stages
        ),
    )


def _save(stages: Sequence[Stage]) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    document = {
        "at": at,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_after": os.getloadavg(),
        "stages": [asdict(stage) for stage in stages],
    }
    path = RESULTS / f"chat-{at.replace(':', '-').removesuffix('+00-00')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
