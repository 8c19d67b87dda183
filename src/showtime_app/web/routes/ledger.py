"""What a viewer has in the embedded ledger, as the ledger service tells it, for whoever reads that one."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import QueryParameter
from msgspec import Struct, field

from showtime_app.web.middleware.access import VIEWER, Guard, ViewerRequest
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.times import DATE_TIME, Time, convert_to
from showtime_core.domain.points_and_ghosts.ledger import FlowState, FlowType
from showtime_core.ports import PagedLedger

MAX_PAGE = 100
"""How many transactions the ledger service lists at most; at least it lists one."""
DEFAULT_PAGE = 50


class Points(Struct):
    """What a viewer has."""

    total: Annotated[int, says("What was earned and not spent.")] = field(name="totalPoints")
    available: Annotated[int, says("That without what is reserved for ghosts.")] = field(
        name="availablePoints"
    )


class PointsTransaction(Struct):
    """Points that were earned, or are spent."""

    id: UUID
    at: Annotated[Time, says("When it was made, or else when it was decided.", **DATE_TIME)] = field(
        name="timestamp"
    )
    type: Annotated[str, says("What it is for.", enum=[*FlowType])]
    state: Annotated[str, says("`pending`: it is reserved, and not decided yet.", enum=[*FlowState])]
    points: Annotated[int, says("What it adds to the points; negative for what is spent.")] = field(
        name="deltaPoints"
    )
    description: Annotated[str, says("A sentence for people.")]


class PointsHistory(Struct, omit_defaults=True):
    """Some transactions of a viewer, newest first."""

    transactions: list[PointsTransaction] = field(name="items")
    next: Annotated[str, says("The first of the next page: what `from` takes. Absent: there is none.")] = (
        field(name="nextCursor", default="")
    )


# Texts, since whatever they say is answered: the ledger service refuses none.
Max = Annotated[
    str,
    QueryParameter(
        name="max",
        description=f"List so many at most, 1 to {MAX_PAGE}; what is no number counts as {DEFAULT_PAGE}.",
    ),
]
From = Annotated[
    str,
    QueryParameter(
        name="from",
        description="List from this transaction on, with it: an `id`. None of one that is not known; what is "
        "no `id` counts for nothing.",
    ),
]


def router(ledger: PagedLedger, viewers_only: Guard) -> Router:
    """Make the routes; each tells a viewer of that viewer alone."""

    @get("/balance", opt=said("tell_points"))
    async def tell_points(request: ViewerRequest) -> Points:
        """Tell how many points the viewer has."""
        return convert_to(Points, await ledger.balance(request.user.viewer))

    @get("/history", opt=said("list_transactions"))
    async def list_transactions(request: ViewerRequest, most: Max = "", first: From = "") -> PointsHistory:
        """List what the viewer has earned and spent, the newest first."""
        page = await ledger.page(request.user.viewer, _read_limit(most), _read_id(first))
        return PointsHistory(convert_to(list[PointsTransaction], page.transactions), str(page.next or ""))

    return Router(
        "/ledger",
        route_handlers=[tell_points, list_transactions],
        guards=[viewers_only],
        security=VIEWER,
        tags=["ledger"],
    )


def _read_limit(text: str) -> int:
    try:
        return min(max(1, int(text)), MAX_PAGE)
    except ValueError:
        return DEFAULT_PAGE


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
