"""The host's routes for nights afterwards: timelines, marks for the recording, summaries, a comparison."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from msgspec import Struct

from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.routes.history import read_broadcast_id
from showtime_app.web.times import DATE_TIME, Time, TimeField, convert_to
from showtime_core.domain.nights.marks import (
    ALL_KINDS,
    MAX_OFFSET,
    Clock,
    MarkKind,
    Part,
    as_text,
    as_web_vtt,
    cues_of,
    parts_of,
)
from showtime_core.domain.nights.summary import discord_summary
from showtime_core.domain.nights.timeline import MomentKind, NightTimeline
from showtime_core.errors import NotFound, Refused
from showtime_core.use_cases.look_back import LookBack

_MOST_COMPARED = 50
_LIVE = "live"
_ATTACHMENT = "content-disposition"


class Figures(Struct, rename="camel"):
    """A night in numbers; null: nothing is known of it."""

    seconds: Annotated[int, says("From its beginning to its end, or until now; drop-outs included.")]
    tapes: Annotated[int, says("How often a tape was put on.")]
    ghosts: int
    drop_outs: int | None
    follows: int | None
    bits: int | None
    subs: Annotated[int | None, says("Months that viewers paid for themselves.")]
    gift_subs: Annotated[int | None, says("Subscriptions that were given.")]
    raids: int | None
    raiders: Annotated[int | None, says("How many people came with the raids.")]
    viewers: Annotated[int | None, says("How many different viewers took part by any of these.")]


class ComparedNight(Struct, rename="camel"):
    """A night among others."""

    id: Annotated[int, says("The number of the broadcast.")]
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it is on the air.")]
    vod_url: Annotated[str, says("Where to watch the recording; empty: not known.")]
    figures: Figures
    unknown: Annotated[Sequence[str], says("What is not known of it, in sentences; empty: all is.")]


class ComparedNights(Struct):
    """Nights, compared."""

    nights: Annotated[list[ComparedNight], says("The latest first.")]


class TimelineRecording(Struct, rename="camel"):
    """What Twitch recorded of one stream."""

    stream_id: Annotated[str, says("Twitch's id of the stream; empty: not known.")]
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it goes on.")]


class TimelineDropOut(Struct, rename="camel"):
    """A time in which no stream was on the air."""

    started_at: TimeField
    ended_at: TimeField


class TimelineScreening(Struct, rename="camel"):
    """A tape that was on."""

    id: UUID
    tape_id: int
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it is on.")]


class TimelineMoment(Struct):
    """Something that happened."""

    kind: Annotated[str, says("What happened.", enum=[*MomentKind])]
    at: Annotated[Time, says("When, by Twitch's clock; of a ghost: when it was paid.", **DATE_TIME)]
    until: Annotated[TimeField | None, says("When it was over; null: it takes no time, or is not over.")]
    username: Annotated[str, says("Who did it; empty: nobody.")]
    number: Annotated[
        int, says("Bits, months, subscriptions given, people, level or streams, by its kind; else 0.")
    ]
    words: Annotated[str, says("What the viewer typed, or what the ghost is of.")]


class NightGiver(Struct):
    """Who gave most."""

    username: Annotated[str, says("As people see the name.")]
    number: Annotated[int, says("How much in all.")]


class NightDetails(Struct, rename="camel"):
    """All that is known of a night."""

    id: Annotated[int, says("The number of the broadcast.")]
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it is on the air.")]
    until: Annotated[Time, says("Its end, or now, by the database's clock.", **DATE_TIME)]
    vod_url: Annotated[str, says("Where to watch the recording; empty: not known.")]
    recordings: Annotated[list[TimelineRecording], says("One for each stream of Twitch, in order.")]
    drop_outs: list[TimelineDropOut]
    screenings: Annotated[list[TimelineScreening], says("By their start.")]
    moments: Annotated[list[TimelineMoment], says("By when they were.")]
    figures: Figures
    loudest: Annotated[NightGiver | None, says("Who cheered most bits; null: nobody with a name.")]
    kindest: Annotated[NightGiver | None, says("Who gave most subscriptions; null: nobody with a name.")]
    unknown: Annotated[Sequence[str], says("What is not known of the night, in sentences; empty: all is.")]


NightName = Annotated[
    str,
    says(
        "The number of a broadcast, or `live` for the one on the air.",
        pattern=f"^({_LIVE}|[+-]?[0-9]+)$",
        examples=["7", _LIVE],
    ),
]
Limit = Annotated[int, Parameter(ge=1, le=_MOST_COMPARED, description="Compare so many at most.")]
Before = Annotated[
    int, Parameter(description="Compare those that began before this broadcast; 0: the latest.")
]
Offset = Annotated[
    float,
    Parameter(
        ge=-MAX_OFFSET,
        le=MAX_OFFSET,
        description="Seconds to add to each time: where the recording began earlier (positive) or later.",
    ),
]
ClockName = Annotated[
    str,
    says(
        "`stream`: times count from the start of each stream of Twitch; `tape`: from when a tape was put on.",
        enum=[*Clock],
    ),
]
PartNumber = Annotated[int, Parameter(ge=0, description="Which recording, or which screening, from 1.")]
Kinds = Annotated[list[MarkKind] | None, says("Only marks of this kind; may stand often. None: all of them.")]


def router(look_back: LookBack, guard: Guard) -> Router:
    """Make the routes."""

    async def read(night: str) -> NightTimeline:
        return await look_back.timeline(None if night == _LIVE else read_broadcast_id(night))

    @get("/", opt=said("compare_nights"))
    async def compare_nights(limit: Limit = 12, before: Before = 0) -> ComparedNights:
        """List past nights in numbers, the latest first, the one on the air among them."""
        nights = await look_back.latest(limit, before or None)
        return ComparedNights([convert_to(ComparedNight, night) for night in nights])

    @get("/{night:str}/timeline", opt=said("get_timeline"))
    async def get_timeline(night: NightName) -> NightDetails:
        """Tell all that happened on a night, when it did."""
        return convert_to(NightDetails, await read(night))

    @get("/{night:str}/summary", media_type="text/plain", opt=said("get_summary"))
    async def get_summary(night: NightName) -> str:
        """Sum a night up for Discord.

        At most 2,000 letters. What viewers typed mentions nobody, links to nothing, and has no format there.
        """
        return discord_summary(await read(night))

    handlers = [compare_nights, get_timeline, get_summary, *_marks(read)]
    return Router("/admin/nights", route_handlers=handlers, guards=[guard], security=HOST, tags=["host"])


def _marks(read: Callable[[str], Awaitable[NightTimeline]]) -> list[HTTPRouteHandler]:
    """Make the routes of marks for a recording."""

    @get("/{night:str}/marks.vtt", media_type="text/vtt", opt=said("get_marks_vtt"))
    async def get_marks_vtt(
        night: NightName,
        offset: Offset = 0.0,
        clock: ClockName = Clock.STREAM.value,
        part: PartNumber = 1,
        kinds: Kinds = None,
    ) -> Response[str]:
        """Give the marks of one recording as WebVTT: a resumed night has several, each a part.

        By the tape's own clock each screening is a part.
        """
        found, chosen = await read(night), max(part, 1)
        meant = _pick(parts_of(found, read_clock(clock)), chosen)
        cues = cues_of(meant, _finite(offset), kinds or ALL_KINDS)
        note = f"{len(cues)} marks; {offset:+g} s were added to each."
        name = f"night-{found.id}-{clock}-{chosen}.vtt"
        return _file(as_web_vtt(meant.title, note, cues), name, "text/vtt")

    @get("/{night:str}/marks.txt", media_type="text/plain", opt=said("get_marks_txt"))
    async def get_marks_txt(
        night: NightName,
        offset: Offset = 0.0,
        clock: ClockName = Clock.STREAM.value,
        part: PartNumber = 0,
        kinds: Kinds = None,
    ) -> Response[str]:
        """Give the marks as lines of `H:MM:SS words`, of one part or of all, each below its title.

        One part alone has no title, so that its lines are chapters as YouTube reads them.
        """
        found, wanted = await read(night), kinds or ALL_KINDS
        parts = parts_of(found, read_clock(clock))
        if part:
            text = as_text(cues_of(_pick(parts, part), _finite(offset), wanted))
        else:
            text = "\n".join(
                f"{each.title}\n{as_text(cues_of(each, _finite(offset), wanted))}" for each in parts
            )
        return _file(text, f"night-{found.id}-{clock}.txt", "text/plain")

    return [get_marks_vtt, get_marks_txt]


def read_clock(name: str) -> Clock:
    """Read whose clock is meant; raises Refused."""
    if name not in set(Clock):
        raise Refused(f"no such clock: choose {' or '.join(Clock)}")
    return Clock(name)


def _finite(offset: float) -> float:
    if not math.isfinite(offset):
        raise Refused("the offset must be a number of seconds")
    return offset


def _pick(parts: Sequence[Part], number: int) -> Part:
    if number > len(parts):
        raise NotFound(f"no such part: there are {len(parts)}")
    return parts[number - 1]


def _file(text: str, name: str, media_type: str) -> Response[str]:
    """Answer with a text that a browser saves under this name."""
    return Response(text, media_type=media_type, headers={_ATTACHMENT: f'attachment; filename="{name}"'})
