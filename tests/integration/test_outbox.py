"""The outbox and the embedded ledger in PostgreSQL keep to the same rules as those in memory."""

from contextlib import AsyncExitStack

import psycopg
import pytest

from showtime_adapters.postgres.ghost_approvals import PostgresGhostApprovals
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.ledger import PostgresLedger
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.events import Cheer
from showtime_core.testing.contracts.ghost_approvals import GhostApprovalsContract
from showtime_core.testing.contracts.ghost_limits import GhostLimitsContract
from showtime_core.testing.contracts.ledger import PagedLedgerContract
from showtime_core.testing.contracts.outbox import SETTLE_AFTER, OutboxContract, OutboxStage
from showtime_core.testing.contracts.parked import ParkedItemsContract
from showtime_core.testing.strategies import CAST
from support.databases import empty, fresh_database, strays
from support.effects import let_time_pass
from support.following import until
from support.server import rows


@pytest.fixture(scope="module")
def kept(postgres_server):
    """Give the conninfo of a database that the tests of this module share."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture
def emptied(kept):
    empty(kept)
    return kept


class TestPostgresOutbox(OutboxContract, ParkedItemsContract, GhostLimitsContract, GhostApprovalsContract):
    @pytest.fixture
    async def stage(self, emptied):
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(make_pool(emptied, autocommit=True))
            boxes, sessions = [], []
            for owner in (1984, 1986):
                session = await psycopg.AsyncConnection.connect(emptied, autocommit=True)
                await stack.enter_async_context(session)
                await session.execute("select pg_advisory_lock(%s)", [owner])
                sessions.append(session)
                boxes.append(PostgresOutbox(pool, SETTLE_AFTER, owner))

            async def die():
                await sessions[0].close()
                alive = "select count(*) from pg_locks where locktype = 'advisory' and objid = 1984"
                await until(lambda: rows(emptied, alive) == [(0,)])

            async def wait(time):
                await let_time_pass(pool, time)

            yield OutboxStage(
                PostgresUnitOfWork(pool),
                *boxes,
                PostgresGhosts(pool),
                PostgresParkedItems(pool),
                die,
                wait,
                PostgresGhostApprovals(pool),
            )
        assert strays(emptied) == []

    async def test_what_cannot_be_read_holds_up_nobody(self, stage, emptied):
        """An instance of an older version lets it be for a newer one; what others wait for is performed."""
        (odd, plain) = await stage.record(*(Cheer(viewer, 100, "") for viewer in CAST[:2]))
        with psycopg.connect(emptied) as connection:
            change = 'update showtime.outbox set payload = \'{"points": "many"}\' where entry_id = %s'
            connection.execute(change, [odd])
        assert await stage.lease() == [f"{plain}:credit-cheer"]
        later = "status, remark, owner, due_at > clock_timestamp() + interval '30 s'"
        [(status, remark, owner, is_later)] = rows(
            emptied,
            f"select {later} from showtime.outbox where entry_id = %s",
            odd,
        )
        assert (status, owner, is_later) == ("due", None, True)
        assert "cannot be read" in remark


class TestPostgresLedger(PagedLedgerContract):
    @pytest.fixture
    async def ledger(self, kept):
        async with make_pool(kept, autocommit=True) as pool:
            yield PostgresLedger(pool)
