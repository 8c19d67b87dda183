"""The outbox in memory keeps to the contract."""

from datetime import timedelta

import pytest

from showtime_core.testing.contracts.ghost_limits import GhostLimitsContract
from showtime_core.testing.contracts.outbox import SETTLE_AFTER, OutboxContract, OutboxStage
from showtime_core.testing.contracts.parked import ParkingContract
from showtime_core.testing.entries import at
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryParking, Shelf
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryOutbox(OutboxContract, ParkingContract, GhostLimitsContract):
    @pytest.fixture
    def shelf(self):
        elapsed = [timedelta(0)]
        units = MemoryUnitOfWork(clock=lambda: at(0) + elapsed[0])
        shelf = Shelf(units, SETTLE_AFTER)
        first = shelf.instance()

        async def die():
            first.die()

        async def wait(seconds):
            elapsed[0] += seconds

        return OutboxStage(
            units, first, shelf.instance(), MemoryGhosts(shelf), MemoryParking(shelf), die, wait
        )
