"""The seeded world at length: nights on end, and rare states that are reached often enough."""

import pytest

from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.series import play_series
from showtime_core.testing.world.sometimes import FLOOR_NIGHTS, below_floor
from support.seeded import SERVED


def test_the_rare_states_are_reached():
    """The nights of a fixed set of seeds hold, and reach each rare state as often as they must."""
    series = play_series(0, FLOOR_NIGHTS)
    assert series.failed is None, explain(series.failed.failure)
    assert below_floor(series.reached) == []


@pytest.mark.parametrize("seed", range(1000, 3000, 200))
def test_nights_on_end_hold(seed):
    """Two hundred nights hold, with the hub and the streams of the service."""
    series = play_series(seed, 200, parts=SERVED)
    assert series.failed is None, f"seed {series.failed.night.seed}: {explain(series.failed.failure)}"
