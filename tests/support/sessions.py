"""Sessions in PostgreSQL for tests, and time that passes for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from showtime_adapters.postgres.pool import connected, make_pool
from showtime_adapters.postgres.sessions import PostgresModerators, PostgresOneTimeCodes, PostgresSessions
from showtime_core.testing.contracts.sessions import SessionsStage

_PASS = (
    "update showtime.session set opened_at = opened_at - %(time)s, expires_at = expires_at - %(time)s",
    "update showtime.one_time_code set expires_at = expires_at - %(time)s",
)


@asynccontextmanager
async def sessions_staged(conninfo: str) -> AsyncIterator[SessionsStage]:
    """Set a stage on this database, for two instances."""
    async with (
        make_pool(conninfo, autocommit=True) as one,
        make_pool(conninfo, autocommit=True) as other,
    ):

        async def wait(time: timedelta) -> None:
            async with connected(one) as connection:
                for statement in _PASS:
                    await connection.execute(statement, {"time": time})

        yield SessionsStage(
            PostgresSessions(one),
            PostgresSessions(other),
            PostgresModerators(one),
            PostgresOneTimeCodes(one),
            PostgresOneTimeCodes(other),
            wait,
        )
