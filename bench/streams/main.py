"""The benchmark of the streams: many clients of one process, one alert a second, and a restart."""

import asyncio
import resource
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psutil
from attrs import define, evolve, field
from callback.ours import database, showtime
from callback.receivers import Receiver, ReceiverError, running
from callback.report import spread, table
from callback.turns import free_port

from streams.fleet import Fleet, Told, fleet
from streams.posting import NotTakenError, post_steadily

RESULTS = Path(__file__).parent.parent / "results"
_PROBES_PER_SECOND = 20.0
_AGAIN_SECONDS = 120.0
_AIMS = {
    "p99 ms of an alert": 600.0,
    "KiB a client": 16.0,
    "s until all are back": 30.0,
    "p99 ms of /callback": 200.0,
}


@define
class Found:
    """What was measured."""

    kib: float = 0.0
    rounds: list[Told] = field(factory=list)
    callback: list[list[float]] = field(factory=list)
    """By round: the seconds in which each message was answered."""
    seconds_back: float = 0.0
    """From the start after a restart until all clients were there again."""


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if a client missed an alert."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # those whom we start have it from us
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            found = _run(Path(folder), options)
    except (NotTakenError, ReceiverError) as reason:
        sys.exit(f"bench: {reason}")
    print("\n" + _report(found, options.clients))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run streams", description="Measure many open streams.")
    parser.add_argument("--clients", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=int, default=10, help="of each round; default: 10")
    return parser.parse_args(arguments)


def _run(folder: Path, options: Namespace) -> Found:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    found, port, count = Found(), free_port(), options.clients
    most = {"MAX_STREAMS": str(count + 100), "MAX_STREAMS_PER_ADDRESS": str(count)}
    with database(folder / "data") as base, fleet(port, count) as clients:
        ours = showtime(base)
        ours = evolve(ours, environment={**ours.environment, **most})
        with running(ours, port, folder / "log") as pid:
            _measure(found, clients, port, pid, options)
        found.seconds_back = _restart(ours, clients, port, folder, count)
    return found


def _measure(found: Found, clients: Fleet, port: int, pid: int, options: Namespace) -> None:
    asyncio.run(post_steadily(port, 20, 5))
    before = psutil.Process(pid).memory_info().rss
    print(f"{clients.ask('open'):,} clients", flush=True)
    asyncio.run(post_steadily(port, 1, 3))
    _told_to_all(clients, 3, options.clients)
    found.kib = (psutil.Process(pid).memory_info().rss - before) / options.clients / 1024
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", flush=True)
        found.callback.append(asyncio.run(_post_both(port, options.seconds)))
        found.rounds.append(_told_to_all(clients, options.seconds, options.clients))


async def _post_both(port: int, seconds: float) -> list[float]:
    """Send an alert a second, and beside them messages of which nobody is told."""
    probes = post_steadily(port, _PROBES_PER_SECOND, seconds, is_alert=False)
    alerts, told = await asyncio.gather(post_steadily(port, 1, seconds), probes)
    return sorted([*alerts, *told])


def _restart(ours: Receiver, clients: Fleet, port: int, folder: Path, count: int) -> float:
    """Start it again, with alerts from the first moment on; gives how long it took until all were back."""
    with running(ours, port, folder / "again.log"):
        start = time.perf_counter()
        sent = 0
        while (is_open := clients.ask("count")) < count or not sent:
            asyncio.run(post_steadily(port, 1, 1))
            sent += 1
            if time.perf_counter() - start > _AGAIN_SECONDS:
                raise NotTakenError(f"only {is_open} of {count} clients came back")
            time.sleep(0.5)
        seconds = time.perf_counter() - start
        _told_to_all(clients, sent, count)
        clients.ask("close")
    return seconds


def _told_to_all(clients: Fleet, alerts: int, count: int) -> Told:
    """Give what the clients were told: every alert, every client, once."""
    clients.ask("settle")
    told = clients.told()
    if len(told.clients) != alerts or set(told.clients.values()) != {count}:
        raise NotTakenError(f"of {alerts} alerts, each for {count} clients, there came {told.clients}")
    return told


def _p99_ms(seconds: Sequence[float]) -> float:
    return seconds[int(len(seconds) * 0.99)] * 1e3


def _report(found: Found, count: int) -> str:
    delays = {share: [told.delay_ms(share) for told in found.rounds] for share in (0.5, 0.99)}
    callback = [_p99_ms(turn) for turn in found.callback]
    results = {
        "p50 ms of an alert": delays[0.5],
        "p99 ms of an alert": delays[0.99],
        "KiB a client": [found.kib],
        "s until all are back": [found.seconds_back],
        "p99 ms of /callback": callback,
    }
    rows = [[name, spread(values, "{:,.1f}")] for name, values in results.items()]
    goals = [
        f"- {'reached' if median(results[name]) <= aim else 'NOT REACHED'}: {aim:g} {name}"
        for name, aim in _AIMS.items()
    ]
    return "\n\n".join(
        [
            f"## {count:,} clients of `/alerts` in one process, one alert a second",
            table(["what", "found"], rows),
            "Every client was told every alert once, those of the restart too.",
            "\n".join(goals),
        ]
    )
