"""The routes of the show: overlays take alerts and acknowledge them, and the host commands."""

import json
import re
from typing import Annotated, Any
from uuid import uuid4

from litestar import Request, Router, post
from litestar.params import JSONBody
from msgspec import Struct

from showtime_app.web.ids import read_id
from showtime_app.web.middleware.access import OVERLAY, SHOW_HOST, Guard
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.queue_document import QueueItem, describe_showing
from showtime_core.domain.events import ShowCommanded, ShowCommandName
from showtime_core.domain.show.queue import LEASE
from showtime_core.domain.show.taking import ASK_AGAIN_AFTER, OverlayRole, Wait
from showtime_core.errors import NotFound, Refused
from showtime_core.use_cases.run_show import RunShow

_OVERLAY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_COUNT = 2**53 - 1
"""The greatest number that JavaScript counts to."""


class OverlayState(Struct):
    """What an overlay reports of itself, with all that it asks."""

    overlay: Annotated[
        str,
        says("The name that the page gave itself when it was loaded.", pattern=f"^{_OVERLAY_ID.pattern}$"),
    ]
    frames: Annotated[
        int, says("How many frames it has painted since.", minimum=0, maximum=_MAX_COUNT, examples=[1234])
    ]


class NextShowing(Struct, rename="camel"):
    """What an overlay is to do."""

    role: Annotated[str, says("Whether it plays or mirrors.", enum=[*OverlayRole])]
    wait: Annotated[str | None, says("Why it plays nothing; null: play it.", enum=[None, *Wait])]
    wait_seconds: Annotated[float, says("When to ask again, at the latest.")]
    lease_seconds: Annotated[float, says("How long it has what it plays, without reporting that it does.")]
    elapsed_seconds: Annotated[float, says("How long ago what plays began.")]
    playing: Annotated[QueueItem | None, says("What plays; null: nothing.")]


class RenewedLease(Struct, rename="camel"):
    """How a lease stands."""

    is_renewed: Annotated[bool, says("False: the overlay is not painting.")]
    lease_seconds: Annotated[float, says("How long it still holds.")]


ShowingId = Annotated[str, says("Names a showing.", format="uuid")]
CommandName = Annotated[str, says("What to do.", type="string", enum=[*ShowCommandName], examples=["pause"])]

_NO_SHOWING = "no such showing"
_BAD_OVERLAY = "overlay must have 1 to 64 characters of A-Z a-z 0-9 - _"
_BAD_FRAMES = "frames must be a whole number from 0 to 9007199254740991"
_NO_COMMAND = f"no such command: choose {', '.join(ShowCommandName)}"
_OF_REPORTS = {400: [_BAD_OVERLAY, _BAD_FRAMES]}


def routers(use_case: RunShow, overlays_only: Guard, hosts_and_hotkeys: Guard) -> list[Router]:
    """Make the routes."""
    return [_overlay_router(use_case, overlays_only), _command_router(use_case, hosts_and_hotkeys)]


def _overlay_router(use_case: RunShow, overlays_only: Guard) -> Router:
    @post("/show/next", status_code=200, opt=said("take_next_alert", _OF_REPORTS))
    async def take_next_alert(data: JSONBody[OverlayState]) -> NextShowing:
        """Take the next alert, or learn what plays; whoever leads plays it.

        Asked at least twice a second by every overlay that plays nothing: so it shows that it paints.
        """
        _check(data)
        answer = await use_case.take_next(data.overlay, data.frames)
        return NextShowing(
            answer.role.value,
            answer.wait.value if answer.wait else None,
            ASK_AGAIN_AFTER.total_seconds() if answer.wait else 0.0,
            LEASE.total_seconds(),
            answer.elapsed.total_seconds(),
            describe_showing(answer.playing) if answer.playing else None,
        )

    @post(
        "/show/{showing:str}/alive",
        status_code=200,
        opt=said("keep_showing", _OF_REPORTS | {404: [_NO_SHOWING]}),
    )
    async def keep_showing(showing: ShowingId, data: JSONBody[OverlayState]) -> RenewedLease:
        """Keep what it plays, as long as it paints."""
        _check(data)
        renewal = await use_case.renew(read_id(showing, _NO_SHOWING), data.overlay, data.frames)
        return RenewedLease(renewal.is_renewed, renewal.holds_for.total_seconds())

    @post(
        "/show/{showing:str}/done",
        status_code=204,
        opt=said("acknowledge_showing", _OF_REPORTS | {404: [_NO_SHOWING]}),
    )
    async def acknowledge_showing(showing: ShowingId, data: JSONBody[OverlayState]) -> None:
        """Acknowledge that it was painted and played; the second time changes nothing."""
        _check(data)
        await use_case.acknowledge(read_id(showing, _NO_SHOWING), data.overlay, data.frames)

    handlers: list[Any] = [take_next_alert, keep_showing, acknowledge_showing]
    return Router("/", route_handlers=handlers, guards=[overlays_only], security=OVERLAY, tags=["show"])


def _command_router(use_case: RunShow, hosts_and_hotkeys: Guard) -> Router:
    @post(
        "/show/commands/{name:str}",
        status_code=204,
        opt=said("command_show", {404: [_NO_COMMAND, "no such alert"]}),
    )
    async def command_show(name: CommandName, request: Request[Any, Any, Any]) -> None:
        """Follow a command of the host about what is on the screen, or waits for it."""
        if name not in list(ShowCommandName):
            raise NotFound(_NO_COMMAND)
        alert = _read_alert(await request.body())
        await use_case.command(ShowCommanded(uuid4(), ShowCommandName(name), alert))

    return Router(
        "/", route_handlers=[command_show], guards=[hosts_and_hotkeys], security=SHOW_HOST, tags=["show"]
    )


def _check(state: OverlayState) -> None:
    if not _OVERLAY_ID.fullmatch(state.overlay):
        raise Refused(_BAD_OVERLAY)
    if not 0 <= state.frames <= _MAX_COUNT:
        raise Refused(_BAD_FRAMES)


def _read_alert(body: bytes) -> int | None:
    """Read which alert a command names, if it does."""
    if not body.strip():
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("the body is not JSON") from None
    if not isinstance(document, dict):
        raise Refused("the body must be an object")
    alert = document.get("alert")
    if alert is None:
        return None
    if not isinstance(alert, int) or isinstance(alert, bool) or not 0 <= alert < 2**63:
        raise Refused("alert must be a whole number")
    return alert
