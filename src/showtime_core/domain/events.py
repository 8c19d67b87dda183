"""Everything that can happen to the channel, as a closed union of values.

Field names and meanings follow Twitch's EventSub reference; times are Twitch's own, never our arrival.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import frozen

from showtime_core.domain.viewers import Viewer


@frozen
class StreamOnline:
    """The channel's stream is on the air (`stream.online`)."""

    stream_id: str
    """The same id comes again when a stream returns after a short drop-out."""
    kind: str
    """`live`, or another sort of transmission that is no night: `rerun`, `premiere`, …"""
    started_at: datetime
    sent_at: datetime


@frozen
class StreamOffline:
    """The channel's stream went off the air (`stream.offline`)."""

    sent_at: datetime
    stream_id: str | None = None
    """The stream that ended; None: Twitch did not say which, as until June 2026."""


@frozen
class Follow:
    """A viewer follows the channel (`channel.follow`)."""

    viewer: Viewer
    followed_at: datetime


@frozen
class Raid:
    """Another channel sends its audience to ours (`channel.raid`)."""

    raider: Viewer
    viewers: int
    """How many people come along."""


@frozen
class Cheer:
    """A viewer cheers with bits (`channel.cheer`)."""

    viewer: Viewer | None
    """None: anonymous."""
    bits: int
    message: str


@frozen
class PowerUp(Cheer):
    """A viewer spends bits on a Power-up (`channel.bits.use`): bits are bits, so all that holds for a cheer
    holds for it.
    """  # noqa: D205 - one sentence


@frozen
class SubscriptionStart:
    """A viewer's subscription begins, paid or received as a gift (`channel.subscribe`)."""

    viewer: Viewer
    tier: str
    """1000, 2000 or 3000, as Twitch numbers them; another is kept as it came."""
    is_gift: bool
    sent_at: datetime


@frozen
class Resubscription:
    """A subscriber announces another month (`channel.subscription.message`)."""

    viewer: Viewer
    tier: str
    cumulative_months: int
    message: str
    sent_at: datetime | None = None
    """None: when its message was sent."""


@frozen
class GiftedSubscriptions:
    """A viewer gives subscriptions away (`channel.subscription.gift`); each recipient has a subscription."""

    viewer: Viewer | None
    """Who gives; None: anonymous."""
    tier: str
    total: int
    """How many in this gift."""


@frozen
class SubscriptionEnd:
    """A subscription ended (`channel.subscription.end`); Twitch does not always say so."""

    viewer: Viewer


@frozen
class ChannelUpdate:
    """The channel's title or category changed (`channel.update`)."""

    title: str
    category: str


class HypeTrainPhase(StrEnum):
    """Where a hype train stands."""

    BEGIN = "begin"
    PROGRESS = "progress"
    END = "end"


@frozen
class HypeTrainUpdate:
    """A hype train begins, goes on or ends (`channel.hype_train.begin`, `.progress`, `.end`)."""

    id: str
    phase: HypeTrainPhase
    level: int
    progress: int = 0
    """How far it is on its way to the next level."""
    goal: int = 0
    """How long that way is; 0 for one that has ended."""
    started_at: datetime | None = None
    """When this train began, the same in all its messages; None: Twitch did not say."""
    expires_at: datetime | None = None
    """When it ends unless it comes to the next level; None: Twitch did not say, or it has ended."""


@frozen
class AdBreak:
    """Ads begin (`channel.ad_break.begin`)."""

    started_at: datetime
    ends_at: datetime
    is_automatic: bool
    """Whether they were scheduled; else somebody has begun them."""


@frozen
class Redemption:
    """A viewer redeems something that the channel has made: a reward for channel points, or a Power-up.

    `channel.channel_points_custom_reward_redemption.add`, `channel.custom_power_up_redemption.add`. The
    bits of a Power-up are told by `channel.bits.use`.
    """

    id: str
    viewer: Viewer


@frozen
class EmotePosition:
    """Where Twitch has found an emote in a chat message."""

    emote_id: str
    first: int
    """Position of its first character: of a Unicode code point, counted from 0."""
    last: int
    """Position of its last character."""


@frozen
class ChatMessageSent:
    """A viewer writes in chat, or adds words to what is announced there.

    `channel.chat.message`, `channel.chat.notification`; `PRIVMSG`, `USERNOTICE` of IRC.
    """

    message_id: str
    writer: Viewer
    color: str
    """Of the writer's name, such as `#FF7F50`; may be empty."""
    text: str
    """As it was written; of `/me dances`, `dances`."""
    emotes: tuple[EmotePosition, ...] = ()
    source_channel: str = ""
    """Shared chat: the name of the channel in whose room it was written; empty: in ours."""


@frozen
class WatchStreak(ChatMessageSent):
    """A viewer shares in chat how many streams in a row they have watched, and may write something with it.

    `channel.chat.notification`, or `USERNOTICE` of IRC.
    """

    streak: int = 0
    """How many streams."""


@frozen
class ChatMessageDeleted:
    """A moderator deletes one message (`channel.chat.message_delete`, `CLEARMSG`)."""

    message_id: str


@frozen
class ChatUserSilenced:
    """A viewer is banned or timed out (`channel.chat.clear_user_messages`, `CLEARCHAT` with a user)."""

    viewer_id: str


@frozen
class ChatCleared:
    """A moderator clears all of chat (`channel.chat.clear`, `CLEARCHAT` without a user)."""


ChatEvent = ChatMessageSent | ChatMessageDeleted | ChatUserSilenced | ChatCleared
"""What goes to the chat log, apart from the channel's order."""


@frozen
class SubscriptionRevoked:
    """Twitch ended one of our EventSub subscriptions (a message of type `revocation`)."""

    type: str
    """The EventSub type that will no longer come."""
    reason: str
    """Twitch's word for why; new words appear."""
    sent_at: datetime


@frozen
class StreamFound:
    """Twitch's API lists a stream as live that no message has told us of."""

    stream_id: str
    started_at: datetime
    seen_at: datetime


@frozen
class StreamMissed:
    """Twitch's API has not listed the live stream for long, and no message has told us of its end."""

    since: datetime
    """When it was missed first: the nearest to its end that is known."""
    seen_at: datetime
    """When it was missed last."""
    stream_id: str | None = None
    """The stream that was missed; None: no stream of its night is known."""


@frozen
class TapeStarted:
    """The host puts a tape on."""

    screening_id: UUID
    tape_id: int


@frozen
class TapeStopped:
    """The host takes the tape off, if one is on."""


class ShowCommandName(StrEnum):
    """What the host may command about the queue of the show."""

    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    SHOW_AGAIN = "show-again"
    HOLD = "hold"
    RELEASE = "release"
    CLEAR = "clear"
    MUTE = "mute"
    UNMUTE = "unmute"
    SAFE_MODE = "safe-mode"
    END_SAFE_MODE = "end-safe-mode"


@frozen
class ShowCommanded:
    """The host commands the queue of the show."""

    command_id: UUID
    name: ShowCommandName
    alert_id: int | None = None
    """An alert's place in the feed; None: the command is about no alert, or finds it itself."""


@frozen
class AlertTested:
    """The host tries out an alert: the queue of the show gets one that nothing has led to."""

    command_id: UUID
    kind: str
    """One of `alert_tests.ALERT_TESTS`."""


@frozen
class GhostRequested:
    """A viewer asks for a ghost, to be paid with points that the viewer has."""

    viewer: Viewer
    subject: str
    key: str | None = None
    """The viewer's own name for this request: another name is another request."""


@frozen
class GhostPaid:
    """A ghost was painted, stored and paid for: it can be shown."""

    viewer: Viewer
    subject: str
    url: str


@frozen
class EntryRetried:
    """The operator has a parked entry tried again: what follows from it follows now."""

    entry_id: str
    event: "Event"
    """What it says, as it is understood now."""


@frozen
class EntryDismissed:
    """The operator lets a parked entry go: nothing follows from it."""

    entry_id: str


Event = (
    StreamOnline
    | StreamOffline
    | Follow
    | Raid
    | Cheer
    | PowerUp
    | SubscriptionStart
    | Resubscription
    | GiftedSubscriptions
    | SubscriptionEnd
    | ChannelUpdate
    | HypeTrainUpdate
    | AdBreak
    | Redemption
    | ChatEvent
    | WatchStreak
    | SubscriptionRevoked
    | StreamFound
    | StreamMissed
    | TapeStarted
    | TapeStopped
    | ShowCommanded
    | AlertTested
    | GhostRequested
    | GhostPaid
    | EntryRetried
    | EntryDismissed
)
"""Everything that can happen."""


def dedup_key(event: Event) -> str | None:  # noqa: PLR0911 - one table
    """Give the key by which a second report of the same thing is recognised.

    Twitch may report one thing under two message ids. A viewer's request for a certain ghost has one key for
    as long as that ghost is being made: who asks again gets the same ghost. None where equal reports are
    about two things (two honest cheers of 100 bits), or where the state tells them apart.
    """
    match event:
        case Follow(viewer, followed_at):
            return f"follow:{viewer.id}:{followed_at.isoformat()}"
        case HypeTrainUpdate(train_id, phase) if phase is not HypeTrainPhase.PROGRESS:
            return f"hype-train:{train_id}:{phase}"
        case Redemption(redemption_id):
            return f"redemption:{redemption_id}"
        case ChatMessageSent(message_id):
            return f"chat:{message_id}"
        case GhostRequested(viewer, subject):
            return f"ghost:{viewer.id}:{subject}"
        case EntryRetried(_, event):
            return dedup_key(event)
        case _:
            return None
