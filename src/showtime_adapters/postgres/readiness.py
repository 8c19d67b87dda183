"""Whether the database can be used: reachable, and with the schema that this version expects."""

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.migrations import pending
from showtime_adapters.postgres.pool import Connection, connected
from showtime_core.errors import Refused, Unavailable


async def require_ready(pool: AsyncConnectionPool[Connection]) -> None:
    """Return if the database is fit for use; raises Unavailable with the reason and the remedy."""
    async with connected(pool) as connection:
        await require_schema(connection)


async def require_schema(connection: Connection) -> None:
    """Return if the schema is the one that this version expects; raises Unavailable with the remedy."""
    try:
        steps = await pending(connection)
    except Refused as reason:
        raise Unavailable(str(reason)) from reason
    if steps:
        raise Unavailable(f"the database lacks {', '.join(steps)}: run `showtime migrate`")
