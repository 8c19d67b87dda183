"""What an entry of the journal says, in a few words for the host."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from showtime_core.domain import events
from showtime_core.domain.alert_tests import ALERT_TESTS
from showtime_core.domain.events import HypeTrainPhase
from showtime_core.domain.journal import Malformed, Outcome, Unknown
from showtime_core.domain.night_feed.rows import Description, NightEntry, NightKind
from showtime_core.domain.viewers import ANONYMOUS_NAME, Viewer

_RECEIVED = "channel.subscribe"
_GIVEN = "channel.subscription.gift"
GIFT_TYPES = (_RECEIVED, _GIVEN)
"""The types of entries that fold into one row."""
_TEST = "show.test"
_TYPES: Mapping[NightKind, Collection[str]] = {
    NightKind.FOLLOW: ("channel.follow",),
    NightKind.BITS: ("channel.cheer", "channel.bits.use"),
    NightKind.SUBSCRIPTION: (_RECEIVED, "channel.subscription.message"),
    NightKind.GIFT: (_GIVEN,),
    NightKind.RAID: ("channel.raid",),
    NightKind.TRAIN: ("channel.hype_train.begin", "channel.hype_train.end"),
    NightKind.STREAK: ("chat.watch-streak",),
    NightKind.GHOST: ("ghost.request", "ghost.paid"),
    NightKind.TAPE: ("tape.start", "tape.stop"),
    NightKind.STREAM: (
        *("stream.online", "stream.offline", "stream.found", "stream.missed"),
        *("channel.update", "channel.ad_break.begin"),
    ),
    NightKind.HOST: ("entry.retry", "entry.dismiss", *(f"show.{name}" for name in events.ShowCommandName)),
    NightKind.TROUBLE: (),
}
_TESTED = {
    "follow": NightKind.FOLLOW,
    "cheer": NightKind.BITS,
    "power-up": NightKind.BITS,
    "subscribe": NightKind.SUBSCRIPTION,
    "gift-sub": NightKind.GIFT,
    "raid": NightKind.RAID,
    "hype-train": NightKind.TRAIN,
    "watch-streak": NightKind.STREAK,
    "generated-images": NightKind.GHOST,
}
assert _TESTED.keys() == ALERT_TESTS.keys(), "every kind that can be tried out has a place in the feed"
_COMMANDED = {
    events.ShowCommandName.PAUSE: "paused",
    events.ShowCommandName.RESUME: "play",
    events.ShowCommandName.SKIP: "skipped an alert",
    events.ShowCommandName.SHOW_AGAIN: "showed an alert again",
    events.ShowCommandName.HOLD: "held an alert",
    events.ShowCommandName.RELEASE: "released an alert",
    events.ShowCommandName.CLEAR: "cleared what waited",
    events.ShowCommandName.MUTE: "muted",
    events.ShowCommandName.UNMUTE: "sound on",
    events.ShowCommandName.SAFE_MODE: "safe mode on",
    events.ShowCommandName.END_SAFE_MODE: "safe mode off",
}


def types_of(kinds: Collection[NightKind]) -> frozenset[str]:
    """Name the types of the entries that may be rows of these kinds."""
    return frozenset({_TEST, *(name for kind in kinds for name in _TYPES[kind])})


def describe(entry: NightEntry) -> Description | None:
    """Say what an entry is about; None: it has no row."""
    content, type_ = entry.entry.content, entry.entry.type
    if entry.outcome is Outcome.PARKED:
        return Description(NightKind.TROUBLE, None, f"{type_} is parked", entry.remark)
    if type_ == "entry.retry":
        return Description(NightKind.HOST, None, "tried a parked message again")
    if isinstance(content, Malformed | Unknown):
        return None
    say = _SAID.get(type(content))
    return say(content) if say else None


def _bits(did: events.Cheer, more: str = "") -> Description:
    return Description(NightKind.BITS, _name(did.viewer), f"{count(did.bits, 'bit')}{more}", did.message)


def _subscribed(did: events.SubscriptionStart) -> Description:
    what = "received a gift sub" if did.is_gift else f"new member{_tier(did.tier)}"
    return Description(NightKind.SUBSCRIPTION, did.viewer.name, what)


def _subscribed_again(did: events.Resubscription) -> Description:
    what = f"{count(did.cumulative_months, 'month')}{_tier(did.tier)}"
    return Description(NightKind.SUBSCRIPTION, did.viewer.name, what, did.message)


def _gave(did: events.GiftedSubscriptions) -> Description:
    return Description(NightKind.GIFT, _name(did.viewer), f"{count(did.total, 'gift sub')}{_tier(did.tier)}")


def _raided(did: events.Raid) -> Description:
    people = "1 person" if did.viewers == 1 else f"{did.viewers:,} people"
    return Description(NightKind.RAID, did.raider.name, f"raid, {people}")


def _rode(train: events.HypeTrainUpdate) -> Description | None:
    if train.phase is HypeTrainPhase.PROGRESS:
        return None
    what = "begins" if train.phase is HypeTrainPhase.BEGIN else "ends"
    return Description(NightKind.TRAIN, None, f"hype train {what} at level {train.level}")


def _advertised(ads: events.AdBreak) -> Description:
    seconds = (ads.ends_at - ads.started_at).total_seconds()
    return Description(NightKind.STREAM, None, f"ads, {seconds:g} s")


def _of_stream(what: str) -> Callable[[Any], Description]:
    return lambda _: Description(NightKind.STREAM, None, what)


_LOST = "Twitch's message was lost"
_SAID: Mapping[type[Any], Callable[[Any], Description | None]] = {
    events.Follow: lambda did: Description(NightKind.FOLLOW, did.viewer.name, "follow"),
    events.Cheer: _bits,
    events.PowerUp: lambda did: _bits(did, ", a Power-up"),
    events.SubscriptionStart: _subscribed,
    events.Resubscription: _subscribed_again,
    events.GiftedSubscriptions: _gave,
    events.Raid: _raided,
    events.HypeTrainUpdate: _rode,
    events.WatchStreak: lambda did: Description(
        NightKind.STREAK, did.writer.name, f"{count(did.streak, 'night')} in a row", did.text
    ),
    events.GhostRequested: lambda did: Description(
        NightKind.GHOST, did.viewer.name, "asks for a ghost", did.subject
    ),
    events.GhostPaid: lambda did: Description(NightKind.GHOST, did.viewer.name, "ghost", did.subject),
    events.TapeStarted: lambda did: Description(NightKind.TAPE, None, f"tape {did.tape_id} in"),
    events.TapeStopped: lambda _: Description(NightKind.TAPE, None, "tape out"),
    events.StreamOnline: _of_stream("on the air"),
    events.StreamOffline: _of_stream("off the air"),
    events.StreamFound: _of_stream(f"found on the air: {_LOST}"),
    events.StreamMissed: _of_stream(f"found off the air: {_LOST}"),
    events.ChannelUpdate: lambda did: Description(
        NightKind.STREAM, None, f"new title, {did.category}", did.title
    ),
    events.AdBreak: _advertised,
    events.ShowCommanded: lambda did: Description(NightKind.HOST, None, _COMMANDED[did.name]),
    events.AlertTested: lambda did: Description(_TESTED[did.kind], None, did.kind, is_test=True),
    events.EntryDismissed: lambda _: Description(NightKind.HOST, None, "let a parked message go"),
    events.SubscriptionRevoked: lambda did: Description(
        NightKind.TROUBLE, None, f"Twitch has revoked {did.type}", did.reason
    ),
}
"""What an event says; one that is not here has no row."""


def count(number: int, what: str) -> str:
    """Count things in words: `1 bit`, `2,000 bits`."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _name(viewer: Viewer | None) -> str:
    return viewer.name if viewer else ANONYMOUS_NAME


def _tier(tier: str) -> str:
    """Say which tier it is, unless it is the usual one."""
    return "" if tier == "1000" else f", tier {tier.removesuffix('000')}"
