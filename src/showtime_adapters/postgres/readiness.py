"""Whether the database can be used: reachable, and with the schema that this version expects."""

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected


async def require_ready(pool: AsyncConnectionPool[Connection]) -> None:
    """Return if the database is fit for use; raises Unavailable with the reason and the remedy."""
    async with connected(pool) as connection:
        await connection.execute("select from showtime.channel")
