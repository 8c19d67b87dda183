"""Nights afterwards: PostgreSQL's reader keeps to the contract, and looks at one night alone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from showtime_adapters.postgres import statements
from showtime_adapters.postgres.nights import PostgresNights
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.nights.recorded import AROUND
from showtime_core.testing.contracts.nights import NightsContract, NightsStage
from showtime_core.testing.twins.history import StoredGhost
from support.history import KEEP_GHOST, columns


class TestPostgresNights(NightsContract):
    """The contract of recorded nights, in PostgreSQL."""

    @pytest.fixture
    async def stage(self, migrated: str) -> AsyncIterator[NightsStage]:
        """Play in a database."""
        async with make_pool(migrated) as pool, make_pool(migrated, autocommit=True) as recording:

            async def record(broadcasts: Sequence[Broadcast], screenings: Sequence[Screening]) -> None:
                async with pool.connection() as connection:
                    for row in broadcasts:
                        saved = [row.id, row.started_at, row.ended_at]
                        await connection.execute(statements.SAVE_BROADCAST, saved)
                    for row in screenings:
                        saved = [row.id, row.broadcast_id, row.tape_id, row.started_at, row.ended_at]
                        await connection.execute(statements.SAVE_SCREENING, saved)

            async def keep(ghost: StoredGhost) -> None:
                async with pool.connection() as connection:
                    await connection.execute(KEEP_GHOST, columns(ghost))

            yield NightsStage(PostgresNights(pool), PostgresUnitOfWork(recording), record, keep)


# --- how a night is found in the journal --------------------------------------------------------

# Entries of many weeks, several at one moment, as batches are.
WEEKS = """
    insert into showtime.journal
        (id, position, source, type, version, retry, sent_at, received_at, reacted_at, body, policy, outcome)
    select 'm' || n, n, 'notification', 'channel.raid', '1', 0, at, at, at, '{}', '{}', 'reacted'
    from generate_series(1, %(count)s) as n
    cross join lateral (select %(since)s + n / 7 * interval '5 minutes') as t (at)
"""
_READ = """
    select coalesce(sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read), 0)::int8
    from pg_statio_user_tables where schemaname = 'showtime' and relname = 'journal'
"""
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
NIGHTS = 40


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 8, 700])
async def test_a_night_has_the_entries_around_it_and_no_others(migrated, count):
    """Wherever in a journal a night lies, the entries from a quarter before to a quarter after it are its."""
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(WEEKS, {"count": count, "since": SINCE})
        for number in range(NIGHTS):
            start = SINCE + timedelta(minutes=25 * number - 60, seconds=number % 3)
            connection.execute(statements.SAVE_BROADCAST, [number + 1, start, start + timedelta(minutes=21)])
        came = connection.execute("select id, reacted_at from showtime.journal order by position").fetchall()
    async with make_pool(migrated) as pool:
        for number in range(1, NIGHTS + 1):
            night = await PostgresNights(pool).night(number)
            assert night.ended_at
            first, last = night.started_at - AROUND, night.ended_at + AROUND
            assert [one.entry.id for one in night.entries] == [
                name for name, at in came if first <= at <= last
            ]


@pytest.mark.parametrize("statistics", ["none", "true"])
async def test_a_night_costs_the_same_however_long_the_journal_is(migrated, statistics):
    """A night is found by the index of places: what came before and after it is not read."""

    async def blocks(pool) -> int:
        async def count() -> int:
            async with pool.connection() as connection:
                await connection.execute("select pg_stat_force_next_flush()")
            with psycopg.connect(migrated, autocommit=True) as connection:
                (number,) = connection.execute(_READ).fetchone() or (0,)
            return int(number)

        before = await count()
        await PostgresNights(pool).night(1)
        return await count() - before

    with psycopg.connect(migrated, autocommit=True) as connection:
        start = SINCE + timedelta(hours=10)
        connection.execute(statements.SAVE_BROADCAST, [1, start, start + timedelta(hours=3)])
        connection.execute(WEEKS, {"count": 600, "since": SINCE})
        async with make_pool(migrated, max_size=1) as pool:
            few = min([await blocks(pool) for _ in range(3)])
            connection.execute(
                WEEKS.replace("'m' || n, n,", "'l' || n, 1000 + n,"),
                {"count": 40_000, "since": SINCE + timedelta(days=2)},
            )
            if statistics == "true":
                connection.execute("vacuum analyze")
            many = min([await blocks(pool) for _ in range(3)])
    assert few
    assert many <= 1.5 * few + 60
