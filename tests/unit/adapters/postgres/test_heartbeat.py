"""The heartbeat: an instance moves points only while nobody can have taken over what it had leased."""

import pytest
from attrs import define

from showtime_adapters.postgres.heartbeat import VALID_FOR, Heartbeat
from showtime_core.errors import Unavailable


@define
class Clock:
    now: float = 0.0

    def tell(self) -> float:
        return self.now


def test_without_a_pulse_nothing_is_sent():
    """An instance that has never felt its session has leased nothing either."""
    with pytest.raises(Unavailable, match="nothing was sent"):
        Heartbeat().require()


def test_a_pulse_is_as_old_as_the_question():
    """The session is known to have lived when it was asked, not when the answer was read."""
    clock = Clock()
    heartbeat = Heartbeat(clock.tell)
    with heartbeat.beat():
        clock.now = VALID_FOR.total_seconds()
    heartbeat.require()
    clock.now += 0.1
    with pytest.raises(Unavailable, match="held up"):
        heartbeat.require()


def test_a_question_that_fails_is_no_pulse():
    """Only an answer shows that the session lives."""
    clock = Clock()
    heartbeat = Heartbeat(clock.tell)
    with pytest.raises(ConnectionError), heartbeat.beat():
        raise ConnectionError
    with pytest.raises(Unavailable):
        heartbeat.require()
