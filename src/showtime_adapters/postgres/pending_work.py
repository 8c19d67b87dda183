"""What waits in the database: for the operator, or to be performed."""

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.postgres.queries import fetch_all
from showtime_adapters.postgres.statements import PENDING_WORK
from showtime_core.domain.health import PendingWork


async def read_pending_work(pool: AsyncConnectionPool[Connection]) -> PendingWork:
    """Count what is parked and what is due; raises Unavailable."""
    async with connected(pool) as connection:
        [pending] = await fetch_all(connection, PENDING_WORK, class_row(PendingWork))
    return pending
