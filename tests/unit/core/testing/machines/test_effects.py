"""Points and ghosts among neighbours that fail and instances that die: conserved, to the point."""

import pytest
from hypothesis import settings

from showtime_core.testing.machines.effects import EffectsMachine

TestEffectsMachine = pytest.mark.long(EffectsMachine.TestCase)
TestEffectsMachine.settings = settings(stateful_step_count=30)
