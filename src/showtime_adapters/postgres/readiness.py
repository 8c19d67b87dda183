"""Whether the database can be used: reachable, open for writing, and with the schema that is needed."""

from typing import LiteralString

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.migrations.migrate import pending
from showtime_adapters.postgres.pool import Connection, connected
from showtime_core.errors import Refused, Unavailable

# A standby, or a database that its provider has closed since its disk is full, answers who only reads.
_IS_READ_ONLY: LiteralString = "select current_setting('transaction_read_only') = 'on'"


async def require_ready(pool: AsyncConnectionPool[Connection]) -> None:
    """Return if the database is fit for use; raises Unavailable with the reason and the remedy.

    Looks twice: a connection that was lost while idle is noticed only by using it.
    """
    try:
        await _look(pool)
    except Unavailable:
        await _look(pool)


async def _look(pool: AsyncConnectionPool[Connection]) -> None:
    async with connected(pool) as connection:
        await require_schema(connection)
        if await (await connection.execute(_IS_READ_ONLY)).fetchone() == (True,):
            raise Unavailable(
                "the database is read-only: name one that is not a standby (PGHOST), or make room on its disk"
            )


async def require_schema(connection: Connection) -> None:
    """Return if the schema is the one that this version expects; raises Unavailable with the remedy."""
    try:
        steps = await pending(connection)
    except Refused as reason:
        raise Unavailable(str(reason)) from reason
    if steps:
        raise Unavailable(f"the database lacks {', '.join(steps)}: run `showtime migrate`")
