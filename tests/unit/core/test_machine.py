"""Whole nights in memory, checked after every step."""

from showtime_core.testing.machine import ChannelMachine

TestChannelMachine = ChannelMachine.TestCase
