"""The outbox in memory keeps to the contract."""

from datetime import timedelta

import pytest

from showtime_core.testing.ghost_limits_contract import GhostLimitsContract
from showtime_core.testing.memory import MemoryUnitOfWork
from showtime_core.testing.memory_outbox import MemoryGhosts, MemoryParking, Shelf
from showtime_core.testing.outbox_contract import SETTLE_AFTER, OutboxContract, OutboxStage
from showtime_core.testing.parking_contract import ParkingContract
from showtime_core.testing.script import at


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
