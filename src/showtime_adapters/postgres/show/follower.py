"""Wakes who tells pages of the queue: whenever it or the feed has changed, and as time passes."""

import logging
from collections.abc import Awaitable, Callable

from attrs import frozen

from showtime_adapters.postgres.living_session import keep, living_session
from showtime_adapters.postgres.show.statements import LISTEN
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How long to wait for a notification before looking all the same: leases end, and leaders go, in silence."""


@frozen
class ShowFollower:
    """Looks at the queue on behalf of all pages of this instance."""

    conninfo: str
    look: Callable[[], Awaitable[None]]
    """Raises Unavailable."""
    is_watched: Callable[[], bool]

    async def run(self) -> None:
        """Look until cancelled, whatever happens to the database."""
        await keep("the show", self._follow)

    async def _follow(self) -> None:
        async with living_session(self.conninfo, LISTEN) as session:
            while True:
                if self.is_watched():
                    await self._look()
                async for _ in session.connection.notifies(timeout=_POLL_SECONDS, stop_after=1):
                    pass

    async def _look(self) -> None:
        try:
            await self.look()
        except Unavailable as reason:
            _log.debug("the queue cannot be read now: %s", reason)
