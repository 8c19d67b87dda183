"""The benchmark of latency: from the sending of a message to the alert at a client of `/alerts`."""

import asyncio
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from callback.ours import database, showtime
from callback.receivers import ReceiverError, running
from callback.report import spread, table
from callback.turns import free_port
from streams.fleet import Fleet, Told, fleet
from streams.posting import NotTakenError, post_steadily

RESULTS = Path(__file__).parent.parent / "results"
_RATES = (1, 50, 200)
_AIMS_MS = {0.5: 8.0, 0.99: 40.0}
"""By the share of alerts that is to be there by then."""


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if an alert is missing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
            found = _run(Path(folder), options)
    except (NotTakenError, ReceiverError) as reason:
        sys.exit(f"bench: {reason}")
    print("\n" + _report(found))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run latency", description="Measure from the message to the alert.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=float, default=10, help="of each rate in each round; default: 10")
    return parser.parse_args(arguments)


def _run(folder: Path, options: Namespace) -> Mapping[int, Sequence[Told]]:
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "data").mkdir()
    found: dict[int, list[Told]] = {rate: [] for rate in _RATES}
    port = free_port()
    with (
        database(folder / "data") as base,
        running(showtime(base), port, folder / "log"),
        fleet(port, 1) as client,
    ):
        client.ask("open")
        asyncio.run(post_steadily(port, 50, 2))  # until all plans are kept
        _told(client, 100)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            for rate in _RATES:
                sent = asyncio.run(post_steadily(port, rate, options.seconds))
                found[rate].append(_told(client, len(sent)))
    return found


def _told(client: Fleet, count: int) -> Told:
    """Give what the client was told, which must be all that was sent."""
    client.ask("settle")
    told = client.told()
    if len(told.delays) != count:
        raise NotTakenError(f"{count} alerts were sent, and {len(told.delays)} came")
    return told


def _report(found: Mapping[int, Sequence[Told]]) -> str:
    rows = [
        [
            f"{rate}",
            *(spread([told.delay_ms(share) for told in turns], "{:.1f}") for share in (*_AIMS_MS, 1.0)),
        ]
        for rate, turns in found.items()
    ]
    goals = []
    for share, aim in _AIMS_MS.items():
        worst = max(median(told.delay_ms(share) for told in turns) for turns in found.values())
        goals.append(f"- {'reached' if worst <= aim else 'NOT REACHED'}: p{share * 100:.0f} of {aim} ms")
    head = ["messages/s", "p50 ms", "p99 ms", "max ms"]
    return "\n\n".join(
        ["## From the message to the alert at a client of `/alerts`", table(head, rows), "\n".join(goals)]
    )
