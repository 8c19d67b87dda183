"""What waits in the database: for the operator, or to be performed."""

from attrs import frozen
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.postgres.queries import fetch_all
from showtime_adapters.postgres.statements import PENDING_WORK


@frozen
class PendingWork:
    """How much waits in the database, and for how long."""

    parked_messages: int
    parked_effects: int
    waiting_effects: int
    oldest_effect_seconds: float


async def read_pending_work(pool: AsyncConnectionPool[Connection]) -> PendingWork:
    """Count what is parked and what is due; raises Unavailable."""
    async with connected(pool) as connection:
        [pending] = await fetch_all(connection, PENDING_WORK, class_row(PendingWork))
    return pending
