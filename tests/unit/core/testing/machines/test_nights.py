"""Whole nights in memory, checked after every step."""

from showtime_core.testing.machines.nights import ChannelMachine

TestChannelMachine = ChannelMachine.TestCase
