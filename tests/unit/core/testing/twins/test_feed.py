"""The feed and the relay in memory keep to the rules of PostgreSQL's."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from showtime_core.testing.contracts.feed import FeedContract, FeedStage
from showtime_core.testing.contracts.outbox import ALL, SETTLE_AFTER, OutboxStage
from showtime_core.testing.contracts.relay import RelayContract, RelayStage
from showtime_core.testing.twins.feed import MemoryFeed
from showtime_core.testing.twins.ghost_approvals import MemoryGhostApprovals
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.relay import MemoryRelay
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.dispatch import Dispatcher, WorkerPool


class TestMemoryFeed(FeedContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> FeedStage:
        seconds = count()
        feed = MemoryFeed(lambda: datetime(2026, 10, 30, 20, tzinfo=UTC) + timedelta(seconds=next(seconds)))

        async def write(number):
            for _ in range(number):
                feed.add("alerts", "{}")

        return FeedStage(feed.follow, feed.missed, write)


class TestMemoryRelay(RelayContract):
    """The contract, in memory."""

    @pytest.fixture
    def relays(self) -> RelayStage:
        units = MemoryUnitOfWork()
        table = MemoryOutboxTable(units, SETTLE_AFTER)

        async def nothing(*_):
            raise NotImplementedError

        stage = OutboxStage(
            units,
            table.instance(),
            table.instance(),
            MemoryGhosts(table),
            MemoryParkedItems(table),
            nothing,
            nothing,
            MemoryGhostApprovals(table),
        )

        def relay(perform):
            return MemoryRelay(Dispatcher(perform, [WorkerPool(ALL, 4)]), table.instance())

        return RelayStage(stage, relay)
