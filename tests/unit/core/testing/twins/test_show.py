"""The show on the screen in memory keeps to the contract."""

from datetime import timedelta

import pytest

from showtime_core.testing.contracts.show import ShowContract, ShowStage
from showtime_core.testing.entries import at
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryShow(ShowContract):
    @pytest.fixture
    def show(self):
        elapsed = [timedelta(0)]
        units = MemoryUnitOfWork(clock=lambda: at(0) + elapsed[0])
        queue = MemoryShow(units, limit=10)

        async def wait(time):
            elapsed[0] += time

        async def showings():
            return sorted(queue.all_showings.values(), key=lambda each: (each.alert.id, each.attempt))

        return ShowStage(units, queue, queue, queue, wait, showings)
