"""Where the operator decides about what is parked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.twitch.messages import read_again
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.decide_parked import DecideParked


def wire_decide_parked(pool: AsyncConnectionPool[Connection], units: UnitOfWork) -> DecideParked:
    """Make the use case; in its pool each statement is a transaction of its own."""
    return DecideParked(PostgresParkedItems(pool), units, read_again)


@asynccontextmanager
async def open_decide_parked(conninfo: str) -> AsyncIterator[DecideParked]:
    """Open the use case for a while, beside the servers that may run."""
    async with make_pool(conninfo, max_size=1, autocommit=True) as pool:
        yield wire_decide_parked(pool, PostgresUnitOfWork(pool))
