"""Polling for a result on behalf of a request: within its time limit, and until the server stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from attrs import define, field

from showtime_core.domain.points_and_ghosts.retries import back_off
from showtime_core.errors import Unavailable

T = TypeVar("T")

_log = logging.getLogger(__name__)

_PAUSE = {"first": timedelta(seconds=0.1), "longest": timedelta(seconds=1)}


@define
class Polling:
    """How long requests may wait for a result, in seconds, and whether the server is stopping."""

    seconds: float
    _stopped: asyncio.Event = field(factory=asyncio.Event)

    def stop(self) -> None:
        """End every wait: the server stops."""
        self._stopped.set()

    def deadline(self) -> float:
        """Tell until when somebody may wait who begins now, by the clock of the event loop."""
        return asyncio.get_running_loop().time() + self.seconds

    async def wait_for(self, look: Callable[[], Awaitable[T | None]], deadline: float) -> T | None:
        """Look again and again until something is there; None: patience has come to its end.

        Who cannot see for the moment, raising Unavailable, looks again as well.
        """
        looks = 0
        while True:
            looks += 1
            try:
                if (found := await look()) is not None:
                    return found
            except Unavailable as reason:
                _log.warning("somebody waits, and nothing can be seen: %s", reason)
            if self._stopped.is_set() or asyncio.get_running_loop().time() >= deadline:
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), back_off(looks, 1.0, **_PAUSE).total_seconds())
