"""Whether messages come in such numbers that what can wait should leave the machine to them."""

import time
from collections.abc import Callable

from attrs import define

_MANY = 4
"""So many messages in one transaction have come while another was written: one by one they come alone."""
_LASTS_SECONDS = 1.0


@define
class Pressure:
    """Is told of each transaction of messages; tells whether there is pressure now."""

    clock: Callable[[], float] = time.monotonic
    messages: int = 0
    """How many messages there were in all."""
    _until: float = float("-inf")

    def note(self, count: int) -> None:
        """Note that so many messages are written in one transaction."""
        self.messages += count
        if count >= _MANY:
            self._until = self.clock() + _LASTS_SECONDS

    def is_high(self) -> bool:
        """Tell whether many messages came at once a moment ago."""
        return self.clock() < self._until
