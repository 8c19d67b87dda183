"""Connections to PostgreSQL, and asking by them, within limits: one frozen instance must not stop the others.

An instance that is frozen while it holds the channel's lock loses its session to the first that has waited
for the lock in vain (`END_FROZEN`). Everything else that waits has a limit as well, so that nothing waits for
a database that does not answer. These are [settings of a session](session.py): a proxy that hands one
session to several clients (transaction pooling) is not supported.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import AsyncRowFactory, namedtuple_row, scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from showtime_adapters.postgres import session
from showtime_core.errors import Unavailable
from showtime_core.texts import name_error

Connection = session.Connection
Pool = AsyncConnectionPool[Connection]
Database = Pool | Connection
"""A connection, or a pool from which one is borrowed for each statement."""
T = TypeVar("T")
Values = Sequence[Any] | Mapping[str, Any] | None

by_name: AsyncRowFactory[Any] = namedtuple_row
"""Each row has its columns as attributes."""

_POOL_WAIT_SECONDS = 2.0

# Lets a transaction see everything as it is at one moment, and change nothing.
AT_ONE_MOMENT: LiteralString = "set transaction isolation level repeatable read read only"


def columns(value: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401 - a value of ours, or a row by name
    """Give some attributes of a value by their names: as the columns of a row, or the fields of a class."""
    return {name: getattr(value, name) for name in names}


def make_pool(conninfo: str, max_size: int = 4, *, autocommit: bool = False) -> Pool:
    """Make a pool, not yet open; it connects in the background, and again after each loss.

    With `autocommit` each statement is a transaction of its own: in one round trip, not in three.
    """
    return AsyncConnectionPool(
        conninfo,
        kwargs=session.CONNECTING | {"autocommit": autocommit},
        configure=session.begin_serving,
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=_POOL_WAIT_SECONDS,
        reconnect_timeout=0,  # no back-off: whoever needs a connection next makes the next attempt
        name="showtime",
    )


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
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


async def fetch_all(  # noqa: PLR0913 - those of psycopg
    database: Database,
    query: LiteralString,
    row: AsyncRowFactory[T],
    values: Values = None,
    *,
    prepare: bool | None = None,
    binary: bool = False,
) -> list[T]:
    """Run a query, and give its rows, each made by `row`.

    Raises psycopg.Error; where a connection is borrowed from a pool for it, what `connected` raises.
    """
    if isinstance(database, AsyncConnectionPool):
        async with connected(database) as connection:
            return await fetch_all(connection, query, row, values, prepare=prepare, binary=binary)
    cursor = database.cursor(row_factory=row)
    await cursor.execute(query, values, prepare=prepare, binary=binary)
    return await cursor.fetchall()


async def fetch_one(
    database: Database, query: LiteralString, row: AsyncRowFactory[T], values: Values = None
) -> T | None:
    """Run a query, and give its first row; None if it has none. Raises what `fetch_all` does."""
    return next(iter(await fetch_all(database, query, row, values)), None)


async def fetch_value(
    database: Database, query: LiteralString, values: Values = None, *, prepare: bool | None = None
) -> Any:  # noqa: ANN401 - whatever the column holds
    """Run a query, and give the first column of its first row; None if it has none. Raises the same."""
    return next(iter(await fetch_all(database, query, scalar_row, values, prepare=prepare)), None)


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
