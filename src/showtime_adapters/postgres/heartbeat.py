"""The pulse of an instance: whether it is known to live, at this moment.

Others take over what an instance had leased once its session is gone, and that it may learn late: it was
frozen, or cut off from the database. Nothing outside can be asked not to listen to it any more. So it asks
itself, at the last moment before it moves points: an instance that has felt no pulse of its session for a
while sends nothing, and who takes over waits for longer than that while before it looks what was sent.

What is left is an instance that is frozen between this question and the writing of the request, which follow
each other at once, and for as long as it takes another to take over: tens of seconds.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from attrs import define

from showtime_core.errors import Unavailable

LASTS = timedelta(seconds=3)
"""How long a pulse is good for: it is felt every second, and may be missed twice."""


def _now() -> float:
    """Tell the time by a clock that nobody sets, and that does not sleep with the machine if there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


@define
class Pulse:
    """When the session of an instance was known to be alive."""

    clock: Callable[[], float] = _now
    _felt_at: float = float("-inf")

    @contextmanager
    def felt(self) -> Iterator[None]:
        """Feel the pulse: what succeeds within has shown that the session lived when it began."""
        at = self.clock()
        yield
        self._felt_at = at

    def require(self) -> None:
        """Raise Unavailable unless nobody can have taken over what this instance has leased."""
        if self.clock() - self._felt_at > LASTS.total_seconds():
            raise Unavailable("nothing was sent: this instance was held up, and another may see to it")
