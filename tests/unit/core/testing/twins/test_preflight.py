"""The store of the tries in memory keeps to the rules of every store."""

from datetime import UTC, datetime

import pytest

from showtime_core.ports import PreflightStore
from showtime_core.testing.contracts.preflight import PreflightStoreContract
from showtime_core.testing.twins.preflight import MemoryPreflightStore


class TestMemoryPreflightStore(PreflightStoreContract):
    """The contract, in memory."""

    @pytest.fixture
    def stores(self) -> tuple[PreflightStore, PreflightStore]:
        store = MemoryPreflightStore(lambda: datetime.now(UTC))
        return store, store
