"""Alerts that the host tries out."""

import pytest

from showtime_adapters.wire import ALERT_TYPES
from showtime_core.domain.alert_tests import ALERT_TESTS, alert_test
from showtime_core.errors import Refused


def test_there_is_one_of_each_kind():
    """Every type of alert can be tried out, and a Power-up beside, which is told as a cheer."""
    assert set(ALERT_TESTS) == {*ALERT_TYPES.values(), "power-up"}
    told = {kind: ALERT_TYPES[type(alert)] for kind, alert in ALERT_TESTS.items()}
    assert told == {kind: "cheer" if kind == "power-up" else kind for kind in ALERT_TESTS}


@pytest.mark.parametrize("kind", ALERT_TESTS)
def test_nobody_takes_it_for_a_viewer(kind):
    """An alert that is tried out names nobody but the test pattern."""
    alert = alert_test(kind).alert
    assert getattr(alert, "username", "Test Pattern") == "Test Pattern"


def test_a_kind_that_is_not_known_is_refused():
    """A kind that no alert has is refused, with those that there are."""
    with pytest.raises(Refused, match="no such kind: choose follow"):
        alert_test("nothing")
