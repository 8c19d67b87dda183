"""The host's routes of the night that is on: its feed, its sums, and the tapes that were on last."""

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct, field

from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import AWAY, described, said, says
from showtime_app.web.routes.options import options
from showtime_app.web.times import DATE_TIME, Time, TimeField, convert_to
from showtime_core.domain.events import SubscriptionStart
from showtime_core.domain.journal import Outcome
from showtime_core.domain.night_feed.rows import NightEffect, NightKind, NightRow
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import credited_points, effect_kind
from showtime_core.errors import NotFound, Refused
from showtime_core.ports import History
from showtime_core.use_cases.read_night_feed import ReadNightFeed

_MOST = 200
_MAX_ROW = 2**53 - 1
"""As far as JavaScript counts."""


class RowAlert(Struct, rename="camel"):
    """An alert that followed, and what became of it on the screen."""

    id: Annotated[int, says("Its place in the feed: commands name it.")]
    state: Annotated[
        str,
        says(
            "As in the queue; `streamed`: it was never in the queue.",
            enum=[*("waiting", "playing", "shown", "skipped", "held", "missed", "interrupted"), "streamed"],
        ),
    ]
    reason: Annotated[str | None, says("Why it was not played, or not to its end.")]
    at: Annotated[TimeField | None, says("When an overlay took it; null: none has.")]


class RowEffect(Struct):
    """Something that is done outside, and how far it is."""

    kind: Annotated[str, says("What is done.", examples=["credit-cheer"])]
    status: Annotated[str, says("How far it is.", enum=[*EffectStatus])]
    remark: Annotated[str | None, says("Why, for people.")]
    points: Annotated[int | None, says("The points that it credits; null: it credits none.")]


class RowPart(Struct):
    """A part of a row: the recipient of a gift."""

    id: Annotated[int, says("Its place in the journal.")]
    who: Annotated[str, says("The viewer, as people see the name.")]
    at: Annotated[Time, says("When Twitch told of it.", **DATE_TIME)]


class NightRowDocument(Struct, rename="camel"):
    """Something that happened, and what became of it."""

    id: Annotated[int, says("Names the row: its place in the journal.")]
    kind: Annotated[str, says("What it is about.", enum=[*NightKind])]
    type: Annotated[str, says("EventSub's type, or the name of a command.")]
    who: Annotated[str | None, says("The viewer, as people see the name; null: nobody in particular.")]
    what: Annotated[str, says("What it is, in a few words.")]
    words: Annotated[str | None, says("What was typed, or named.")]
    is_test: Annotated[bool, says("Whether the host tried it out.")]
    sent_at: Annotated[TimeField | None, says("When, by Twitch's clock; null: Twitch has not told it.")]
    at: Annotated[Time, says("When it was recorded, by our clock.", **DATE_TIME)]
    message: Annotated[str, says("The id of the message or of the command.")]
    outcome: Annotated[str, says("What became of it.", enum=[*Outcome])]
    remark: Annotated[str | None, says("Why, for people.")]
    handled_at: Annotated[TimeField | None, says("When the host marked it as handled; null: it is not.")]
    alerts: list[RowAlert]
    effects: list[RowEffect]
    parts: Annotated[list[RowPart], says("The recipients of a gift, as far as Twitch has told of them.")]


class NightFeed(Struct):
    """Rows of the feed of the night."""

    rows: Annotated[list[NightRowDocument], says("The newest first.")]
    before: Annotated[int | None, says("Ask with it for those before; null: there are none of this night.")]


class PlotStepDocument(Struct):
    """What there was within ten minutes."""

    at: Annotated[Time, says("When they begin.", **DATE_TIME)]
    points: Annotated[int, says("Points that were credited.")]
    ghosts: Annotated[int, says("Ghosts that came.")]


class NightSums(Struct, rename="camel"):
    """What the night came to so far."""

    since: Annotated[TimeField | None, says("Since when it is this night; null: since ever.")]
    now: Annotated[Time, says("Until when.", **DATE_TIME)]
    follows: int
    bits: int
    subs: Annotated[int, says("Subscriptions and months that had an alert.")]
    gifts: Annotated[int, says("Subscriptions that were given.")]
    raids: int
    ghosts: int
    points_earned: Annotated[int, says("Points that were credited.")]
    points_spent: Annotated[int, says("Points that were spent on ghosts.")]
    plot: Annotated[list[PlotStepDocument], says("In order; ten minutes without either are left out.")]


class LastTapeDocument(Struct, rename="camel"):
    """A tape that was on."""

    tape_id: Annotated[int, says("The number of the tape.")] = field(name="id")
    last_on_at: Annotated[Time, says("When it was put on for the last time.", **DATE_TIME)]
    times: Annotated[int, says("How often it was put on.")]


class LastTapes(Struct):
    """Tapes that were on."""

    tapes: Annotated[list[LastTapeDocument], says("Each once, the one that was on last first.")]


_NO_ROW = "no such row"
_HANDLED = "/night/{row:str}/handled"
_NO_KIND = f"no such kind: choose {', '.join(NightKind)}"
Row = Annotated[str, says("Names a row.", type="integer", minimum=0, examples=[1187])]
Limit = Annotated[int, QueryParameter(ge=1, le=_MOST, description="So many rows at most.")]
Before = Annotated[
    int,
    QueryParameter(ge=0, le=_MAX_ROW, description="Only rows that are older than this one; 0: the newest."),
]
After = Annotated[
    int, QueryParameter(ge=0, le=_MAX_ROW, description="Only rows that are newer than this one; 0: all.")
]
_A_KIND = "|".join(NightKind)
Kinds = Annotated[
    str,
    QueryParameter(
        description="Only rows of these kinds, with commas between them; all, if it is left out.",
        schema_extra={"pattern": f"^(({_A_KIND})(,({_A_KIND}))*)?$", "examples": ["follow,bits"]},
    ),
]


def router(use_case: ReadNightFeed, history: History, host: Guard) -> Router:
    """Make the routes."""

    @get("/night", opt=said("read_night", {400: [_NO_KIND, "limit: Expected `int` <= 200"]}))
    async def read_night(
        kinds: Kinds = "", before: Before = 0, after: After = 0, limit: Limit = 50
    ) -> NightFeed:
        """Read the feed of the night, the newest first: what happened, and what became of it."""
        page = await use_case.page(_read_kinds(kinds), limit, before or None, after or None)
        return NightFeed([describe_row(row) for row in page.rows], page.following)

    @get("/night/totals", opt=said("add_up_night"))
    async def add_up_night() -> NightSums:
        """Add up the night, with points and ghosts of each ten minutes."""
        return convert_to(NightSums, await use_case.totals())

    @get("/tapes", opt=said("list_last_tapes"))
    async def list_last_tapes(limit: Limit = 12) -> LastTapes:
        """List the tapes that were on last."""
        return LastTapes(convert_to(list[LastTapeDocument], await history.last_tapes(limit)))

    handlers = [read_night, add_up_night, *_marks(use_case), list_last_tapes]
    return Router("/admin", route_handlers=handlers, guards=[host], security=HOST, tags=["host"])


def _marks(use_case: ReadNightFeed) -> list[HTTPRouteHandler]:
    """Make the routes of what is handled."""

    @post(_HANDLED, status_code=204, opt=described(refusals={404: [_NO_ROW], **AWAY}))
    async def mark_handled(row: Row) -> None:
        """Mark a row as handled, for whoever reads the feed."""
        await use_case.store.mark(_read_row(row), is_handled=True)

    @delete(_HANDLED, status_code=204, opt=described(refusals={404: [_NO_ROW], **AWAY}))
    async def mark_open(row: Row) -> None:
        """Take the mark back."""
        await use_case.store.mark(_read_row(row), is_handled=False)

    return [options(_HANDLED, "POST", "DELETE"), mark_handled, mark_open]


def describe_row(row: NightRow) -> NightRowDocument:
    """Describe a row."""
    entry, said = row.entry, row.said
    return NightRowDocument(
        id=entry.position,
        kind=said.kind.value,
        type=entry.entry.type,
        who=said.who,
        what=said.what,
        words=said.words or None,
        is_test=said.is_test,
        sent_at=Time.of(entry.entry.sent_at) if entry.entry.sent_at else None,
        at=Time.of(entry.at),
        message=entry.entry.id,
        outcome=entry.outcome.value,
        remark=entry.remark,
        handled_at=Time.of(entry.handled_at) if entry.handled_at else None,
        alerts=convert_to(list[RowAlert], entry.alerts),
        effects=[_describe_effect(each) for each in entry.effects],
        parts=[
            RowPart(each.position, _recipient(each.entry.content), Time.of(each.happened_at))
            for each in row.parts
        ],
    )


def _describe_effect(each: NightEffect) -> RowEffect:
    kind, points = effect_kind(each.effect), credited_points(each.effect)
    return RowEffect(kind, each.status.value, each.remark, points)


def _recipient(content: object) -> str:
    assert isinstance(content, SubscriptionStart), "the parts of a gift are its recipients"
    return content.viewer.name


def _read_kinds(text: str) -> list[NightKind]:
    """Read which kinds are asked for; raises Refused."""
    try:
        return [NightKind(name) for name in text.split(",")] if text else list(NightKind)
    except ValueError:
        raise Refused(_NO_KIND) from None


def _read_row(text: str) -> int:
    """Read the name of a row; one that is malformed names none."""
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_ROW:
        raise NotFound(_NO_ROW)
    return int(text)
