"""The health of the show in memory keeps to the rules of every store."""

from datetime import UTC, datetime

import pytest

from showtime_core.ports import HealthStore
from showtime_core.testing.contracts.health import HealthStoreContract
from showtime_core.testing.twins.twitch import MemoryHealthStore


class TestMemoryHealthStore(HealthStoreContract):
    """The contract, in memory."""

    @pytest.fixture
    def stores(self) -> tuple[HealthStore, HealthStore]:
        store = MemoryHealthStore(lambda: datetime.now(UTC))
        return store, store
