"""The queue of what is on the screen, as one value: each change is a pure function that returns another.

An alert that was not taken, held or dropped has no showing yet: it lies in the feed, beyond the cursor. All
other alerts have showings. A showing that is put back is followed by another, whose id follows from its own.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from attrs import evolve, field, frozen

from showtime_core.domain.show.kind_rules import KindRule, default_rule

LEASE = timedelta(seconds=5)
"""How long an overlay keeps an alert without a report that it still paints."""
MAX_ATTEMPTS = 3
"""How often an alert is begun at most: one that is always interrupted must not hold up a night."""
JOIN_AFTER = timedelta(seconds=10)
"""How long after its first alert a joined kind is taken, with all that wait by then."""
STREAMED_FOR = timedelta(seconds=15)
"""How long an instance counts as one at which alerts are read without the queue; it says so more often."""

_NAMESPACE = UUID("d2f5a7c8-6c2d-4f6e-8a53-1b7ce1d6a0f4")


class ShowingState(StrEnum):
    """What becomes of an alert on the screen."""

    WAITING = "waiting"
    PLAYING = "playing"
    """An overlay has it, by a lease."""
    SHOWN = "shown"
    """An overlay has acknowledged that it was painted and played."""
    SKIPPED = "skipped"
    HELD = "held"
    """It waits for the host to release it."""
    MISSED = "missed"
    """Nobody was there to paint it."""
    INTERRUPTED = "interrupted"
    """Its lease ended unacknowledged, and the alert was put back."""


@frozen
class QueuedAlert:
    """An alert of the feed."""

    id: int
    """Its place in the feed."""
    kind: str
    """Its `type`, as clients know it."""
    at: datetime
    """When it was told, by the database's clock."""
    bits: int | None = None
    """None: it is no alert of bits."""
    payload: str = field(default="{}", repr=False)
    """JSON, as clients receive it."""
    is_test: bool = False
    """Whether the host tries it out; it never becomes one with those that are none."""


@frozen
class Showing:
    """An alert on its way over the screen, once it was taken, held or dropped."""

    id: UUID
    alert: QueuedAlert
    state: ShowingState
    waiting_since: datetime
    joined: tuple[int, ...] = ()
    """The places in the feed of those that became one with it."""
    attempt: int = 1
    is_again: bool = False
    """Whether the host has it shown again."""
    seconds: float = 0.0
    """How long it plays; fixed when it is taken."""
    overlay: str | None = None
    """Who has or had it."""
    began_at: datetime | None = None
    leased_until: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    """Why it is not played, or was not to its end."""

    @property
    def covers(self) -> tuple[int, ...]:
        """The places in the feed of all that it stands for."""
        return (self.alert.id, *self.joined)

    @property
    def is_open(self) -> bool:
        """Whether something may yet become of it."""
        return self.state in {ShowingState.WAITING, ShowingState.PLAYING, ShowingState.HELD}


@frozen
class Pause:
    """A time in which the host let nothing be taken."""

    since: datetime
    until: datetime


@frozen
class Modes:
    """What the host has set."""

    paused_since: datetime | None = None
    """None: it is not paused."""
    pauses: tuple[Pause, ...] = ()
    """Those that are over, and that ended after an overlay has last painted."""
    is_muted: bool = False
    is_safe: bool = False
    ads_until: datetime | None = None
    """Until when the channel's ads run, as far as is known."""


@frozen
class OverlayReport:
    """What an overlay last said of itself."""

    frames: int
    """How many it has painted since its page was loaded."""
    seen_at: datetime
    painted_at: datetime | None = None
    """When it last proved that it paints."""


@frozen
class Show:
    """The queue of the channel at one moment, as far as it can still change, or was asked for."""

    now: datetime
    """By the database's clock."""
    cursor: int | None = None
    """The place in the feed up to which every alert has a showing; None: there is no queue."""
    modes: Modes = Modes()
    rules: Mapping[str, KindRule] = {}
    """Those that the broadcaster has set."""
    leader: str | None = None
    """The overlay that plays."""
    leader_at: datetime | None = None
    """When it last proved that it paints."""
    painted_at: datetime | None = None
    """When any overlay last did; None: never."""
    streamed_at: datetime | None = None
    """When an instance last had somebody who reads the alerts without the queue; None: none ever had."""
    streamed_by: UUID | None = None
    """That instance."""
    overlays: Mapping[str, OverlayReport] = {}
    arrivals: tuple[QueuedAlert, ...] = ()
    """The alerts beyond the cursor that have no showing, in order; perhaps not all of them."""
    is_truncated: bool = False
    """Whether there are more."""
    read_until: int = 0
    """How far the feed was read for them."""
    showings: Mapping[UUID, Showing] = {}
    """Those that are open, and those that were asked for."""
    latest: Showing | None = None
    """The one that ended last of those that began."""

    def rule(self, kind: str) -> KindRule:
        """Give the rule of a kind."""
        return self.rules.get(kind) or default_rule(kind)

    def is_streamed_beside(self, instance: UUID) -> bool:
        """Tell whether alerts are read without the queue at another instance than this."""
        if not self.streamed_at or self.streamed_by == instance:
            return False
        return self.now - self.streamed_at < STREAMED_FOR

    @property
    def playing(self) -> Showing | None:
        """The showing that an overlay has; there is one at most."""
        return next(self.in_state(ShowingState.PLAYING), None)

    def in_state(self, state: ShowingState) -> Iterator[Showing]:
        """Give the showings in a state."""
        return (each for each in self.showings.values() if each.state is state)

    def with_showings(self, *showings: Showing) -> "Show":
        """Put showings in, in place of those of the same id; what they stand for waits no longer."""
        if not showings:
            return self
        covered = {number for each in showings for number in each.covers}
        return evolve(
            self,
            showings={**self.showings, **{each.id: each for each in showings}},
            arrivals=tuple(each for each in self.arrivals if each.id not in covered),
        )

    def without(self, showing_id: UUID) -> "Show":
        """Take a showing out."""
        return evolve(self, showings={key: each for key, each in self.showings.items() if key != showing_id})

    def advanced(self) -> "Show":
        """Move the cursor as far as every alert has a showing."""
        reached = self.arrivals[0].id - 1 if self.arrivals else self.read_until
        if self.cursor is None or reached <= self.cursor:
            return self
        return evolve(self, cursor=reached)


@frozen
class ShowView:
    """The queue, with the showings that ended last."""

    show: Show
    recent: tuple[Showing, ...] = ()
    """The newest first."""


def first_showing(
    alert: QueuedAlert, state: ShowingState, reason: str | None = None, joined: tuple[int, ...] = ()
) -> Showing:
    """Make the first showing of an alert of the feed; its id follows from the alert, so that it has one."""
    return Showing(uuid5(_NAMESPACE, str(alert.id)), alert, state, alert.at, joined, reason=reason)


def next_showing_id(showing_id: UUID) -> UUID:
    """Give the id of the showing that follows one that was interrupted."""
    return uuid5(_NAMESPACE, str(showing_id))


def end_leases(show: Show) -> Show:
    """Put back an alert whose overlay has not reported in time that it paints, or give it up as missed."""
    playing = show.playing
    if not playing or not playing.leased_until or show.now < playing.leased_until:
        return show
    ended = evolve(
        playing, state=ShowingState.INTERRUPTED, ended_at=playing.leased_until, reason="the lease ended"
    )
    if playing.attempt >= MAX_ATTEMPTS:
        ended = evolve(ended, state=ShowingState.MISSED, reason="interrupted three times")
        return evolve(show.with_showings(ended), latest=ended)
    again = Showing(
        next_showing_id(playing.id),
        playing.alert,
        ShowingState.WAITING,
        playing.leased_until,
        playing.joined,
        playing.attempt + 1,
        playing.is_again,
    )
    return evolve(show.with_showings(ended, again), latest=ended)
