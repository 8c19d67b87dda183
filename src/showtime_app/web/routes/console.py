"""What the host is told of the show: `GET /admin/state`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, field

from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.times import DATE_TIME, Time, convert_to
from showtime_core.domain.broadcasts.broadcast import ChannelState, broadcast_rows
from showtime_core.domain.events import AdBreak
from showtime_core.domain.health import Health, open_revocations


class LiveBroadcast(Struct, rename="camel"):
    """The night that is on the air."""

    id: Annotated[int, says("The number of the broadcast.")]
    started_at: Annotated[Time, says("When it began, by Twitch's clock.", **DATE_TIME)]


class TapeOnScreen(Struct, rename="camel"):
    """The tape that is on."""

    tape_id: Annotated[int, says("The number of the tape.")] = field(name="id")
    started_at: Annotated[Time, says("When it was put on.", **DATE_TIME)]


class HypeTrain(Struct):
    """The hype train that is under way: how far it is on its way to the next level."""

    id: Annotated[str, says("Names the train, at Twitch.")]
    level: Annotated[int, says("The level that it has reached.")]
    progress: Annotated[int, says("Points that were given towards the next level.")]
    goal: Annotated[int, says("Points that the next level takes.")]


class LatestAdBreak(Struct, rename="camel"):
    """The latest ad break: an alert that plays during it is seen by few."""

    started_at: Annotated[Time, says("When it began, by Twitch's clock.", **DATE_TIME)]
    ends_at: Annotated[Time, says("When it is over.", **DATE_TIME)]
    duration_seconds: Annotated[int, says("How long it takes.")]
    is_automatic: Annotated[bool, says("Whether it was scheduled; else somebody has begun it.")]
    is_under_way: Annotated[bool, says("Whether it was not over when this was asked for.")]


class EndedSubscription(Struct, rename="camel"):
    """A subscription that Twitch has ended."""

    type: Annotated[str, says("The type of EventSub that will no longer come.")]
    reason: Annotated[str, says("Twitch's word for why.")]
    sent_at: Annotated[Time, says("When Twitch said so.", **DATE_TIME)]


class ConsoleState(Struct, rename="camel"):
    """How the show stands."""

    broadcast: Annotated[LiveBroadcast | None, says("The night that is on the air; null: none.")]
    tape: Annotated[TapeOnScreen | None, says("The tape that is on; null: none.")]
    title: Annotated[str, says("What the channel says it shows.")]
    category: Annotated[str, says("The category at Twitch.")]
    hype_train: Annotated[HypeTrain | None, says("The hype train that is under way; null: none.")]
    revocations: Annotated[
        list[EndedSubscription],
        says(
            "Subscriptions that Twitch has ended; until they are repaired, or something of their type comes."
        ),
    ]
    off: Annotated[Sequence[str], says("What this channel does without.")]
    ad_break: Annotated[LatestAdBreak | None, says("The latest ad break; null: none was told of.")]


def route(read: Callable[[], Awaitable[tuple[ChannelState, Health]]], off: Sequence[str]) -> HTTPRouteHandler:
    """Make the route; `off` is what this channel does without."""

    @get("/state", opt=said("get_state"))
    async def get_state() -> ConsoleState:
        """Tell the host how the show stands."""
        state, health = await read()
        return _describe(state, health, off)

    return get_state


def _describe(state: ChannelState, health: Health, off: Sequence[str]) -> ConsoleState:
    train = state.hype_train
    tape = next((tape for tape in broadcast_rows(state).screenings if tape.ended_at is None), None)
    said = {
        "broadcast": state.timeline.live,
        "tape": tape,
        "title": state.title,
        "category": state.category,
        "hypeTrain": train if train and not train.is_over else None,
        "revocations": open_revocations(state, health.twitch),
        "off": off,
        "adBreak": state.ad_break and _describe_ads(state.ad_break, health.now),
    }
    return convert_to(ConsoleState, said)


def _describe_ads(latest: AdBreak, now: datetime) -> dict[str, object]:
    return {
        "startedAt": latest.started_at,
        "endsAt": latest.ends_at,
        "durationSeconds": int((latest.ends_at - latest.started_at).total_seconds()),
        "isAutomatic": latest.is_automatic,
        "isUnderWay": now < latest.ends_at,
    }
