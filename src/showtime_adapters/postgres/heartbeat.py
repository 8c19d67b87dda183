"""The heartbeat of an instance: whether it is known to be alive, at this moment.

Others take over what an instance had leased once its session is gone, and that it may learn late: it was
frozen, or cut off from the database. Nothing outside can be asked not to listen to it any more. So it asks
itself, at the last moment before it moves points: an instance whose session has shown no life for a while
sends nothing, and who takes over waits for longer than that while before it looks what was sent. What is left
is an instance that is frozen between this question and the writing of the request, which follow each other at
once, and for as long as it takes another to take over: tens of seconds.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from attrs import define

from showtime_core.errors import Unavailable

VALID_FOR = timedelta(seconds=3)
"""How long a heartbeat is good for: there is one every second, and may be missed twice."""


def _now() -> float:
    """Tell the time by a clock that nobody sets, and that does not sleep with the machine if there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


@define
class Heartbeat:
    """When the session of an instance was last known to be alive."""

    clock: Callable[[], float] = _now
    _beat_at: float = float("-inf")

    @contextmanager
    def beat(self) -> Iterator[None]:
        """Note a heartbeat: if what is done within succeeds, the session was alive when it began."""
        at = self.clock()
        yield
        self._beat_at = at

    def require(self) -> None:
        """Raise Unavailable if the last heartbeat is older than 3 s: another may have taken over."""
        if self.clock() - self._beat_at > VALID_FOR.total_seconds():
            raise Unavailable("nothing was sent: this instance was held up, and another may see to it")
