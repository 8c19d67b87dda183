"""Leader work: what one instance does for all, the one that holds an advisory lock by a session that lives.

A leader that is frozen, or cut off, learns late that another leads; so what must not be written late is
written with `Leadership.require`.
"""

import asyncio
from functools import partial
from typing import LiteralString

from attrs import define, field

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.living_session import HELD, SILENT_SECONDS, T, Work, keep, living_session
from showtime_core.errors import Unavailable

# The keys of all locks of this kind: any numbers would do, but the same in all versions of showtime.
TWITCH_KEY = 7238450194401
"""Whoever changes our subscriptions at Twitch, or compares the broadcast with what Twitch says."""
CHAT_KEY = 7238450194402
"""Whoever reads the chat."""
PRUNING_KEY = 7238450194403
"""Whoever prunes what is old."""
PREFLIGHT_KEY = 7238450194404
"""Whoever makes Twitch challenge us."""

_HEARTBEATS = 8
"""In so many seconds: a leader that is merely slow is not silent."""

# Tells whether a session holds the lock.
_HOLDS: LiteralString = "select exists (select from" + HELD + "where pid = %s and key = %s)"


@define
class Leadership:
    """One sort of work that no two instances do at the same time."""

    conninfo: str
    key: int
    silent_seconds: float = SILENT_SECONDS
    """How long the leader's session may be silent before it is ended."""
    _backend: int = field(default=0, init=False)
    """The server's process of the session that led last."""

    async def require(self, connection: db.Connection) -> None:
        """Raise Unavailable unless this instance leads; to be asked in the transaction that depends on it."""
        if not await db.fetch_value(connection, _HOLDS, [self._backend, self.key]):
            raise Unavailable("another showtime does this by now")

    async def run(self, work: Work[None]) -> None:
        """Do the work for as long as this instance leads, again after each loss, until it ends."""
        await keep(f"leader work {self.key}", lambda: self.once(work, None))

    async def once(self, work: Work[T], patience_seconds: float | None) -> T:
        """Do the work once, with nobody else at it; None: wait for that as long as it takes.

        Raises Unavailable if another is at it for too long, or when the leadership is lost; then the work was
        cancelled halfway, or not begun.
        """
        async with living_session(self.conninfo) as session:
            try:
                async with asyncio.timeout(patience_seconds):
                    await session.lock(self.key, self.silent_seconds)
            except TimeoutError:
                raise Unavailable(
                    f"another showtime has been at it for more than {patience_seconds:.0f} s"
                ) from None
            self._backend = session.connection.info.backend_pid
            beat = partial(session.connection.execute, "select")
            return await session.do(work, beat, self.silent_seconds / _HEARTBEATS)
