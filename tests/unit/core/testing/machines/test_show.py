"""Overlays that die, come back, freeze, duplicate and lie, before a queue in memory."""

from showtime_core.testing.machines.show import ShowMachine

TestShowMachine = ShowMachine.TestCase
