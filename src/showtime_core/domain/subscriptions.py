"""The EventSub subscriptions that the show lives on: which must be there, and what to do about each.

Others share our client id and our channel: only what calls our own URL is ours to keep or to delete.
"""

from collections.abc import Iterable, Sequence

from attrs import field, frozen

ENABLED = "enabled"
"""The status by which Twitch says that it delivers."""
PENDING = "webhook_callback_verification_pending"
"""Twitch is about to call our URL with a challenge, or waits for the answer."""
CHAT_TYPES_PREFIX = "channel.chat."
"""What the types begin with that tell of chat."""
MISSING = "missing"
"""Our own word for a subscription that is not there at all."""


@frozen
class WantedSubscription:
    """An EventSub subscription that the show needs, and the consent that it takes."""

    type: str
    version: str
    condition: frozenset[tuple[str, str]]
    """Field → value: whose events are meant."""
    scopes: frozenset[str] = frozenset()
    """What the broadcaster must have consented to."""
    is_optional: bool = False
    """The show goes on without it: its scopes were not asked for when the channel was first set up."""


@frozen
class EventSubSubscription:
    """An EventSub subscription, as Twitch lists it."""

    id: str
    type: str
    version: str
    condition: frozenset[tuple[str, str]]
    status: str
    """Twitch's word; new words appear."""
    callback: str | None
    """The URL that is called; None: it is not delivered by a webhook."""

    @property
    def is_alive(self) -> bool:
        """Whether it delivers, or will as soon as it is verified."""
        return self.status in (ENABLED, PENDING)

    def fulfils(self, wanted: WantedSubscription) -> bool:
        """Tell whether this is what is wanted (type, version, condition), whatever its status."""
        return self.overlaps(wanted) and self.version == wanted.version

    def overlaps(self, wanted: WantedSubscription) -> bool:
        """Tell whether it delivers the same events, also in another version: both would tell them twice."""
        return (self.type, self.condition) == (wanted.type, wanted.condition)


@frozen
class DeviceCode:
    """What the broadcaster types in to consent, and where."""

    code: str = field(repr=False)
    """Ours, to ask with whether it was typed in."""
    user_code: str
    verification_url: str
    expires_seconds: float
    """How long it is good for."""
    poll_seconds: float
    """How often we may ask."""


@frozen
class SubscriptionPlan:
    """What is to be done so that each wanted subscription exists once."""

    keep: tuple[tuple[WantedSubscription, EventSubSubscription], ...] = ()
    create: tuple[WantedSubscription, ...] = ()
    delete: tuple[EventSubSubscription, ...] = ()
    """They tell of what is wanted, but are broken, or of another version, or there twice."""
    surplus: tuple[EventSubSubscription, ...] = ()
    """They call our URL, and nothing here wants them: another showtime may."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.create or self.delete)


@frozen
class SubscriptionFinding:
    """The status of one wanted subscription, and what is wrong with it."""

    type: str
    is_optional: bool
    status: str
    """Twitch's word for it, or `MISSING`."""
    problem: str | None = None
    """Why it could not be repaired, and what to do; None: nothing went wrong."""
    lacks_consent: bool = False
    """Whether the broadcaster must be asked first."""

    @property
    def is_healthy(self) -> bool:
        """Whether its events are delivered."""
        return self.status == ENABLED

    @property
    def is_for_chat(self) -> bool:
        """Whether chat is told by it."""
        return self.type.startswith(CHAT_TYPES_PREFIX)


def wanted_subscriptions(broadcaster_id: str, *, with_chat: bool = False) -> tuple[WantedSubscription, ...]:
    """List what a channel needs; `with_chat`: its chat is read through EventSub as well.

    As follows are told to moderators only, and chat to its readers, the broadcaster is both.
    """
    broadcaster = ("broadcaster_user_id", broadcaster_id)
    as_moderator = ("moderator_user_id", broadcaster_id)
    as_reader = ("user_id", broadcaster_id)
    subs, train = ("channel:read:subscriptions",), ("channel:read:hype_train",)
    chat = ("user:read:chat", "user:bot", "channel:bot")
    wanted = [
        _wanted("stream.online", "1", [broadcaster]),
        _wanted("stream.offline", "1", [broadcaster]),
        _wanted("channel.update", "2", [broadcaster]),
        _wanted("channel.follow", "2", [broadcaster, as_moderator], ["moderator:read:followers"]),
        _wanted("channel.raid", "1", [("to_broadcaster_user_id", broadcaster_id)]),
        _wanted("channel.cheer", "1", [broadcaster], ["bits:read"]),
        _wanted("channel.subscribe", "1", [broadcaster], subs),
        _wanted("channel.subscription.message", "1", [broadcaster], subs),
        _wanted("channel.subscription.gift", "1", [broadcaster], subs),
        _wanted("channel.subscription.end", "1", [broadcaster], subs),
        *(
            _wanted(f"channel.hype_train.{phase}", "2", [broadcaster], train, is_optional=True)
            for phase in ("begin", "progress", "end")
        ),
    ]
    if with_chat:
        wanted += [
            _wanted(f"{CHAT_TYPES_PREFIX}{name}", "1", [broadcaster, as_reader], chat, is_optional=True)
            for name in ("message", "message_delete", "clear", "clear_user_messages")
        ]
    return tuple(wanted)


def _wanted(
    kind: str,
    version: str,
    condition: Iterable[tuple[str, str]],
    scopes: Iterable[str] = (),
    *,
    is_optional: bool = False,
) -> WantedSubscription:
    return WantedSubscription(kind, version, frozenset(condition), frozenset(scopes), is_optional)


OPTIONAL = frozenset(wanted.type for wanted in wanted_subscriptions("", with_chat=True) if wanted.is_optional)
"""The types that the show goes on without."""


def required_scopes(wanted: Iterable[WantedSubscription]) -> tuple[str, ...]:
    """List, in order and each once, the scopes that the broadcaster is asked to consent to."""
    return tuple(sorted(frozenset[str]().union(*(each.scopes for each in wanted))))


def reconcile(
    wanted: Sequence[WantedSubscription], existing: Iterable[EventSubSubscription], our_url: str
) -> SubscriptionPlan:
    """Compare what is wanted with what is there. What calls another URL is not looked at."""
    ours = [each for each in existing if each.callback == our_url]
    keep: list[tuple[WantedSubscription, EventSubSubscription]] = []
    create: list[WantedSubscription] = []
    delete: list[EventSubSubscription] = []
    for each in wanted:
        # The one that delivers is worth more than one that is about to.
        found = sorted((one for one in ours if one.overlaps(each)), key=lambda one: one.status != ENABLED)
        alive = [one for one in found if one.is_alive and one.fulfils(each)]
        if alive:
            keep.append((each, alive[0]))
        else:
            create.append(each)
        delete += [one for one in found if one not in alive[:1]]
    surplus = tuple(one for one in ours if not any(one.overlaps(each) for each in wanted))
    return SubscriptionPlan(tuple(keep), tuple(create), tuple(delete), surplus)
