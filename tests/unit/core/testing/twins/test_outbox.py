"""The outbox in memory keeps to the contract."""

from datetime import timedelta

import pytest

from showtime_core.testing.contracts.ghost_approvals import GhostApprovalsContract
from showtime_core.testing.contracts.ghost_limits import GhostLimitsContract
from showtime_core.testing.contracts.outbox import SETTLE_AFTER, OutboxContract, OutboxStage
from showtime_core.testing.contracts.parked import ParkedItemsContract
from showtime_core.testing.entries import at
from showtime_core.testing.twins.ghost_approvals import MemoryGhostApprovals
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryOutbox(OutboxContract, ParkedItemsContract, GhostLimitsContract, GhostApprovalsContract):
    @pytest.fixture
    def stage(self):
        elapsed = [timedelta(0)]
        units = MemoryUnitOfWork(clock=lambda: at(0) + elapsed[0])
        stage = MemoryOutboxTable(units, SETTLE_AFTER)
        first = stage.instance()

        async def die():
            first.die()

        async def wait(seconds):
            elapsed[0] += seconds

        return OutboxStage(
            units,
            first,
            stage.instance(),
            MemoryGhosts(stage),
            MemoryParkedItems(stage),
            die,
            wait,
            MemoryGhostApprovals(stage),
        )
