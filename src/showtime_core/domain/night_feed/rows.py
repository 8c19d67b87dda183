"""The feed of the night: what happened, as the host reads it, and what became of each of it.

Its rows are entries of the journal. The recipients of a gift are parts of the gift's row.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.journal import Entry, Outcome
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import Effect

BEFORE_THE_STREAM = timedelta(hours=12)
"""What happens within this time before a stream begins belongs to its night."""
AFTER_THE_STREAM = timedelta(hours=6)
"""How long after its end a night is still the one that is shown."""


class NightKind(StrEnum):
    """What a row is about."""

    FOLLOW = "follow"
    BITS = "bits"
    SUBSCRIPTION = "sub"
    GIFT = "gift"
    RAID = "raid"
    TRAIN = "train"
    STREAK = "streak"
    GHOST = "ghost"
    TAPE = "tape"
    STREAM = "stream"
    """On and off the air, its title, ads."""
    HOST = "host"
    """What the host commanded, tapes excepted."""
    TROUBLE = "trouble"
    """What is parked, and what Twitch has revoked."""


@frozen
class NightAlert:
    """An alert that followed, and what became of it on the screen."""

    id: int
    """Its place in the feed: commands name it."""
    state: str
    """As `ShowingState`; `streamed`: it was never in the queue."""
    reason: str | None = None
    at: datetime | None = None
    """When an overlay took it; None: none has."""


@frozen
class NightEffect:
    """Something that is done outside, and how far it is."""

    effect: Effect
    status: EffectStatus
    remark: str | None = None


@frozen
class NightEntry:
    """An entry of the journal with what became of it."""

    position: int
    """Its place in the journal, which names its row."""
    entry: Entry
    at: datetime
    """When it was reacted to, by the database's clock."""
    outcome: Outcome
    remark: str | None = None
    handled_at: datetime | None = None
    """When the host marked it as handled; None: it is not."""
    alerts: tuple[NightAlert, ...] = ()
    effects: tuple[NightEffect, ...] = ()

    @property
    def happened_at(self) -> datetime:
        """When it happened: by Twitch's clock, or by ours where Twitch has not told it."""
        return self.entry.sent_at or self.at


@frozen
class Description:
    """What an entry says, in short."""

    kind: NightKind
    who: str | None
    """The viewer as people see the name; None: nobody in particular."""
    what: str
    """A few words for people."""
    words: str | None = None
    """What was typed, or named."""
    is_test: bool = False


@frozen
class NightRow:
    """A row of the feed."""

    entry: NightEntry
    said: Description
    parts: tuple[NightEntry, ...] = ()
    """The recipients of a gift, as far as Twitch has told of them."""


@frozen
class NightQuery:
    """Which entries of the journal are asked for: the newest of them, so many at most."""

    since: datetime | None
    """None: from the beginning."""
    types: Collection[str]
    has_trouble: bool
    """Whether what is parked and what was revoked is asked for, of whatever type."""
    limit: int
    before: int | None = None
    after: int | None = None


def night_since(now: datetime, latest: Sequence[Broadcast]) -> datetime | None:
    """Tell since when it is this night, from the latest broadcasts, the newest first; None: since ever.

    A night begins with the end of the one before, but no more than twelve hours before its stream; six hours
    after its end another has begun.
    """
    if not latest:
        return None
    newest, before = latest[0], next(iter(latest[1:]), None)
    if newest.ended_at and now - newest.ended_at >= AFTER_THE_STREAM:
        return newest.ended_at
    earliest = newest.started_at - BEFORE_THE_STREAM
    return max(earliest, before.ended_at) if before and before.ended_at else earliest
