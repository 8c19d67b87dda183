"""Looks after the channel at Twitch while the service runs: at start, and whenever it is due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from attrs import frozen

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


@frozen
class Upkeep:
    """Sees when a check is due, and has it done by one instance."""

    read: Callable[[], Awaitable[tuple[ChannelState, Health]]]
    channel: CheckChannel
    exclusive: Callable[[Work, float], Awaitable[None]]
    """Does work with nobody else at it; raises Unavailable if somebody is, for so many seconds."""

    async def run(self) -> None:
        """Look after the channel until cancelled, whatever goes wrong."""
        is_first = True
        await asyncio.sleep(_FIRST_AFTER_SECONDS)
        while True:
            try:
                await self._look(is_forced=is_first)
                is_first = False
            except Unavailable as reason:
                _log.info("Twitch is not checked now: %s", reason)
            except Exception:  # whatever it is, the next look has its own chance
                _log.exception("the check at Twitch failed")
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _look(self, *, is_forced: bool) -> None:
        state, health = await self.read()
        if is_forced or is_check_due(health, state.revocations):
            await self.exclusive(lambda: self._check(is_forced=is_forced), _MAX_WAIT_SECONDS)

    async def _check(self, *, is_forced: bool) -> None:
        """Check by what is known now: another may have been at it until a moment ago."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                state, _ = await self.read()
                await self.channel.check(state, is_forced=is_forced)
        except TimeoutError:
            raise Unavailable(f"the check took more than {_CHECK_SECONDS:.0f} s") from None
