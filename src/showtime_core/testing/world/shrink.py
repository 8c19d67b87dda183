"""Makes a night that fails shorter, while it fails in the same place."""

import time
import traceback
from collections.abc import Callable

from attrs import evolve

from showtime_core.testing.world.night import SeededNight
from showtime_core.testing.world.play import Played

Play = Callable[[SeededNight], Played]


def place(failure: BaseException) -> tuple[str, str, int]:
    """Tell where something failed, and with what."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    return type(failure).__name__, last.filename, last.lineno or 0


def shrink(failed: Played, play: Play, seconds: float = 20.0) -> Played:
    """Leave out steps and faults for so many seconds of processor time; gives the shortest that fails."""
    assert failed.failure, "only what fails is shrunk"
    wanted, ends = place(failed.failure), time.process_time() + seconds
    best = failed

    def is_better(night: SeededNight) -> bool:
        nonlocal best
        if time.process_time() > ends:
            return False
        played = play(night)
        if played.failure is None or place(played.failure) != wanted:
            return False
        best = played
        return True

    size = max(1, len(best.night.steps) // 2)
    while time.process_time() < ends:
        is_shorter = _drop_chunks(lambda: best, size, is_better)
        if size == 1 and not is_shorter:
            break
        size = max(1, size // 2)
    for fault in sorted(best.night.faults):
        is_better(evolve(best.night, faults=best.night.faults - {fault}))
    return best


def _drop_chunks(best: Callable[[], Played], size: int, is_better: Callable[[SeededNight], bool]) -> bool:
    """Leave out each run of so many steps that is not needed; tells whether there was one."""
    begin, is_shorter = 0, False
    while begin < len(best().night.steps):
        night = best().night
        if is_better(evolve(night, steps=night.steps[:begin] + night.steps[begin + size :])):
            is_shorter = True
        else:
            begin += size
    return is_shorter
