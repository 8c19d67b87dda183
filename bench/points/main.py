"""The benchmark of points: POST /callback with points on, beside the same with points off."""

import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from attrs import evolve, frozen
from callback.load import CONNECTIONS, Load, NoWrkError, find_wrk, put_load
from callback.messages import write_messages
from callback.ours import Database, database, showtime
from callback.receivers import ReceiverError, running
from callback.report import spread, table
from callback.turns import cpu_seconds, free_port
from effects.stage import NotPerformedError, Standins, standins

RESULTS = Path(__file__).parent.parent / "results"
_LONGEST_SECONDS = 300.0
_AIM = 0.8


@frozen
class Turn:
    """What one turn gave."""

    load: Load
    own_cpu: float
    """Of our process while messages came, in seconds."""
    database_cpu: float
    credited_meanwhile: int
    credited_afterwards: int
    seconds_afterwards: float

    @property
    def rate_afterwards(self) -> float:
        """Credits a second, once no more messages came."""
        return self.credited_afterwards / self.seconds_afterwards if self.seconds_afterwards else 0.0

    def cost(self, cpu: float) -> float:
        """Microseconds of a processor for each message."""
        return cpu / self.load.requests * 1e6


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    off, on = [], []
    try:
        find_wrk()
        RESULTS.mkdir(exist_ok=True)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            for turns, has_points in ((off, False), (on, True)):
                turns.append(_take_turn(options, has_points=has_points))
                print(
                    f"  points {'on' if has_points else 'off'}: {turns[-1].load.rate:,.0f} messages/s",
                    flush=True,
                )
    except (NoWrkError, ReceiverError, NotPerformedError) as reason:
        sys.exit(f"bench: {reason}")
    print("\n" + _report(off, on))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run points", description="Measure POST /callback with points on.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=int, default=10, help="of load in each turn; default: 10")
    parser.add_argument(
        "--per-second", type=int, default=8_000, help="messages to sign for a second of load; default: 8000"
    )
    return parser.parse_args(arguments)


def _take_turn(options: Namespace, *, has_points: bool) -> Turn:
    """Put load on an instance with a database of its own, and wait until its points are credited."""
    with tempfile.TemporaryDirectory(dir=RESULTS) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
        (folder / "data").mkdir()
        messages = write_messages(folder / "messages", options.per_second * options.seconds)
        with database(folder / "data") as base, standins(0) as neighbours:
            ours = showtime(base)
            settings = neighbours.settings if has_points else {}
            ours = evolve(ours, environment={**ours.environment, **settings})
            port = free_port()
            with running(ours, port, folder / "showtime.log") as pid:
                before = cpu_seconds(pid), cpu_seconds(base.pid)
                load = put_load(port, messages, options.seconds)
                own, database_cpu = cpu_seconds(pid) - before[0], cpu_seconds(base.pid) - before[1]
                meanwhile, start = neighbours.credits(), time.perf_counter()
                if has_points:
                    _await(base, neighbours)
                seconds = time.perf_counter() - start
            made, recorded = neighbours.credits(), _recorded(base, load)
            if made != (recorded if has_points else 0):
                raise NotPerformedError(f"{recorded} messages were recorded, and {made} credits made")
    return Turn(load, own, database_cpu, meanwhile, made - meanwhile, seconds)


def _recorded(base: Database, load: Load) -> int:
    """Count what was recorded: what was answered, and what was under way at the end."""
    recorded = base.newly_recorded("")
    if load.bad_status or load.socket_errors or load.wraps:
        raise NotPerformedError(
            f"{load.bad_status} bad answers, {load.socket_errors} errors, {load.wraps} wraps"
        )
    if not 0 <= recorded - load.requests <= CONNECTIONS:
        raise NotPerformedError(f"{load.requests} were answered, but {recorded} recorded")
    return recorded


def _await(base: Database, neighbours: Standins) -> None:
    """Wait until all that is recorded is credited."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while (made := neighbours.credits()) < (recorded := base.batches()[0]):
        if time.monotonic() > deadline:
            raise NotPerformedError(f"of {recorded} credits, {made} are made")
        time.sleep(0.2)


def _whole(turn: Turn) -> float:
    return turn.cost(turn.own_cpu + turn.database_cpu)


def _report(off: Sequence[Turn], on: Sequence[Turn]) -> str:
    pairs = list(zip(off, on, strict=True))
    rows = [
        [
            "off" if turns is off else "on",
            spread([turn.load.rate for turn in turns], "{:,.0f}"),
            spread([turn.load.p99_ms for turn in turns], "{:.0f}"),
            spread([turn.cost(turn.own_cpu) for turn in turns], "{:.0f}"),
            spread([turn.cost(turn.database_cpu) for turn in turns], "{:.0f}"),
            spread([turn.credited_meanwhile / turn.load.seconds for turn in turns], "{:.0f}"),
            spread([turn.rate_afterwards for turn in turns], "{:,.0f}"),
        ]
        for turns in (off, on)
    ]
    head = ["points", "messages/s", "p99 ms", "own µs", "PostgreSQL µs", "credits/s meanwhile", "afterwards"]
    ratio = [with_points.load.rate / without.load.rate for without, with_points in pairs]
    cost = [_whole(without) / _whole(with_points) for without, with_points in pairs]
    share = median(ratio)
    verdict = "reached" if share >= _AIM else "NOT REACHED"
    return "\n\n".join(
        [
            f"## POST /callback with points on, {CONNECTIONS} connections",
            table(head, rows),
            f"on ÷ off, within each round: {spread(ratio, '{:.2f}')}",
            "What a message costs of both processes, off ÷ on, with the credits that were made meanwhile: "
            + spread(cost, "{:.2f}"),
            f"- {verdict}: {_AIM} of the messages/s without points",
        ]
    )
