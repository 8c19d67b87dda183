"""The EventSub subscriptions that the show lives on: which must be there, and what to do about each.

Others share our client id and our channel: only what calls our own URL is ours to keep or to delete.
"""

from collections.abc import Iterable, Sequence

from attrs import field, frozen

ENABLED = "enabled"
"""The status by which Twitch says that it delivers."""
PENDING = "webhook_callback_verification_pending"
"""Twitch is about to call our URL with a challenge, or waits for the answer."""
CHAT_TYPES = tuple(
    f"channel.chat.{name}" for name in ("message", "message_delete", "clear", "clear_user_messages")
)
"""The types without which chat is not read as it should be."""
AUTOMOD_SCOPE = "moderation:read"
"""What the broadcaster consents to, so that AutoMod can be asked."""
MISSING = "missing"
"""Our own word for a subscription that is not there at all."""


# What the show needs, what it can do without, and what chat needs: each with version, scopes and types.
_NEEDED = (
    ("1", "", ("stream.online", "stream.offline")),
    ("2", "", ("channel.update",)),
    ("2", "moderator:read:followers", ("channel.follow",)),
    ("1", "", ("channel.raid",)),
    ("1", "bits:read", ("channel.cheer",)),
    (
        *("1", "channel:read:subscriptions"),
        ("channel.subscribe", *(f"channel.subscription.{name}" for name in ("message", "gift", "end"))),
    ),
)
_ADDED = (
    (
        *("2", "channel:read:hype_train"),
        tuple(f"channel.hype_train.{phase}" for phase in ("begin", "progress", "end")),
    ),
    ("1", "bits:read", ("channel.bits.use", "channel.custom_power_up_redemption.add")),
    ("1", "channel:read:ads", ("channel.ad_break.begin",)),
)
_CHAT = (("1", "user:read:chat user:bot channel:bot", (*CHAT_TYPES, "channel.chat.notification")),)


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
        """Tell whether type, version and condition are as wanted; the status does not matter."""
        return self.overlaps(wanted) and self.version == wanted.version

    def overlaps(self, wanted: WantedSubscription) -> bool:
        """Tell whether it delivers the same events, in whatever version: with both, each would come twice."""
        return (self.type, self.condition) == (wanted.type, wanted.condition)


@frozen
class DeviceCode:
    """What the broadcaster types in to consent, and where."""

    code: str = field(repr=False)
    """With this code we ask Twitch whether the user's code was typed in."""
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
    """They deliver wanted events, but are broken, of another version, or there twice."""
    surplus: tuple[EventSubSubscription, ...] = ()
    """They call our URL, and nothing here wants them: another showtime may."""


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
        """Whether chat is not read as it should be without it."""
        return self.type in CHAT_TYPES


def wanted_subscriptions(broadcaster_id: str, *, with_chat: bool = False) -> tuple[WantedSubscription, ...]:
    """List what a channel needs; `with_chat`: its chat is read through EventSub as well.

    Twitch tells of follows to moderators only, and of chat to its readers only: the broadcaster stands for
    both.
    """
    of_channel = {"broadcaster_user_id": broadcaster_id}
    conditions = {
        "channel.raid": {"to_broadcaster_user_id": broadcaster_id},
        "channel.follow": of_channel | {"moderator_user_id": broadcaster_id},
    }
    of_chat = of_channel | {"user_id": broadcaster_id}
    return tuple(
        WantedSubscription(
            kind,
            version,
            frozenset((of_chat if group is _CHAT else conditions.get(kind, of_channel)).items()),
            frozenset(scopes.split()),
            is_optional=group is not _NEEDED,
        )
        for group in (_NEEDED, _ADDED, _CHAT)[: 2 + with_chat]
        for version, scopes, kinds in group
        for kind in kinds
    )


OPTIONAL = frozenset(wanted.type for wanted in wanted_subscriptions("", with_chat=True) if wanted.is_optional)
"""The types that the show goes on without."""


def required_scopes(wanted: Iterable[WantedSubscription]) -> tuple[str, ...]:
    """List, in order and each once, the scopes that the broadcaster is asked to consent to."""
    return tuple(sorted(frozenset[str]().union(*(each.scopes for each in wanted))))


def optional_scopes(wanted: Sequence[WantedSubscription]) -> frozenset[str]:
    """Tell which of these a consent may lack: those that only types need which the show goes on without."""
    needed = required_scopes(each for each in wanted if not each.is_optional or each.type in CHAT_TYPES)
    return frozenset(required_scopes(wanted)) - frozenset(needed)


def reconcile(
    wanted: Sequence[WantedSubscription], existing: Iterable[EventSubSubscription], our_url: str
) -> SubscriptionPlan:
    """Compare the wanted subscriptions with those that exist; those that call another URL are ignored."""
    ours = [each for each in existing if each.callback == our_url]
    keep, create, delete = [], [], list[EventSubSubscription]()
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
