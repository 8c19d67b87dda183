"""Where a channel is set up: at Twitch, and at home, in its database."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.health import Health, TwitchHealth
from showtime_core.ports import AutoMod, Channels, Consent, ThrowAwaySubscriptions, TwitchClock

T = TypeVar("T")


class Exclusive(Protocol):
    """Does work with nobody else at it."""

    async def __call__(self, work: Callable[[], Coroutine[Any, Any, T]], patience_seconds: float) -> T:
        """Do the work; raises Unavailable if another is at it for longer."""


@frozen
class TwitchAccess:
    """What Twitch is asked with."""

    login: str
    """The channel."""
    our_url: str
    channels: Channels
    automod: AutoMod
    subscriptions: Sequence[ThrowAwaySubscriptions]
    """One for each secret, in their order: the first signs."""
    consent: Consent
    clock: TwitchClock
    with_chat: bool
    """Whether chat is read through EventSub."""


@frozen
class ChannelDatabase:
    """The channel's database."""

    exclusive: Exclusive
    read: Callable[[], Awaitable[tuple[ChannelState, Health]]]
    save_health: Callable[[TwitchHealth], Awaitable[None]]
