"""Lines of the log that anybody can cause come once a minute, and lose nothing of their number."""

from showtime_app import throttle
from showtime_app.throttle import Throttle


def test_a_reason_is_told_once_a_minute_with_all_that_came_since(monkeypatch):
    """The first of each reason is told at once; after a minute one tells of all that were not told."""
    now = [100.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    rejections = Throttle()
    told = [rejections.count(reason) for reason in ("forged", "forged", "stale", "forged")]
    now[0] += 59.9
    told.append(rejections.count("forged"))
    now[0] += 0.2
    told.append(rejections.count("forged"))
    assert told == [1, 0, 1, 0, 0, 4]
