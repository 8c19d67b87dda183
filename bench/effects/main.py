"""The benchmark of effects: credits that one instance performs, and two, and three."""

import json
import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import asdict
from callback.receivers import ReceiverError
from callback.report import table

from effects.stage import NotPerformedError, Stage, measure

RESULTS = Path(__file__).parent.parent / "results"
LEDGER_MS = (0, 25)
INSTANCES = (1, 2, 3)
CREDITS = 3_000


def main(arguments: Sequence[str]) -> None:
    """Run it; ends with 1 if its numbers are worth nothing."""
    options = _options(arguments)
    RESULTS.mkdir(exist_ok=True)
    stages = []
    try:
        for ledger_ms in LEDGER_MS:
            for instances in INSTANCES:
                stages.append(_measure(Stage(ledger_ms, instances, credits=options.credits)))
                print(f"{ledger_ms} ms, {instances}: {stages[-1].rate:,.0f} credits/s", flush=True)
    except (NotPerformedError, ReceiverError) as reason:
        sys.exit(f"bench: {reason}")
    print(f"\n## Credits through the relay\n\n{_speeds(stages)}")
    _save(stages)


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run effects", description="Measure credits through the relay.")
    parser.add_argument(
        "--credits", type=int, default=CREDITS, help=f"how many credits are timed; default: {CREDITS}"
    )
    return parser.parse_args(arguments)


def _measure(stage: Stage) -> Stage:
    with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else where we are root
        return measure(stage, Path(folder))


def _speeds(stages: Sequence[Stage]) -> str:
    cpu = ["own µs", "PostgreSQL µs", "stand-ins µs"]
    head = ["the ledger takes", "instances", "credits/s", "of one", *cpu, "cores"]
    of_one = {stage.ledger_ms: stage.rate for stage in stages if stage.instances == 1}
    return table(
        head,
        (
            [
                f"{stage.ledger_ms} ms",
                str(stage.instances),
                f"{stage.rate:,.0f}",
                f"{stage.rate / of_one[stage.ledger_ms]:.2f}",
                *(
                    f"{stage.cost(cpu):,.0f}"
                    for cpu in (stage.own_cpu, stage.database_cpu, stage.neighbours_cpu)
                ),
                f"{(stage.own_cpu + stage.database_cpu + stage.neighbours_cpu) / stage.seconds:.1f}",
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
        "stages": [asdict(stage) | {"rate": stage.rate} for stage in stages],
    }
    path = RESULTS / f"effects-{at.replace(':', '-').removesuffix('+00-00')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\nEverything measured: {path}")
