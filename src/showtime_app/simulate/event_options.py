"""What may be chosen of a simulated event; what is left open is drawn by chance."""

import uuid
from random import Random

from attrs import field, frozen

from showtime_app.simulate.cast import CHANNEL, viewer
from showtime_core.domain.viewers import Viewer

Json = dict[str, object]
"""An object as it goes into the body of a message."""


@frozen
class EventOptions:
    """What is chosen of a simulated event; None leaves it to chance. A type takes those that it knows."""

    from_user: Viewer | None = None
    """Who does it: the viewer, the raider, the chatter, the recipient of a gift."""
    to_user: Viewer = field(factory=lambda: viewer(CHANNEL))
    """The channel that it happens to."""
    anonymous: bool = False
    bits: int | None = None
    message: str | None = None
    tier: str = "1000"
    """Twitch knows 1000, 2000 and 3000; another is sent as it is."""
    gift: bool = False
    """Whether the subscription is the gift of somebody else."""
    months: int | None = None
    streak: int | None = None
    total: int | None = None
    """Subscriptions in a gift, or contributions to a hype train."""
    cumulative_total: int | None = None
    recipients: int | None = None
    """How many of a gift's subscriptions are announced one by one; all, if left open."""
    viewers: int | None = None
    bits_type: str = "power_up"
    """What bits are spent on."""
    source: Viewer | None = None
    """Shared chat: the channel in whose room it is written; None: it is not shared."""
    notice: str = "announcement"
    """What is announced in chat."""
    seconds: int | None = None
    started_at: str | None = None
    """When a hype train began; None: with the first that is told of it here."""
    title: str | None = None
    language: str = "en"
    category_id: str | None = None
    category_name: str = "Retro"
    labels: tuple[str, ...] = ()
    """Content classification labels."""
    stream_id: str | None = None
    stream_type: str = "live"
    ended_stream_id: str | None = None
    """The stream that ended; None: it is not said which."""
    reward_id: str | None = None
    reward_title: str | None = None
    reward_prompt: str | None = None
    cost: int | None = None
    redemption_id: str | None = None
    event_status: str = "unfulfilled"
    train_id: str | None = None
    level: int | None = None
    message_id: str | None = None
    """The id of a chat message, not of the EventSub message around it."""
    message_type: str = "text"
    color: str | None = None


@frozen
class Scene:
    """What a builder draws from."""

    rng: Random
    """Decides everything that repeats with a seed."""
    ids: Random
    """Decides ids: they repeat with seed *and* time, or a second run would be all duplicates."""
    timestamp: str
    """When it happens, RFC 3339."""
    began: dict[str, str] = field(factory=dict)
    """When each hype train began that was told of so far, by its id."""

    def number(self, digits: int = 10) -> str:
        """Draw an id in the form of a number."""
        return str(self.ids.randrange(10 ** (digits - 1), 10**digits))

    def uuid(self) -> str:
        """Draw an id in the form of a UUID."""
        return str(uuid.UUID(int=self.ids.getrandbits(128), version=4))
