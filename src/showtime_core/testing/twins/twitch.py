"""Twitch's subscriptions and channels in memory, and a record of how everything stands."""

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import Factory, define, evolve

from showtime_core.domain.broadcasts.stream_check import StreamListing
from showtime_core.domain.chat import ChatHealth
from showtime_core.domain.health import Health, TwitchHealth
from showtime_core.domain.subscriptions import ENABLED, PENDING, EventSubSubscription, WantedSubscription
from showtime_core.errors import NotAllowed, Refused, Unavailable

_MAX_OF_A_KIND = 3


@define
class MemorySubscriptions:
    """Twitch, as far as it keeps subscriptions: a new one is verified when it is looked for."""

    our_url: str
    by_id: dict[str, EventSubSubscription] = Factory(dict)
    consented: frozenset[str] | None = None
    """Scopes; None: all."""
    withdrawn: frozenset[str] = frozenset()
    """Types that there are no more."""
    verdict: str = ENABLED
    """What a new one comes to when it is verified."""
    is_away: bool = False
    max_of_a_kind: int = 0
    """The most that were ever alive at once, of one type and condition, calling our URL."""
    _count: int = 0

    async def list_all(self) -> Sequence[EventSubSubscription]:
        """List all there are."""
        self._answer()
        return tuple(self.by_id.values())

    async def find(self, subscription_id: str) -> EventSubSubscription | None:
        """Look for one, which is verified by then."""
        self._answer()
        found = self.by_id.get(subscription_id)
        if found and found.status == PENDING:
            found = self.by_id[found.id] = evolve(found, status=self.verdict)
        return found

    async def create(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one, or return what is there."""
        self._answer()
        if wanted.type in self.withdrawn:
            raise Refused("withdrawn")
        if self.consented is not None and not wanted.scopes <= self.consented:
            raise NotAllowed("no consent")
        same = [one for one in self.by_id.values() if one.overlaps(wanted)]
        for one in same:
            if one.callback == self.our_url and one.is_alive and one.fulfils(wanted):
                return one
        if len(same) >= _MAX_OF_A_KIND:
            raise Refused("too many")
        self._count += 1
        made = EventSubSubscription(
            f"made-{self._count}", wanted.type, wanted.version, wanted.condition, PENDING, self.our_url
        )
        self.by_id[made.id] = made
        alive = [one for one in (*same, made) if one.callback == self.our_url and one.is_alive]
        self.max_of_a_kind = max(self.max_of_a_kind, len(alive))
        return made

    async def create_anew(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one in place of what is there."""
        self._answer()
        for one in [each for each in self.by_id.values() if each.fulfils(wanted)]:
            if one.callback == self.our_url:  # broken ones are in the way as well
                del self.by_id[one.id]
        return await self.create(wanted)

    async def delete(self, subscription_id: str) -> None:
        """Delete one."""
        self._answer()
        self.by_id.pop(subscription_id, None)

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("Twitch is away")


@define
class MemoryChannels:
    """Twitch, as far as it knows channels."""

    users: dict[str, str]
    """Login → id."""
    listed: StreamListing
    is_away: bool = False
    """Whether it cannot tell what is live."""

    async def user_id(self, login: str) -> str:
        """Tell the id of a user."""
        if login.lower() not in self.users:  # people write the display name
            raise Refused(f"Twitch knows no user {login!r}")
        return self.users[login.lower()]

    async def stream_listing(self, broadcaster_id: str) -> StreamListing:
        """Tell whether the channel is live, whichever it is."""
        assert broadcaster_id in self.users.values()
        if self.is_away:
            raise Unavailable("the streams are away")
        return self.listed


@define
class MemoryHealthStore:
    """How everything stands."""

    clock: Callable[[], datetime]
    twitch: TwitchHealth | None = None
    chat: ChatHealth | None = None

    async def read(self) -> Health:
        """Read what is known."""
        return Health(self.clock(), self.twitch, self.chat)

    async def save_twitch(self, health: TwitchHealth) -> None:
        """Keep what a check came to, unless a later one is there."""
        if self.twitch is None or self.twitch.checked_at <= health.checked_at:
            self.twitch = health
