"""Where the operator decides about what is parked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.parked import PostgresParking
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.twitch.messages import read_again
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.decide_parked import Desk


def wire_desk(pool: AsyncConnectionPool[Connection], units: UnitOfWork) -> Desk:
    """Make the desk; in its pool each statement is a transaction of its own."""
    return Desk(PostgresParking(pool), units, read_again)


@asynccontextmanager
async def open_desk(conninfo: str) -> AsyncIterator[Desk]:
    """Open a desk for a while, beside the servers that may run."""
    async with make_pool(conninfo, max_size=1, autocommit=True) as pool:
        yield wire_desk(pool, PostgresUnitOfWork(pool))
