"""Nights in memory keep to the contract."""

import pytest

from showtime_core.testing.contracts.nights import NightsContract, NightsStage, memory_nights_stage


class TestMemoryNights(NightsContract):
    """The contract of recorded nights, in memory."""

    @pytest.fixture
    def stage(self) -> NightsStage:
        """Play in memory."""
        return memory_nights_stage()
