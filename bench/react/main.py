"""The benchmark of the core alone: how many events a second `react` tells the consequences of."""

import gc
import random
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

from callback.report import spread, table

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.reactions import Policy, react
from showtime_core.domain.viewers import Viewer

_OPENING = datetime(2026, 1, 10, 20, tzinfo=UTC)
_SHARES = {"follow": 45, "cheer": 45, "ghost cheer": 10}
"""Of a hundred events of the mix."""
_TAPES = 8
_NIGHTS = 100
_STREAMS_A_NIGHT = 6
_AIMS = {"mix": 250_000, "online and offline": 20_000}


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    options = _options(arguments)
    loads = _loads(options.events)
    gc.freeze()
    rates: dict[str, list[float]] = {name: [] for name in loads}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", flush=True)
        for name, (state, events) in loads.items():
            rates[name].append(_rate(state, events))
    print("\n" + _report(rates))


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="bench/run react", description="Measure the core alone.")
    parser.add_argument("--rounds", type=int, default=9, help="default: 9")
    parser.add_argument("--events", type=int, default=50_000, help="of each kind and round; default: 50000")
    return parser.parse_args(arguments)


def _loads(count: int) -> Mapping[str, tuple[ChannelState, Sequence[ev.Event]]]:
    """Make up so many events of each kind, and the state in which they come."""
    live = _night_with_tapes()
    kinds = {name: _of_viewers(name, count) for name in _SHARES}
    chosen = random.Random(7).choices(list(_SHARES), list(_SHARES.values()), k=count)
    mix = [kinds[name][number] for number, name in enumerate(chosen)]
    streams = _streams(_NIGHTS)
    return {
        **{name: (live, events) for name, events in kinds.items()},
        "mix": (live, mix),
        "online and offline": (ChannelState(), streams),
    }


def _night_with_tapes() -> ChannelState:
    """Give the state of a night on which the last of some tapes is on."""
    state = react(ev.StreamOnline("1", "live", _OPENING, _OPENING), ChannelState(), _OPENING, Policy()).state
    for number in range(1, _TAPES + 1):
        at = _OPENING + timedelta(minutes=20 * number)
        state = react(ev.TapeStarted(UUID(int=number), number), state, at, Policy()).state
    return state


def _of_viewers(kind: str, count: int) -> list[ev.Event]:
    viewers = [Viewer(str(420_000 + n), f"tapehead{n}", f"TapeHead{n}") for n in range(1_000)]
    made: list[ev.Event] = []
    for number in range(count):
        viewer = viewers[number % len(viewers)]
        match kind:
            case "follow":
                made.append(ev.Follow(viewer, _OPENING + timedelta(seconds=number)))
            case "cheer":
                made.append(ev.Cheer(viewer, 100, "Cheer100 be kind, rewind"))
            case _:
                made.append(ev.Cheer(viewer, 200, "Cheer200 ghost of a seal in a bathtub"))
    return made


def _streams(nights: int) -> list[ev.Event]:
    """Make up nights of four hours, whose stream is gone for two minutes again and again."""
    told: list[ev.Event] = []
    for number in range(nights * _STREAMS_A_NIGHT):
        night, part = divmod(number, _STREAMS_A_NIGHT)
        at = _OPENING + timedelta(days=night, minutes=40 * part)
        told.append(ev.StreamOnline(str(number), "live", at, at + timedelta(seconds=3)))
        told.append(ev.StreamOffline(at + timedelta(minutes=38), str(number)))
    return told


def _rate(state: ChannelState, events: Sequence[ev.Event]) -> float:
    """Tell how many events a second of a processor are reacted to, one after the other."""
    policy = Policy()
    start = time.process_time()
    for event in events:
        state = react(event, state, _OPENING, policy).state
    return len(events) / (time.process_time() - start)


def _report(rates: Mapping[str, Sequence[float]]) -> str:
    rows = [[name, spread(found, "{:,.0f}"), f"{1e6 / median(found):.1f}"] for name, found in rates.items()]
    goals = [
        f"- {'reached' if median(rates[name]) >= aim else 'NOT REACHED'}: {aim:,} a second of {name}"
        for name, aim in _AIMS.items()
    ]
    mixed = ", ".join(f"{share} % {name}" for name, share in _SHARES.items())
    return "\n\n".join(
        [
            "## The core alone: events a second, on one core",
            table(["events", "a second", "µs"], rows),
            f"The mix is {mixed}.",
            "\n".join(goals),
        ]
    )
