"""Short sentences for tests: what Twitch says, so many minutes into the opening night."""

from datetime import UTC, datetime, timedelta

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, EntrySource, Malformed, Unknown
from showtime_core.domain.viewers import Viewer

OPENING_NIGHT = datetime(2026, 10, 30, 20, 0, tzinfo=UTC)
"""The Friday before Halloween: the time around which things happen, where no other is given."""

CAST = (
    Viewer("4201", "marge_on_mute", "Marge_on_Mute"),
    Viewer("4202", "betamax_bob", "BetamaxBob"),
    Viewer("4203", "tracking_error", ""),  # Twitch allows an empty display name
    Viewer("4204", "laserdisc_larry", "レーザーラリー"),
    Viewer("4205", "be_kind_rewind", "be_kind_rewind"),
)
"""Who watches."""

MARGE, BOB, TRACKING, LARRY, REWIND = CAST

EVENT_TYPES: dict[type[ev.Event], str] = {
    ev.StreamOnline: "stream.online",
    ev.StreamOffline: "stream.offline",
    ev.Follow: "channel.follow",
    ev.Raid: "channel.raid",
    ev.Cheer: "channel.cheer",
    ev.PowerUp: "channel.bits.use",
    ev.AdBreak: "channel.ad_break.begin",
    ev.SubscriptionStart: "channel.subscribe",
    ev.Resubscription: "channel.subscription.message",
    ev.GiftedSubscriptions: "channel.subscription.gift",
    ev.SubscriptionEnd: "channel.subscription.end",
    ev.ChannelUpdate: "channel.update",
    ev.Redemption: "channel.channel_points_custom_reward_redemption.add",
    ev.ChatMessageSent: "channel.chat.message",
    ev.ChatMessageDeleted: "channel.chat.message_delete",
    ev.ChatUserSilenced: "channel.chat.clear_user_messages",
    ev.ChatCleared: "channel.chat.clear",
    ev.WatchStreak: "chat.watch-streak",
    ev.StreamFound: "stream.found",
    ev.StreamMissed: "stream.missed",
    ev.TapeStarted: "tape.start",
    ev.TapeStopped: "tape.stop",
    ev.EntryRetried: "entry.retry",
    ev.EntryDismissed: "entry.dismiss",
    ev.GhostRequested: "ghost.request",
    ev.GhostPaid: "ghost.paid",
}

_OUR_OWN = ("tape.", "entry.", "ghost.", "chat.", "stream.found", "stream.missed")
TWITCH_TYPES = tuple(sorted({kind for kind in EVENT_TYPES.values() if not kind.startswith(_OUR_OWN)}))

Content = ev.Event | Unknown | Malformed


def at(minutes: float) -> datetime:
    """Tell the time so many minutes into the opening night."""
    return OPENING_NIGHT + timedelta(minutes=minutes)


def entry(entry_id: str, content: Content, sent_at: datetime | None = None) -> Entry:
    """Write an entry as the edge would; its body is a stand-in, as formats are no matter of the core."""
    match content:
        case ev.TapeStarted() | ev.TapeStopped() | ev.EntryRetried() | ev.EntryDismissed():
            source, kind = EntrySource.HOST, EVENT_TYPES[type(content)]
        case ev.GhostRequested():
            source, kind = EntrySource.VIEWER, EVENT_TYPES[type(content)]
        case ev.GhostPaid():
            source, kind = EntrySource.RELAY, EVENT_TYPES[type(content)]
        case ev.WatchStreak():
            source, kind = EntrySource.CHAT, EVENT_TYPES[type(content)]
        case ev.StreamFound() | ev.StreamMissed():
            source, kind = EntrySource.REPAIR, EVENT_TYPES[type(content)]
        case ev.SubscriptionRevoked(kind):
            source = EntrySource.REVOCATION
        case ev.HypeTrainUpdate(_, phase):
            source, kind = EntrySource.NOTIFICATION, f"channel.hype_train.{phase}"
        case Unknown():
            source, kind = EntrySource.OTHER, "channel.moon_phase"
        case Malformed():
            source, kind = EntrySource.NOTIFICATION, "channel.cheer"
        case _:
            source, kind = EntrySource.NOTIFICATION, EVENT_TYPES[type(content)]
    own_time = getattr(content, "sent_at", None)
    return Entry(entry_id, source, kind, sent_at or own_time, content, repr(content).encode(), version="1")


def online(stream: str, minutes: float, *, started: float | None = None) -> Entry:
    """Twitch says that a stream is live, and since when: since now, if nothing else is said."""
    event = ev.StreamOnline(stream, "live", at(minutes if started is None else started), at(minutes))
    return entry(f"online-{stream}-{minutes}", event)


def offline(minutes: float, stream: str | None = None) -> Entry:
    """Twitch says that a stream is over: whichever is on the air, if none is named."""
    return entry(f"offline-{minutes}", ev.StreamOffline(at(minutes), stream))


def follows(entry_id: str, viewer: Viewer = MARGE, minutes: float = 0) -> Entry:
    """A viewer follows: Marge, if nobody else is named."""
    return entry(entry_id, ev.Follow(viewer, at(minutes)), at(minutes))


def cheers(entry_id: str, bits: int = 200, message: str = "ghost of Vincent Price") -> Entry:
    """Marge cheers."""
    return entry(entry_id, ev.Cheer(MARGE, bits, message), at(1))
