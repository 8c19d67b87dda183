"""What an alert says, in the words of the independent reference."""

from attrs import astuple

from showtime_core.domain import alerts
from showtime_core.domain.alert_tests import AlertTest

_WORDS_FOR: dict[type[object], str] = {
    alerts.FollowAlert: "follow",
    alerts.RaidAlert: "raid",
    alerts.CheerAlert: "cheer",
    alerts.SubscribeAlert: "subscribe",
    alerts.GiftSubAlert: "gift-sub",
    alerts.GhostAlert: "ghost",
}
GHOST = "('ghost',"
"""How the words of a ghost begin: it follows from what was paid, and not from an event alone."""


def words_of(alert: alerts.Alert | AlertTest) -> str:
    """Say what an alert shows, without the addresses of images."""
    said = tuple(value for value in astuple(alert) if value is not None and not isinstance(value, tuple))
    return repr((_WORDS_FOR.get(type(alert), type(alert).__name__), *said))
