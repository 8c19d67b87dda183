"""What is done alone, and what is written, in memory: as the contracts have it."""

from functools import partial

import pytest

from showtime_core.errors import Unavailable
from showtime_core.testing.contracts.exclusive import ExclusiveContract
from showtime_core.testing.contracts.writable_database import WritableDatabaseContract, WritableStage
from showtime_core.testing.twins.database import MemoryExclusive, MemoryWritableDatabase


class TestMemoryExclusive(ExclusiveContract):
    """The contract, in memory."""

    @pytest.fixture
    def instances(self):
        exclusive = MemoryExclusive()
        return exclusive, exclusive


class TestMemoryWritableDatabase(WritableDatabaseContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> WritableStage:
        database = MemoryWritableDatabase()
        fail = partial(setattr, database, "failure")

        async def count():
            return 0

        return WritableStage(database, count, partial(fail, Unavailable("no room")), partial(fail, None))
