"""The unit of work in memory keeps to the contract."""

import pytest

from showtime_core.testing.contracts import UnitOfWorkContract
from showtime_core.testing.memory import MemoryUnitOfWork
from showtime_core.testing.records import memory_stage


class TestMemoryUnitOfWork(UnitOfWorkContract):
    @pytest.fixture
    def stage(self):
        return memory_stage(MemoryUnitOfWork())
