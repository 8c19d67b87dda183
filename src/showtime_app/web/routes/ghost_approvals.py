"""The host's routes for ghosts that wait before they are painted."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from msgspec import Struct

from showtime_app.web.ids import read_id
from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import AWAY, described, said, says
from showtime_app.web.times import DATE_TIME, Time
from showtime_core.errors import NotFound
from showtime_core.ports import GhostApprovals

_NOT_WAITING = "no such ghost waits"
_DECISIONS = ("approve", "refuse")
_NO_DECISION = f"no such decision: choose {' or '.join(_DECISIONS)}"


class WaitingGhost(Struct):
    """A ghost that waits for the host."""

    id: UUID
    subject: Annotated[str, says("What it is a ghost of.")]
    username: Annotated[str, says("Who asks for it, as people see the name.")]
    reason: Annotated[str, says("Why it waits.")]
    since: Annotated[Time, says("When it began to wait.", **DATE_TIME)]
    until: Annotated[Time, says("When its points are given back, if nobody decides.", **DATE_TIME)]


class WaitingGhosts(Struct):
    """The ghosts that wait for the host."""

    ghosts: Annotated[list[WaitingGhost], says("The oldest first.")]


def router(approvals: GhostApprovals, hosts_only: Guard) -> Router:
    """Make the routes; all of them are for hosts alone."""

    @get("/", opt=said("list_waiting_ghosts"))
    async def list_waiting_ghosts() -> WaitingGhosts:
        """List the ghosts that wait for the host before they are painted."""
        return WaitingGhosts(
            [
                WaitingGhost(
                    each.id,
                    each.subject,
                    each.viewer.name,
                    each.reason,
                    Time.of(each.since),
                    Time.of(each.until),
                )
                for each in await approvals.list_awaiting()
            ]
        )

    @post(
        "/{ghost_id:str}/{decision:str}",
        status_code=204,
        opt=described(refusals={404: [_NOT_WAITING, _NO_DECISION], **AWAY}),
    )
    async def decide_ghost(
        ghost_id: Annotated[str, says("Names the ghost.", format="uuid")],
        decision: Annotated[
            str, says("`refuse`: its points are given back.", type="string", enum=[*_DECISIONS])
        ],
    ) -> None:
        """Let a ghost be painted, or give its points back."""
        if decision not in _DECISIONS:
            raise NotFound(_NO_DECISION)
        await approvals.decide(read_id(ghost_id, _NOT_WAITING), is_approved=decision == "approve")

    return Router(
        "/admin/ghosts",
        route_handlers=[list_waiting_ghosts, decide_ghost],
        guards=[hosts_only],
        security=HOST,
        tags=["ghosts"],
    )
