"""The channel's state: its recent broadcasts and screenings, and what else is known of the channel.

The rows of the tables of broadcasts and screenings are a projection of this state: `broadcast_rows` works
them out afresh. A screening ends when its host stops it, when the next one begins, or when its broadcast
ends. So a broadcast that is resumed has its tape on again, and nobody has to undo anything. When one begins,
ends and goes on is decided in `timeline`.
"""

from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from attrs import evolve, field, frozen

from showtime_core.domain.broadcasts.timeline import Fact, Night, Timeline, add_fact
from showtime_core.domain.events import AdBreak, HypeTrainPhase, HypeTrainUpdate
from showtime_core.errors import Refused

MAX_TAPE_ID = 2**31 - 1
"""The tables keep the numbers of tapes in 32 bits."""


@frozen
class Broadcast:
    """One night on the air, as it is recorded."""

    id: int
    started_at: datetime
    ended_at: datetime | None


@frozen
class Screening:
    """One tape played during a broadcast, as it is recorded."""

    id: UUID
    broadcast_id: int
    tape_id: int
    started_at: datetime
    ended_at: datetime | None


@frozen
class TapePlayback:
    """A tape that the host put on, by the database's clock."""

    screening_id: UUID
    tape_id: int
    at: datetime
    stopped_at: datetime | None = None
    """When the host took it off; None if only another tape or the end of the broadcast ended it."""


@frozen
class Revocation:
    """An EventSub subscription that Twitch ended."""

    type: str
    reason: str
    sent_at: datetime


@frozen
class HypeTrainProgress:
    """How far the latest hype train has come, as Twitch tells it."""

    id: str
    level: int
    progress: int
    goal: int
    is_over: bool = False
    started_at: datetime | None = None
    """When this train began; None: Twitch did not say."""
    expires_at: datetime | None = field(default=None, eq=False)
    """When it ends unless it comes to the next level; None: Twitch did not say.

    Versions before this one have not kept it: a replay of what they recorded does not compare it.
    """

    def is_later_than(self, known: "HypeTrainProgress") -> bool:
        """Tell whether this is news after the `known` progress.

        Reports of one train are in the order of end, level and progress. Of two trains the one that began
        later is the later one; if both began at the same time, or one does not say when, this one is.
        """
        if self.id == known.id:
            return (self.is_over, self.level, self.progress) > (known.is_over, known.level, known.progress)
        return not (self.started_at and known.started_at) or self.started_at >= known.started_at


@frozen
class ChannelState:
    """All that a reaction may depend on: the recent nights, their tapes, and what the console shows."""

    timeline: Timeline = Timeline()
    tapes: tuple[TapePlayback, ...] = ()
    """The tapes of the nights in the timeline, in the order in which they were put on."""
    last_broadcast_id: int = 0
    title: str = ""
    category: str = ""
    hype_train: HypeTrainProgress | None = None
    revocations: tuple[Revocation, ...] = ()
    """Subscriptions that Twitch ended, if no message of their type was sent since."""
    ad_break: AdBreak | None = None
    """The latest; None: Twitch has told of none."""


@frozen
class Snapshot:
    """What viewers are told of the state, on `/state`."""

    is_live: bool
    broadcast_started_at: datetime | None = None
    screening_tape_id: int | None = None
    screening_started_at: datetime | None = None


@frozen
class BroadcastRows:
    """What the tables of broadcasts and screenings say of the nights in the timeline."""

    broadcasts: tuple[Broadcast, ...]
    screenings: tuple[Screening, ...]


def apply_fact(state: ChannelState, fact: Fact) -> ChannelState:
    """Add what Twitch said of the stream; returns the state after it.

    Raises Refused for a fact that was sent before `base_until`: those nights are final.
    """
    timeline = add_fact(state.timeline, fact, state.last_broadcast_id)
    since = timeline.nights[0].started_at if timeline.nights else None
    return evolve(
        state,
        timeline=timeline,
        tapes=tuple(tape for tape in state.tapes if since and tape.at >= since),
        last_broadcast_id=max([state.last_broadcast_id, *(night.id for night in timeline.nights)]),
    )


def put_tape_on(state: ChannelState, screening_id: UUID, tape_id: int, now: datetime) -> ChannelState:
    """Start the screening of a tape, in place of the one that is on.

    Raises Refused if no broadcast is live, or for a number that no tape can have.
    """
    if not 1 <= tape_id <= MAX_TAPE_ID:
        raise Refused("tape ID must be an integer")
    live = _require_live(state)
    at = max([now, live.started_at, *(tape.stopped_at or tape.at for tape in state.tapes)])
    return evolve(state, tapes=(*state.tapes, TapePlayback(screening_id, tape_id, at)))


def take_tape_off(state: ChannelState, now: datetime) -> ChannelState:
    """End the open screening; nothing changes where none is open.

    Raises Refused if no broadcast is live.
    """
    _require_live(state)
    if not snapshot_of(state).screening_tape_id:
        return state
    *before, last = state.tapes
    return evolve(state, tapes=(*before, evolve(last, stopped_at=max(now, last.at))))


def _require_live(state: ChannelState) -> Night:
    if not state.timeline.live:
        raise Refused("no broadcast is currently live")
    return state.timeline.live


def update_hype_train(state: ChannelState, event: HypeTrainUpdate) -> ChannelState:
    """Record a report of a hype train; a report that is no news changes nothing."""
    is_over = event.phase is HypeTrainPhase.END
    told = HypeTrainProgress(
        event.id, event.level, event.progress, event.goal, is_over, event.started_at, event.expires_at
    )
    is_news = state.hype_train is None or told.is_later_than(state.hype_train)
    return evolve(state, hype_train=told) if is_news else state


def begin_ad_break(state: ChannelState, told: AdBreak) -> ChannelState:
    """Record an ad break; one that began before the latest changes nothing."""
    is_news = state.ad_break is None or told.started_at >= state.ad_break.started_at
    return evolve(state, ad_break=told) if is_news else state


def clear_revocation(state: ChannelState, subscription_type: str, sent_at: datetime) -> ChannelState:
    """Drop the revocation of a type once a message of that type was sent after it (`sent_at`)."""
    was = state.revocations
    left = tuple(ended for ended in was if ended.type != subscription_type or ended.sent_at > sent_at)
    return state if left == was else evolve(state, revocations=left)


def broadcast_rows(state: ChannelState) -> BroadcastRows:
    """Work out the rows: screenings lie within their broadcasts, and ends come after what they contain."""
    nights = state.timeline.nights
    broadcasts, screenings = [], []
    for night, following in zip_longest(nights, nights[1:]):
        until = following.started_at if following else None
        tapes = [
            tape for tape in state.tapes if night.started_at <= tape.at and (until is None or tape.at < until)
        ]
        ended_at = _end(night, tapes, until)
        broadcasts.append(Broadcast(night.id, night.started_at, ended_at))
        screenings += _screenings(night.id, tapes, ended_at)
    return BroadcastRows(tuple(broadcasts), tuple(screenings))


def _end(night: Night, tapes: list[TapePlayback], next_starts_at: datetime | None) -> datetime | None:
    """An end never precedes what it contains, and never overlaps the next broadcast."""
    if night.ended_at is None:
        return None
    latest = max([night.ended_at, *(tape.stopped_at or tape.at for tape in tapes)])
    return min(latest, next_starts_at) if next_starts_at else latest


def _screenings(broadcast_id: int, tapes: list[TapePlayback], ended_at: datetime | None) -> list[Screening]:
    return [
        Screening(
            tape.screening_id,
            broadcast_id,
            tape.tape_id,
            tape.at,
            min((end for end in (tape.stopped_at, later and later.at, ended_at) if end), default=None),
        )
        for tape, later in zip_longest(tapes, tapes[1:])
    ]


def open_screening(state: ChannelState) -> Screening | None:
    """Find the screening that is on; None if no broadcast is live, or no tape is on."""
    live, last = state.timeline.live, state.tapes[-1] if state.tapes else None
    if not live or not last or last.stopped_at or last.at < live.started_at:
        return None
    return Screening(last.screening_id, live.id, last.tape_id, last.at, None)


def snapshot_of(state: ChannelState) -> Snapshot:
    """Summarise the state for `/state`: whether a broadcast is live since when, and which tape is on."""
    live = state.timeline.live
    if not live:
        return Snapshot(is_live=False)
    on = open_screening(state)
    if not on:
        return Snapshot(True, live.started_at)
    return Snapshot(True, live.started_at, on.tape_id, on.started_at)
