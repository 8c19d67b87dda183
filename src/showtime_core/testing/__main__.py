"""Play seeded nights: `python -m showtime_core.testing --seed 0 --nights 100`, or `--for 10m`.

Progress goes to standard error. Standard output ends with the digest of all traces: equal for equal seeds,
under any hash seed, with the same versions. Exit codes: 0, all held; 1, a night failed, or a rare state was
not reached often enough; 2, the arguments make no sense, or assertions are switched off.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from showtime_core.testing.world.play import play
from showtime_core.testing.world.report import script, story, versions
from showtime_core.testing.world.series import Series, play_series
from showtime_core.testing.world.shrink import shrink
from showtime_core.testing.world.sometimes import FLOOR_NIGHTS, below_floor

_UNITS = {"s": 1, "m": 60, "h": 3600}
_PROGRESS_SECONDS = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Play, and tell what came of it; returns the exit code."""
    given = _parser().parse_args(arguments)
    if not __debug__:
        _tell("assertions are switched off (-O): nothing would be judged")
        return 2
    ends = time.monotonic() + given.duration if given.duration else None
    told_at = time.monotonic()

    def goes_on(series: Series) -> bool:
        nonlocal told_at
        if time.monotonic() - told_at >= _PROGRESS_SECONDS:
            told_at = time.monotonic()
            _tell(f"{series.nights} nights, {series.rate():.0f} a minute of processor time")
        return ends is None or time.monotonic() < ends

    nights = given.nights if given.nights or given.duration else 1
    series = play_series(given.seed, nights, messages=given.messages, goes_on=goes_on)
    code = _report(series, given.seed, given.script, given.messages)
    sys.stdout.write(f"{series.digest()}\n")
    return code


def _report(series: Series, seed: int, path: Path, messages: int) -> int:
    _tell(
        f"{series.nights} nights from seed {seed}, {series.seconds / 3600:.1f} h of their time, "
        f"{series.rate():.0f} nights a minute of processor time; {versions()}"
    )
    for state, count in sorted(series.reached.items()):
        _tell(f"  {count:6} times: {state}")
    if series.failed:
        _tell(f"the night of seed {series.failed.night.seed} failed, and is made shorter …")
        shortest = shrink(series.failed, play)
        path.write_text(script(shortest), "utf-8")
        sys.stdout.write(f"{story(shortest)}\n")
        _tell(f"python {path} plays it again")
        return 1
    if seed == 0 and series.nights >= FLOOR_NIGHTS and messages == _MESSAGES:
        missing = below_floor(series.reached)
        for line in missing:
            _tell(f"not often enough: {line}")
        return 1 if missing else 0
    return 0


_MESSAGES = 60


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m showtime_core.testing", description=__doc__)
    parser.add_argument("--seed", type=_count, default=0, help="the seed of the first night (0)")
    parser.add_argument(
        "--nights", type=_at_least_one, help="how many nights (1, or as many as the time allows)"
    )
    parser.add_argument("--for", dest="duration", type=_duration, help="for how long: 30s, 10m, 2h")
    parser.add_argument("--messages", type=_at_least_one, default=_MESSAGES, help="a night has so many (60)")
    parser.add_argument(
        "--script", type=Path, default=Path("failed_night.py"), help="where a night that fails goes"
    )
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _at_least_one(text: str) -> int:
    if (number := _count(text)) < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def _duration(text: str) -> float:
    found = re.fullmatch(r"([0-9]+)([smh])", text)
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30s, 10m or 2h")
    return int(found[1]) * _UNITS[found[2]]


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
