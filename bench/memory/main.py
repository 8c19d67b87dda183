"""The benchmark of memory: of a server at rest, and after messages and clients that came and went."""

import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psutil
from attrs import evolve, frozen
from callback.load import NoWrkError, find_wrk, put_load
from callback.messages import write_messages
from callback.ours import database, showtime
from callback.receivers import ReceiverError, running
from callback.report import spread, table
from callback.turns import free_port
from streams.fleet import fleet

RESULTS = Path(__file__).parent.parent / "results"
_REST_SECONDS = 3.0
_SIGNED = 60_000
"""So many messages are signed for each turn of load."""
_LOAD_SECONDS = 4
_AT_ONCE = 500
_AIM_MIB = 90.0
_AIM_GROWTH = 0.1


@frozen
class Turn:
    """What a server held, in MiB."""

    at_rest: float
    after_messages: float
    after_clients: float

    @property
    def growth(self) -> float:
        """By which share it has grown."""
        return max(self.after_messages, self.after_clients) / self.at_rest - 1


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    turns = []
    try:
        find_wrk()
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
                turns.append(_take_turn(Path(folder), options))
    except (NoWrkError, ReceiverError) as reason:
        sys.exit(f"bench: {reason}")
    print("\n" + _report(turns, options))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run memory", description="Measure the memory of a server.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--messages", type=int, default=100_000, help="at least; default: 100000")
    parser.add_argument("--clients", type=int, default=10_000, help="default: 10000")
    return parser.parse_args(arguments)


def _take_turn(folder: Path, options: Namespace) -> Turn:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    port = free_port()
    with database(folder / "data") as base, fleet(port, _AT_ONCE) as clients:
        ours = showtime(base)
        ours = evolve(ours, environment={**ours.environment, "MAX_STREAMS_PER_ADDRESS": str(_AT_ONCE)})
        with running(ours, port, folder / "log") as pid:
            at_rest, taken = _mib(pid), 0
            while taken < options.messages:
                messages = write_messages(folder / "messages", _SIGNED)
                taken += put_load(port, messages, _LOAD_SECONDS).requests
            after_messages = _mib(pid)
            for _ in range(options.clients // _AT_ONCE):
                clients.ask("open")
                clients.ask("close")
            return Turn(at_rest, after_messages, _mib(pid))


def _mib(pid: int) -> float:
    time.sleep(_REST_SECONDS)
    return float(psutil.Process(pid).memory_info().rss / 2**20)


def _report(turns: Sequence[Turn], options: Namespace) -> str:
    rows = [
        ["at rest", spread([turn.at_rest for turn in turns], "{:.1f}")],
        [f"after {options.messages:,} messages", spread([turn.after_messages for turn in turns], "{:.1f}")],
        [
            f"and {options.clients:,} clients that came and went",
            spread([turn.after_clients for turn in turns], "{:.1f}"),
        ],
    ]
    growth = [turn.growth for turn in turns]
    is_small, is_steady = median(turn.at_rest for turn in turns) <= _AIM_MIB, median(growth) <= _AIM_GROWTH
    return "\n\n".join(
        [
            "## Memory of a server, MiB",
            table(["when", "MiB"], rows),
            f"grown by: {spread(growth, '{:.1%}')}",
            "\n".join(
                [
                    f"- {'reached' if is_small else 'NOT REACHED'}: {_AIM_MIB:g} MiB at rest",
                    f"- {'reached' if is_steady else 'NOT REACHED'}: grown by {_AIM_GROWTH:.0%} at most",
                ]
            ),
        ]
    )
