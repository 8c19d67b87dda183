"""Messages that come in numbers have the machine first."""

from showtime_core.use_cases.pressure import Pressure


def test_it_is_high_while_many_come_at_once_and_a_second_longer():
    """Messages that come one by one, however often, are no pressure."""
    now = 0.0
    pressure = Pressure(lambda: now)
    for _ in range(100):
        pressure.note(1)
    assert (pressure.is_high(), pressure.messages) == (False, 100)
    pressure.note(15)
    assert (pressure.is_high(), pressure.messages) == (True, 115)
    now = 0.9
    assert pressure.is_high()
    now = 1.1
    assert not pressure.is_high()
