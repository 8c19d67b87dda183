"""A session of PostgreSQL that lives: its locks, its heartbeat, what is done meanwhile, and what follows it.

The relay, leaders and the feed each hold one, beside the pools. Locks and listening belong to it, so the
connection must not go through a proxy that pools transactions. A lock is free as soon as its session is gone:
whoever crashes, stops or loses the database is followed at once. Whoever is frozen, or cut off, keeps the
session; but it falls silent, and another ends it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString, TypeVar

import psycopg
from attrs import frozen

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.session import Connection, listening_session
from showtime_core.domain.points_and_ghosts.retries import back_off
from showtime_core.errors import Unavailable
from showtime_core.texts import name_error

_log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]
"""Begins the work. It is cancelled when the session is lost, and must bear to be begun again elsewhere: an
instance that was frozen and wakes up may go on for a moment before it notices."""
Beat = Callable[[], Awaitable[object]]
"""Asks the session for anything: when that fails, it is lost."""

SILENT_SECONDS = 16.0
"""Longer than whoever is cut off needs to notice: a heartbeat, and then the time limit of TCP."""
_POLL_SECONDS = 0.5
"""How long to wait before asking for a lock again."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=0.1), timedelta(seconds=2)

_TRY_LOCK: LiteralString = "select pg_try_advisory_lock(%s)"

# The advisory locks of this database that are held, and by whom.
HELD: LiteralString = """
    (select pid, (classid::bigint << 32) | objid::bigint as key from pg_locks
     where locktype = 'advisory' and granted and objsubid = 1
       and database = (select oid from pg_database where datname = current_database())) as held
"""

# Ends the sessions that hold one of these locks and have been silent for so many seconds. What follows names
# the locks.
END_SILENT: LiteralString = (
    """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
      and state_change < clock_timestamp() - make_interval(secs => %s)
      and pid in (select pid from """  # noqa: S608 - all of it is ours
    + HELD
    + "where key in "
)
_END_HOLDER: LiteralString = END_SILENT + "(%s))"


@frozen
class LivingSession:
    """A session, with locks that it holds while it lives, and work that is done while it does."""

    connection: Connection

    async def lock(self, key: int, silent_seconds: float = SILENT_SECONDS) -> None:
        """Take an advisory lock, as soon as it is free; a holder that is silent for so long is ended."""
        while not await db.fetch_value(self.connection, _TRY_LOCK, [key]):
            await self.connection.execute(_END_HOLDER, [silent_seconds, key])
            await asyncio.sleep(_POLL_SECONDS)

    async def do(
        self, work: Work[T], beat: Beat, beat_seconds: float, wake: Callable[[], None] = lambda: None
    ) -> T:
        """Do the work with a heartbeat beside it; when the session dies, the work is cancelled.

        `wake` is called with every notification. Raises psycopg.Error when the session dies, and what the
        work raises.
        """
        working = asyncio.create_task(work())
        watching = asyncio.create_task(self._watch(beat, beat_seconds, wake))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise watching.exception() or AssertionError("a watch ends by an error only")
        finally:
            working.cancel()
            watching.cancel()
            await asyncio.wait({working, watching})

    async def _watch(self, beat: Beat, seconds: float, wake: Callable[[], None]) -> None:
        while True:
            await beat()
            async for _ in self.connection.notifies(timeout=seconds):
                wake()


@asynccontextmanager
async def living_session(conninfo: str, listen: LiteralString | None = None) -> AsyncIterator[LivingSession]:
    """Hold a session that may listen; raises Unavailable if it cannot be had, or is lost."""
    try:
        async with listening_session(conninfo) as connection:
            if listen:
                await connection.execute(listen)
            yield LivingSession(connection)
    except psycopg.Error as reason:
        raise Unavailable(f"the database cannot be used: {name_error(reason)}") from reason


async def keep(what: str, hold: Callable[[], Awaitable[None]]) -> None:
    """Hold a session, and another after each loss, until what is done in it ends, whatever happens.

    The pause after each loss is 0.1 s, doubled up to 2 s as long as no session lives for longer than that.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        began = loop.time()
        try:
            return await hold()
        except Unavailable as reason:
            _log.warning("%s begins again: %s", what, reason)
        except Exception:  # whatever it is, the work must not be left lying
            _log.exception("%s has failed, and begins again", what)
        failures = 1 if loop.time() - began > _LONGEST_PAUSE.total_seconds() else failures + 1
        pause = back_off(failures, 1.0, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        await asyncio.sleep(pause.total_seconds())
