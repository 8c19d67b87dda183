"""Alerts that the host tries out: one of each kind, which nobody has paid for."""

from collections.abc import Mapping

from attrs import frozen

from showtime_core.domain import alerts
from showtime_core.domain.alerts import Alert
from showtime_core.errors import Refused

_WHO = "Test Pattern"
_WORDS = "This is a test. Nobody paid for it."
_PICTURE = "pages/demo-ghost.svg"
"""A picture that the overlay brings along: as it is reached from there."""

ALERT_TESTS: Mapping[str, Alert] = {
    "follow": alerts.FollowAlert(_WHO),
    "cheer": alerts.CheerAlert(_WHO, 100, _WORDS),
    "power-up": alerts.CheerAlert(_WHO, 30, _WORDS, power_up=True),
    "subscribe": alerts.SubscribeAlert(_WHO, is_gift=False, num_cumulative_months=14, message=_WORDS),
    "gift-sub": alerts.GiftSubAlert(_WHO, 5),
    "raid": alerts.RaidAlert(_WHO, 12),
    "hype-train": alerts.HypeTrainAlert(3),
    "watch-streak": alerts.WatchStreakAlert(_WHO, 5, _WORDS),
    "generated-images": alerts.GhostAlert(_WHO, "a test pattern", (_PICTURE,)),
}
"""By their `type`; a Power-up is told as a cheer, and looks another way."""


@frozen
class AlertTest:
    """An alert that the host tries out: it waits for an overlay as others do, and is told nowhere else."""

    alert: Alert


def alert_test(kind: str) -> AlertTest:
    """Make the alert of a kind that the host tries out; raises Refused for a kind that is not known."""
    if kind not in ALERT_TESTS:
        raise Refused(f"no such kind: choose {', '.join(ALERT_TESTS)}")
    return AlertTest(ALERT_TESTS[kind])
