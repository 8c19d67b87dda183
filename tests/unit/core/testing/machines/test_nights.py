"""Whole nights in memory, checked after every step."""

import pytest

from showtime_core.testing.machines.nights import ChannelMachine

TestChannelMachine = pytest.mark.long(ChannelMachine.TestCase)
