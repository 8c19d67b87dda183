"""Plays night after night, and tells what was reached."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable

from attrs import field, mutable

from showtime_core.testing.world.night import draw_night
from showtime_core.testing.world.play import Played, play
from showtime_core.testing.world.world import MEMORY, Parts

_COLLECT_AFTER = 5
"""After so many nights what is left of them is thrown away.

asyncio has one set for the tasks of all loops, in which those of equal numbers collide.
"""


@mutable
class Series:
    """What came of some nights."""

    nights: int = 0
    seconds: float = 0.0
    """By the clocks of the nights."""
    cpu_seconds: float = 0.0
    reached: Counter[str] = field(factory=Counter)
    failed: Played | None = None
    """The first night that failed: it is the last."""
    digests: list[str] = field(factory=list)

    def digest(self) -> str:
        """Give the digest of all of them, in order."""
        return hashlib.sha256("\n".join(self.digests).encode()).hexdigest()

    def rate(self) -> float:
        """Tell how many nights a minute of processor time plays."""
        return 60 * self.nights / max(self.cpu_seconds, 1e-9)


def play_series(
    seed: int,
    nights: int | None = None,
    *,
    messages: int = 60,
    parts: Parts = MEMORY,
    goes_on: Callable[[Series], bool] = lambda _: True,
) -> Series:
    """Play so many nights, from a seed on; ends with the first that fails, or when it is told to."""
    series, began = Series(), time.process_time()
    while (nights is None or series.nights < nights) and goes_on(series):
        played = play(draw_night(seed + series.nights, messages), parts)
        series.nights += 1
        series.seconds += played.seconds
        series.reached += played.reached
        series.digests.append(played.digest)
        if series.nights % _COLLECT_AFTER == 0:
            gc.collect()
        series.cpu_seconds = time.process_time() - began
        if played.failure:
            series.failed = played
            break
    return series
