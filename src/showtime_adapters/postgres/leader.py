"""Leader work: what one instance does for all, the one that holds a session's advisory lock.

The lock belongs to a session, so the connection must not go through a proxy that pools transactions. It is
free as soon as the session is gone: a leader that crashes, stops or loses the database is followed at once.
One that is frozen, or cut off, keeps its session; but its session falls silent, and whoever waits ends it. It
learns of that late, so what must not be written late is written with `Leadership.require`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from attrs import define, field

from showtime_adapters.postgres.session import Connection, listening_session
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]
"""Begins the work. It is cancelled when the leadership is lost, and must bear to be begun again elsewhere: a
frozen leader that wakes up may go on for a moment before it notices."""

# The keys of all locks of this kind: any numbers would do, but the same in all versions of showtime.
TWITCH_KEY = 7238450194401
"""Whoever changes our subscriptions at Twitch, or compares the broadcast with what Twitch says."""
CHAT_KEY = 7238450194402
"""Whoever reads the chat."""
PRUNING_KEY = 7238450194403
"""Whoever prunes what is old."""

_POLL_SECONDS = 0.5
_SILENT_SECONDS = 16.0
"""Longer than a leader that is cut off needs to notice: a heartbeat, and then the time limit of TCP."""
_HEARTBEATS = 8
"""In so many seconds: a leader that is merely slow is not silent."""

_TRY_LOCK: LiteralString = "select pg_try_advisory_lock(%s)"
_HEARTBEAT: LiteralString = "select"

# Ends the session that holds the lock, if it has been silent for so many seconds.
_END_SILENT: LiteralString = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user
      and state_change < clock_timestamp() - make_interval(secs => %s)
      and pid in (
          select pid from pg_locks
          where locktype = 'advisory' and granted and objsubid = 1
            and (classid::bigint << 32) | objid::bigint = %s
      )
"""

# Tells whether a session holds the lock.
_HOLDS: LiteralString = """
    select exists (
        select from pg_locks
        where locktype = 'advisory' and granted and objsubid = 1 and pid = %s
          and (classid::bigint << 32) | objid::bigint = %s
    )
"""


@define
class Leadership:
    """One sort of work that no two instances do at the same time."""

    conninfo: str
    key: int
    silent_seconds: float = _SILENT_SECONDS
    """How long the leader's session may be silent before it is ended."""
    _backend: int = field(default=0, init=False)
    """The server's process of the session that led last."""

    async def require(self, connection: Connection) -> None:
        """Raise Unavailable unless this instance leads; to be asked in the transaction that depends on it."""
        row = await (await connection.execute(_HOLDS, [self._backend, self.key])).fetchone()
        if row != (True,):
            raise Unavailable("another showtime does this by now")

    async def run(self, work: Work[None]) -> None:
        """Do the work for as long as this instance leads, again after each loss, until cancelled."""
        while True:
            try:
                await self._hold(work, None)
            except Unavailable as reason:
                _log.warning("not leading %d: %s", self.key, reason)
            except Exception:  # whatever it is, the work is begun again
                _log.exception("leader work %d failed, and begins again", self.key)
            await asyncio.sleep(_POLL_SECONDS)

    async def once(self, work: Work[T], patience_seconds: float) -> T:
        """Do the work once, with nobody else at it.

        Raises Unavailable if another is at it for too long, or when the leadership is lost; then the work was
        cancelled halfway, or not begun.
        """
        return await self._hold(work, patience_seconds)

    async def _hold(self, work: Work[T], patience_seconds: float | None) -> T:
        async with _session(self.conninfo) as connection:
            try:
                async with asyncio.timeout(patience_seconds):
                    await self._acquire(connection)
            except TimeoutError:
                raise Unavailable(
                    f"another showtime has been at it for more than {patience_seconds:.0f} s"
                ) from None
            self._backend = connection.info.backend_pid
            return await _while_alive(connection, work, self.silent_seconds / _HEARTBEATS)

    async def _acquire(self, connection: Connection) -> None:
        while True:
            row = await (await connection.execute(_TRY_LOCK, [self.key])).fetchone()
            if row == (True,):
                return
            await connection.execute(_END_SILENT, [self.silent_seconds, self.key])
            await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def _session(conninfo: str) -> AsyncIterator[Connection]:
    try:
        async with listening_session(conninfo) as connection:
            yield connection
    except psycopg.Error as reason:
        raise Unavailable(f"the database cannot be used: {type(reason).__name__}") from reason


async def _while_alive(connection: Connection, work: Work[T], heartbeat_seconds: float) -> T:
    """Do the work; when the session dies, and the lock may be another's, the work is cancelled."""
    working = asyncio.create_task(work())
    watching = asyncio.create_task(_beat(connection, heartbeat_seconds))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise watching.exception() or AssertionError("a watch ends by an error only")
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.wait({working, watching})


async def _beat(connection: Connection, heartbeat_seconds: float) -> None:
    """Show that the leader is alive, until the session is not."""
    while True:
        await connection.execute(_HEARTBEAT)
        await asyncio.sleep(heartbeat_seconds)
