"""What was: the nights, what was on, and the ghosts of viewers; as the website reads it."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired, TypedDict
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import Parameter

from showtime_app.web.etag import with_etag
from showtime_core.errors import Refused
from showtime_core.history import (
    ListedBroadcast,
    PaidGhost,
    PastBroadcast,
    PastScreening,
    broadcasts_by_tape,
)
from showtime_core.ports import History

MAX_PAGE = 1000
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_DIGITS = 30
"""Of a number, no more are read: it is beyond all that we count."""


class BroadcastListing(TypedDict):
    """A night in the list."""

    id: int
    startedAt: datetime
    vodUrl: str
    tapeIds: Sequence[int]


class BroadcastList(TypedDict):
    """The nights, by their start, and for each tape its nights."""

    broadcasts: list[BroadcastListing]
    broadcastIdsByTapeId: dict[str, list[int]]


class ImageRequest(TypedDict):
    """A ghost that was paid for."""

    id: UUID
    username: str
    subject: str


class Screening(TypedDict):
    """A tape that was on."""

    tapeId: int
    startedAt: datetime
    endedAt: datetime | None
    imageRequests: list[ImageRequest]


class BroadcastDetails(TypedDict):
    """One night, with all that was on."""

    id: int
    startedAt: datetime
    endedAt: datetime | None
    screenings: list[Screening]
    vodUrl: NotRequired[str]


Limit = Annotated[int | None, Parameter(ge=1, le=MAX_PAGE, description="List so many at most.")]
After = Annotated[int | None, Parameter(description="List those after the broadcast with this number.")]


def router(history: History) -> Router:
    """Make the routes."""

    @get("/")
    async def list_broadcasts(limit: Limit = None, after: After = None) -> Response[BroadcastList]:
        """List the nights on which a tape was on, by their start: all, or page by page."""
        nights = await history.broadcasts(after, limit and limit + 1)
        listed = nights[:limit]
        more = (
            {"link": f'<?limit={limit}&after={listed[-1].id}>; rel="next"'} if nights[len(listed) :] else {}
        )
        return Response(_list(listed), headers=more)

    @get("/{broadcast_id:str}")
    async def get_broadcast(broadcast_id: str) -> BroadcastDetails:
        """Tell all of one night: what was on, and the ghosts that appeared."""
        return _details(await history.broadcast(read_broadcast_id(broadcast_id)))

    @get("/images/{request_id:str}")
    async def list_images(request_id: str) -> list[str]:
        """List the addresses of a ghost's images; none of a ghost that is not known, or was not paid."""
        return await history.image_urls(_read_request_id(request_id))

    handlers = [list_broadcasts, get_broadcast, list_images]
    return Router("/history", route_handlers=handlers, middleware=[with_etag], tags=["history"])


def read_broadcast_id(text: str) -> int:
    """Read the number of a broadcast from a path."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Refused("broadcast ID must be an integer")
    return int(text[:_DIGITS])


def _read_request_id(text: str) -> UUID:
    try:
        request_id = UUID(text)
    except ValueError:
        request_id = None
    if str(request_id) != text.lower():  # Python reads more than one spelling
        raise Refused("image request ID must be a uuid")
    return UUID(text)


def _list(nights: Sequence[ListedBroadcast]) -> BroadcastList:
    return {
        "broadcasts": [
            {
                "id": night.id,
                "startedAt": night.started_at,
                "vodUrl": night.vod_url,
                "tapeIds": night.tape_ids,
            }
            for night in nights
        ],
        "broadcastIdsByTapeId": {str(tape): ids for tape, ids in broadcasts_by_tape(nights).items()},
    }


def _details(night: PastBroadcast) -> BroadcastDetails:
    details: BroadcastDetails = {
        "id": night.id,
        "startedAt": night.started_at,
        "endedAt": night.ended_at,
        "screenings": [_screening(screening) for screening in night.screenings],
    }
    return details | {"vodUrl": night.vod_url} if night.vod_url else details


def _screening(screening: PastScreening) -> Screening:
    return {
        "tapeId": screening.tape_id,
        "startedAt": screening.started_at,
        "endedAt": screening.ended_at,
        "imageRequests": [_image_request(ghost) for ghost in screening.ghosts],
    }


def _image_request(ghost: PaidGhost) -> ImageRequest:
    return {"id": ghost.id, "username": ghost.username, "subject": ghost.subject}
