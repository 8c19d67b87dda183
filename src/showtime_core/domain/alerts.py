"""What the overlay shows over the tape, as a closed union; names of viewers are as people see them."""

from attrs import field, frozen

from showtime_core.texts import shorten


@frozen
class FollowAlert:
    """Somebody follows the channel."""

    username: str


@frozen
class RaidAlert:
    """Another channel's audience arrives."""

    username: str
    num_viewers: int


@frozen
class CheerAlert:
    """Somebody cheers with bits."""

    username: str
    num_bits: int
    message: str = field(converter=shorten)
    """At most 2,000 characters of it."""
    power_up: bool | None = field(default=None, kw_only=True)
    """True: the bits were spent on a Power-up; None: they were not."""


@frozen
class SubscribeAlert:
    """Somebody subscribes, for the first time or for another month."""

    username: str
    is_gift: bool
    num_cumulative_months: int
    message: str = field(converter=shorten)
    """Empty for a new subscription; at most 2,000 characters of it."""


@frozen
class GiftSubAlert:
    """Somebody gives subscriptions away: one alert for all of the gift."""

    username: str
    num_subscriptions: int


@frozen
class WatchStreakAlert:
    """Somebody has watched many streams in a row."""

    username: str
    num_consecutive_streams: int
    message: str = field(converter=shorten)
    """May be empty; at most 2,000 characters of it."""


@frozen
class GhostAlert:
    """A ghost that was paid for appears."""

    username: str
    description: str
    """The bare subject: what it is a ghost of."""
    urls: tuple[str, ...]


@frozen
class HypeTrainAlert:
    """A hype train begins or ends."""

    level: int


Alert = (
    FollowAlert
    | RaidAlert
    | CheerAlert
    | SubscribeAlert
    | GiftSubAlert
    | GhostAlert
    | HypeTrainAlert
    | WatchStreakAlert
)
"""Whatever the overlay shows over the tape."""
