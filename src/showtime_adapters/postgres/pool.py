"""Connections to PostgreSQL, and the time limits without which one frozen instance would stop the others.

An instance that is frozen while it holds the channel's lock loses its session to the first that has waited
for the lock in vain (`END_FROZEN`). Everything else that waits has a limit as well, so that nothing waits for
a database that does not answer. These are [settings of a session](session.py): a proxy that hands one
session to several clients (transaction pooling) is not supported.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from showtime_adapters.postgres.session import Connection, ServingConnection
from showtime_core.errors import Unavailable
from showtime_core.texts import name_error

__all__ = ["Connection", "connected", "make_pool", "retry_once"]

_POOL_WAIT_SECONDS = 2.0


def make_pool(
    conninfo: str, max_size: int = 4, *, autocommit: bool = False
) -> AsyncConnectionPool[Connection]:
    """Make a pool, not yet open; it connects in the background, and again after each loss.

    With `autocommit` each statement is a transaction of its own: in one round trip, not in three.
    """
    return AsyncConnectionPool(
        conninfo,
        connection_class=ServingConnection,
        kwargs={"autocommit": autocommit},
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=_POOL_WAIT_SECONDS,
        reconnect_timeout=0,  # no back-off: whoever needs a connection next makes the next attempt
        name="showtime",
    )


@asynccontextmanager
async def connected(pool: AsyncConnectionPool[Connection]) -> AsyncIterator[Connection]:
    """Borrow a connection for one transaction, committed on leaving; with `autocommit`, for many.

    Raises Unavailable for whatever shows that the database is away or not fit for use; an error that is the
    data's own passes through.
    """
    try:
        async with pool.connection() as connection:
            yield connection
    except PoolTimeout as reason:
        raise Unavailable("the database cannot be reached") from reason
    except psycopg.Error as reason:
        if _is_of_the_data(reason):
            raise
        await pool.drain()  # what took one connection has probably taken the others
        raise Unavailable(f"the database cannot be used: {name_error(reason)}") from reason


async def retry_once(use: Callable[[], Awaitable[None]]) -> None:
    """Use the database, and once more if it is Unavailable.

    A connection that was lost while idle is noticed only by using it.
    """
    try:
        await use()
    except Unavailable:
        await use()


def _is_of_the_data(error: psycopg.Error) -> bool:
    """Whether the same data would fail again in a database that is well."""
    too_large = (error.sqlstate or "").startswith("54")  # program limit exceeded, such as a key too long
    return isinstance(error, psycopg.DataError | psycopg.IntegrityError) or too_large
