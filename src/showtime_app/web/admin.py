"""The routes of the host: tape on, tape off, and where the recording of a night is."""

import re
import uuid
from typing import Any, TypedDict

from litestar import Router, delete, post, put

from showtime_app.web.access import Guard
from showtime_app.web.history import read_broadcast_id
from showtime_core import hosting
from showtime_core.errors import Refused
from showtime_core.history import check_vod_url
from showtime_core.ports import History, UnitOfWork
from showtime_core.reactions import Policy

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")


class Vod(TypedDict):
    """The recording of a night."""

    url: str


def router(units: UnitOfWork, history: History, policy: Policy, broadcaster_only: Guard) -> Router:
    """Make the routes; all of them are the broadcaster's alone."""

    @post("/tape/{tape_id:str}", status_code=204)
    async def start_tape(tape_id: str) -> None:
        """Put a tape on, in place of the one that is on."""
        if not _WHOLE_NUMBER.fullmatch(tape_id):
            raise Refused("tape ID must be an integer")
        await hosting.start_tape(int(tape_id), uuid.uuid4(), units, policy)

    @delete("/tape", status_code=204)
    async def stop_tape() -> None:
        """Take the tape off, if one is on."""
        await hosting.stop_tape(uuid.uuid4(), units, policy)

    @put("/broadcast/{broadcast_id:str}/vod", status_code=204)
    async def set_vod(broadcast_id: str, data: Vod) -> None:
        """Keep where the recording of a night is; an empty URL takes it back."""
        await history.set_vod_url(read_broadcast_id(broadcast_id), check_vod_url(data["url"]))

    handlers: list[Any] = [start_tape, stop_tape, set_vod]
    return Router("/admin", route_handlers=handlers, guards=[broadcaster_only], tags=["host"])
