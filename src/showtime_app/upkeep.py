"""What is done now and then while the service runs: at start, and whenever it is due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from attrs import define

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.health import Health, is_check_due
from showtime_core.errors import Unavailable
from showtime_core.use_cases.check_channel import CheckChannel

_log = logging.getLogger(__name__)

_FIRST_AFTER_SECONDS = 1.0
"""Twitch may call us before it has answered us: by then the server must be there."""
_LOOK_EVERY_SECONDS = 5.0
_MAX_WAIT_SECONDS = 5.0
_CHECK_SECONDS = 300.0
"""A check that takes longer is given up. Its requests have limits of their own."""

Work = Callable[[], Coroutine[Any, Any, None]]


async def repeat(what: str, work: Callable[[], Awaitable[None]], every: float, after_failure: float) -> None:
    """Do work now and then until cancelled, whatever goes wrong; the pauses are in seconds."""
    while True:
        pause = after_failure
        try:
            await work()
            pause = every
        except Unavailable as reason:
            _log.info("%s is put off: %s", what, reason)
        except Exception:  # whatever it is, the next time has its own chance
            _log.exception("%s has failed", what)
        await asyncio.sleep(pause)


@define
class Upkeep:
    """Looks after the channel at Twitch: sees when a check is due, and has it done by one instance."""

    read: Callable[[], Awaitable[tuple[ChannelState, Health]]]
    channel: CheckChannel
    exclusive: Callable[[Work, float], Awaitable[None]]
    """Does work with nobody else at it; raises Unavailable if somebody is, for so many seconds."""
    _is_forced: bool = True
    """Until it was looked for the first time."""

    async def run(self) -> None:
        """Look after the channel until cancelled, whatever goes wrong."""
        await asyncio.sleep(_FIRST_AFTER_SECONDS)
        await repeat("the check at Twitch", self._look, _LOOK_EVERY_SECONDS, _LOOK_EVERY_SECONDS)

    async def _look(self) -> None:
        state, health = await self.read()
        if self._is_forced or is_check_due(health, state.revocations):
            await self.exclusive(self._check, _MAX_WAIT_SECONDS)
        self._is_forced = False

    async def _check(self) -> None:
        """Check by what is known now: another may have been at it until a moment ago."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                state, _ = await self.read()
                await self.channel.check(state, is_forced=self._is_forced)
        except TimeoutError:
            raise Unavailable(f"the check took more than {_CHECK_SECONDS:.0f} s") from None
