"""How an instance receives, shows and performs over PostgreSQL: by the contracts that memory keeps."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Any

import pytest

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.feed import FEED, PostgresFeed, missed_alerts
from showtime_adapters.postgres.ghost_approvals import PostgresGhostApprovals
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.leader import Leadership
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import Pool, make_pool
from showtime_adapters.postgres.preflight import PostgresTrial
from showtime_adapters.postgres.relay import Relay
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.postgres.writability import Writability
from showtime_core.domain.journal import Entry
from showtime_core.domain.reactions import Policy
from showtime_core.testing.contracts.exclusive import ExclusiveContract
from showtime_core.testing.contracts.feed import FeedContract, FeedStage
from showtime_core.testing.contracts.inbox import InboxContract, InboxStage
from showtime_core.testing.contracts.outbox import ALL, SETTLE_AFTER, OutboxStage
from showtime_core.testing.contracts.relay import RelayContract, RelayStage
from showtime_core.testing.contracts.writable_database import WritableDatabaseContract, WritableStage
from showtime_core.testing.entries import cheers
from showtime_core.use_cases.dispatch import WorkerPool
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.receive import receive
from support.databases import empty, fresh_database, gone
from support.server import rows


@pytest.fixture(scope="module")
def shared(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the conninfo of a database that is emptied for each test."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture
async def pool(shared: str) -> AsyncIterator[Pool]:
    empty(shared)
    async with make_pool(shared, autocommit=True) as pool:
        yield pool


@pytest.fixture
def trouble(
    shared: str, postgres_server: EmbeddedPostgres
) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Give what takes the database away, and what gives it back."""
    with ExitStack() as stack:

        def go_away() -> None:
            stack.enter_context(gone(shared, postgres_server.conninfo))

        yield go_away, stack.close


class TestPostgresInbox(InboxContract):
    """The contract, over two instances of PostgreSQL's."""

    @pytest.fixture
    async def stage(
        self, shared: str, pool: Pool, trouble: tuple[Callable[[], None], Callable[[], None]]
    ) -> AsyncIterator[InboxStage]:
        units = PostgresUnitOfWork(pool)

        async def take(entries: Sequence[Entry]) -> None:
            await receive(entries, units, Policy())

        async def kept() -> list[str]:
            return [name for (name,) in rows(shared, "select id from showtime.journal order by position")]

        async with GroupCommit(take, units.is_known) as one, GroupCommit(take, units.is_known) as other:
            yield InboxStage(one, other, kept, *trouble)


class TestPostgresFeed(FeedContract):
    """The contract, where another instance's transactions are heard of."""

    @pytest.fixture
    def stage(self, shared: str, pool: Pool) -> FeedStage:
        names = count()

        async def write(number: int) -> None:
            entries = [cheers(f"m-{next(names)}", bits=50) for _ in range(number)]
            await receive(entries, PostgresUnitOfWork(pool), Policy())

        return FeedStage(
            lambda publish, is_watched: PostgresFeed(shared, FEED, publish, is_watched).run,
            partial(missed_alerts, pool),
            write,
        )


class TestPostgresRelay(RelayContract):
    """The contract, with sessions of their own."""

    @pytest.fixture
    def relays(self, shared: str, pool: Pool) -> RelayStage:
        async def nothing(*_: object) -> None:
            raise NotImplementedError

        boxes = PostgresOutbox(pool, SETTLE_AFTER, 1984), PostgresOutbox(pool, SETTLE_AFTER, 1986)
        parts = PostgresGhosts(pool), PostgresParkedItems(pool)
        stage = OutboxStage(
            PostgresUnitOfWork(pool), *boxes, *parts, nothing, nothing, PostgresGhostApprovals(pool)
        )
        outbox, pools = PostgresOutbox(pool, SETTLE_AFTER), [WorkerPool(ALL, 4)]
        return RelayStage(stage, lambda perform: Relay(shared, outbox, perform, pools))


class TestPostgresLeadership(ExclusiveContract):
    """The contract, by a lock of the database."""

    @pytest.fixture
    def instances(self, shared: str) -> tuple[Any, Any]:
        return Leadership(shared, 1985).once, Leadership(shared, 1985).once


class TestPostgresTrial(WritableDatabaseContract):
    """The contract, in PostgreSQL."""

    @pytest.fixture
    def stage(
        self, shared: str, pool: Pool, trouble: tuple[Callable[[], None], Callable[[], None]]
    ) -> WritableStage:
        async def count_rows() -> int:
            return len(rows(shared, "select from showtime.journal"))

        return WritableStage(PostgresTrial(pool, Writability(pool)), count_rows, *trouble)
