"""Where a channel is set up: at Twitch, and at home, in its database."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.health import Health, TwitchHealth
from showtime_core.ports import Channels, Consent, Subscriptions

T = TypeVar("T")


class Alone(Protocol):
    """Does work with nobody else at it."""

    async def __call__(self, work: Callable[[], Coroutine[Any, Any, T]], patience_seconds: float) -> T:
        """Do the work; raises Unavailable if another is at it for longer."""


@frozen
class Twitch:
    """What Twitch is asked with."""

    login: str
    """The channel."""
    our_url: str
    channels: Channels
    subscriptions: Sequence[Subscriptions]
    """One for each secret, in their order: the first signs."""
    consent: Consent
    with_chat: bool
    """Whether chat is read through EventSub."""


@frozen
class Home:
    """The channel's database."""

    alone: Alone
    read: Callable[[], Awaitable[tuple[ChannelState, Health]]]
    keep_health: Callable[[TwitchHealth], Awaitable[None]]
