"""Once a minute: for lines of the log that anybody can cause, as many of them as they like."""

import time
from collections import Counter

from attrs import define, field

_QUIET_SECONDS = 60.0


@define
class Throttle:
    """Counts what happens for each reason, and tells once a minute that it is time for a line about it."""

    _untold: Counter[str] = field(factory=Counter)
    _told_at: dict[str, float] = field(factory=dict)

    def count(self, reason: str) -> int:
        """Count one; returns how many there were since the last line, or 0 if it is too early for one."""
        self._untold[reason] += 1
        now = time.monotonic()
        if now - self._told_at.get(reason, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return 0
        self._told_at[reason] = now
        return self._untold.pop(reason)
