"""The pulse: an instance moves points only while nobody can have taken over what it had leased."""

import pytest
from attrs import define

from showtime_adapters.postgres.heartbeat import LASTS, Pulse
from showtime_core.errors import Unavailable


@define
class Clock:
    now: float = 0.0

    def tell(self) -> float:
        return self.now


def test_without_a_pulse_nothing_is_sent():
    """An instance that has never felt its session has leased nothing either."""
    with pytest.raises(Unavailable, match="nothing was sent"):
        Pulse().require()


def test_a_pulse_is_as_old_as_the_question():
    """The session is known to have lived when it was asked, not when the answer was read."""
    clock = Clock()
    pulse = Pulse(clock.tell)
    with pulse.felt():
        clock.now = LASTS.total_seconds()
    pulse.require()
    clock.now += 0.1
    with pytest.raises(Unavailable, match="held up"):
        pulse.require()


def test_a_question_that_fails_is_no_pulse():
    """Only an answer shows that the session lives."""
    clock = Clock()
    pulse = Pulse(clock.tell)
    with pytest.raises(ConnectionError), pulse.felt():
        raise ConnectionError
    with pytest.raises(Unavailable):
        pulse.require()
