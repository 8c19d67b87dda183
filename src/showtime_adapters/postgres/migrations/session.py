"""The session in which a database is migrated: its limits, its lock, and its errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg.errors import DeadlockDetected, InsufficientPrivilege, LockNotAvailable

from showtime_adapters.postgres.session import command_session
from showtime_core.errors import Refused, ShowtimeError, Unavailable

Connection = psycopg.Connection[tuple[Any, ...]]

NAME = "showtime migrate"
"""What the session is called in `pg_stat_activity`."""
CONNECT_SECONDS = 10
LOCK_SECONDS = 60.0
_POLL_SECONDS = 0.1

# A step may take long. It must not wait for long: whoever comes later to the same table waits behind it.
_LIMITS = {
    "client_min_messages": "notice",  # steps announce what they heal
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "20s",
    "statement_timeout": "0",
}

# Ends the session, and with it the lock, when its client was killed while a statement runs. Not every
# platform of the server can; there, the lock is free when the statement is done.
_SET_WATCH: LiteralString = "set client_connection_check_interval = '1s'"

# Any number would do, but it must be the same in all versions of showtime.
_TRY_LOCK: LiteralString = "select pg_try_advisory_lock(7238450194385)"


@contextmanager
def session(conninfo: str) -> Iterator[Connection]:
    """Connect, and tell the database's errors in terms of what to do about them: Refused or Unavailable."""
    try:
        with command_session(
            conninfo, _LIMITS, connect_timeout=CONNECT_SECONDS, application_name=NAME
        ) as connection:
            with suppress(psycopg.Error):
                connection.execute(_SET_WATCH)
            yield connection
    except psycopg.Error as reason:
        raise _explained(reason) from reason


def lock(connection: Connection, seconds: float = LOCK_SECONDS) -> None:
    """Wait until nobody else migrates this database. Raises Unavailable if that takes too long."""
    deadline = time.monotonic() + seconds
    while connection.execute(_TRY_LOCK).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"another migration of this database has been at work for more than {seconds:.0f} s: wait for"
                f" it, or end its session (it is called '{NAME}' in pg_stat_activity), then run this again"
            )
        time.sleep(_POLL_SECONDS)


def _explained(reason: psycopg.Error) -> ShowtimeError:
    said = str(reason).strip()
    match reason:
        case LockNotAvailable() | DeadlockDetected():
            return Unavailable(
                "others hold on to the tables: run this again; where that does not help, stop the"
                f" predecessor, every `showtime serve` and every backup of this database first ({said})"
            )
        case psycopg.OperationalError():
            return Unavailable(
                f"the database cannot be used: {said}\nCheck where it is (PGHOST, PGPORT, PGDATABASE, PGUSER,"
                " PGPASSWORD) and whether it runs, then run this again"
            )
        case InsufficientPrivilege():
            return Refused(
                f"the database does not permit it: {said}\nRun this as the user that owns the database and"
                " the tables in its schema showtime"
            )
    return Refused(
        f"the database refused a step, and nothing of that step was done: {said}\nRepair what it complains"
        " of, then run this again"
    )
