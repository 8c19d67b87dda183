"""The routes of the host: tape on, tape off, and where the recording of a night is."""

import re
import uuid
from collections.abc import Sequence
from typing import Annotated

from litestar import Router, delete, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from showtime_app.web.middleware.access import BROADCASTER, HOST, Guards
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.routes.history import BroadcastId, read_broadcast_id
from showtime_core.domain.broadcasts.broadcast import MAX_TAPE_ID
from showtime_core.domain.broadcasts.history import MAX_URL_LENGTH, WEB_ADDRESS, check_vod_url
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.ports import History, UnitOfWork
from showtime_core.use_cases import host

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")


class Vod(Struct):
    """The recording of a night."""

    url: Annotated[
        str,
        says(
            "Where to watch it; empty: nowhere.",
            maxLength=MAX_URL_LENGTH,
            pattern=f"^({WEB_ADDRESS})?$",
            examples=["https://www.twitch.tv/videos/2203817154"],
        ),
    ]


TapeId = Annotated[
    str, says("The number of a tape.", type="integer", minimum=1, maximum=MAX_TAPE_ID, examples=[31])
]


def routers(
    of_hosts: Sequence[ControllerRouterHandler],
    of_the_broadcaster: Sequence[ControllerRouterHandler],
    guards: Guards,
) -> list[Router]:
    """Let hosts reach handlers below `/admin`, and others the broadcaster alone."""
    return [
        Router("/admin", route_handlers=of_hosts, guards=[guards.host], security=HOST, tags=["host"]),
        Router(
            "/admin",
            route_handlers=of_the_broadcaster,
            guards=[guards.broadcaster],
            security=BROADCASTER,
            tags=["host"],
        ),
    ]


def tape_routes(units: UnitOfWork, policy: Policy) -> Sequence[ControllerRouterHandler]:
    """Make the routes that put tapes on and take them off."""

    @post("/tape/{tape_id:str}", status_code=204, opt=said("start_tape"))
    async def start_tape(tape_id: TapeId) -> None:
        """Put a tape on, in place of the one that is on."""
        if not _WHOLE_NUMBER.fullmatch(tape_id):
            raise Refused("tape ID must be an integer")
        await host.start_tape(int(tape_id), uuid.uuid4(), units, policy)

    @delete("/tape", status_code=204, opt=said("stop_tape"))
    async def stop_tape() -> None:
        """Take the tape off, if one is on."""
        await host.stop_tape(uuid.uuid4(), units, policy)

    return [start_tape, stop_tape]


def vod_route(history: History) -> HTTPRouteHandler:
    """Make the route that keeps where the recording of a night is."""

    @put("/broadcast/{broadcast_id:str}/vod", status_code=204, opt=said("set_vod"))
    async def set_vod(broadcast_id: BroadcastId, data: JSONBody[Vod]) -> None:
        """Keep where the recording of a night is; an empty URL takes it back."""
        await history.set_vod_url(read_broadcast_id(broadcast_id), check_vod_url(data.url))

    return set_vod
