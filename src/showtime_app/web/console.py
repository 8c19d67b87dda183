"""What the host is told of the show: `GET /admin/state`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypedDict

from litestar import get
from litestar.handlers import HTTPRouteHandler

from showtime_app.web.access import Guard
from showtime_core.broadcast import ChannelState, Revocation, Train, recorded


class LiveBroadcast(TypedDict):
    """The night that is on the air."""

    id: int
    startedAt: datetime


class TapeOnScreen(TypedDict):
    """The tape that is on."""

    id: int
    startedAt: datetime


class HypeTrain(TypedDict):
    """The hype train that is under way: how far it is on its way to the next level."""

    id: str
    level: int
    progress: int
    goal: int


class EndedSubscription(TypedDict):
    """A subscription that Twitch has ended."""

    type: str
    reason: str
    sentAt: datetime


class ConsoleState(TypedDict):
    """How the show stands."""

    broadcast: LiveBroadcast | None
    tape: TapeOnScreen | None
    title: str
    category: str
    hypeTrain: HypeTrain | None
    revocations: list[EndedSubscription]
    off: Sequence[str]


def route(
    read_state: Callable[[], Awaitable[ChannelState]], off: Sequence[str], broadcaster_only: Guard
) -> HTTPRouteHandler:
    """Make the route; `off` is what this channel does without."""

    @get("/admin/state", guards=[broadcaster_only], tags=["host"])
    async def get_state() -> ConsoleState:
        """Tell the host how the show stands."""
        return _describe(await read_state(), off)

    return get_state


def _describe(state: ChannelState, off: Sequence[str]) -> ConsoleState:
    live, train = state.timeline.live, state.hype_train
    tape = next((tape for tape in recorded(state).screenings if tape.ended_at is None), None)
    return {
        "broadcast": {"id": live.id, "startedAt": live.started_at} if live else None,
        "tape": {"id": tape.tape_id, "startedAt": tape.started_at} if tape else None,
        "title": state.title,
        "category": state.category,
        "hypeTrain": _describe_train(train) if train and not train.is_over else None,
        "revocations": [_describe_end(ended) for ended in state.revocations],
        "off": off,
    }


def _describe_train(train: Train) -> HypeTrain:
    return {"id": train.id, "level": train.level, "progress": train.progress, "goal": train.goal}


def _describe_end(ended: Revocation) -> EndedSubscription:
    return {"type": ended.type, "reason": ended.reason, "sentAt": ended.sent_at}
