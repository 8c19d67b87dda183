"""What was: the nights, what was on, and the ghosts of viewers; as the website reads it."""

import re
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import Parameter
from msgspec import Struct, field

from showtime_app.web.etag import with_etag
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.times import TimeField, convert_to
from showtime_core.domain.broadcasts.history import broadcasts_by_tape
from showtime_core.errors import Refused
from showtime_core.ports import History

MAX_PAGE = 1000
MAX_GALLERY = 100
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = 30
"""Of a number, no more are read: it is beyond all that we count."""


class BroadcastListing(Struct, rename="camel"):
    """A night in the list."""

    id: Annotated[int, says("The number of the broadcast.")]
    started_at: TimeField
    vod_url: Annotated[str, says("Where to watch the recording; empty: not known.")]
    tape_ids: Annotated[list[int], says("In the order in which they were put on.")]


class BroadcastList(Struct, rename="camel"):
    """The nights, by their start, and for each tape its nights."""

    broadcasts: list[BroadcastListing]
    broadcast_ids_by_tape_id: Annotated[
        dict[str, list[int]],
        says("For each tape its nights, each once; tapes in the order of their names as text."),
    ]


class ImageRequest(Struct):
    """A ghost that was paid for."""

    id: UUID
    username: Annotated[str, says("The viewer, or `User <id>` where only the id is known.")]
    subject: Annotated[str, says("What it is a ghost of.")]


class Screening(Struct, rename="camel"):
    """A tape that was on."""

    tape_id: int
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it is on.")]
    ghosts: Annotated[list[ImageRequest], says("The oldest first.")] = field(name="imageRequests")


class BroadcastDetails(Struct, rename="camel", omit_defaults=True):
    """One night, with all that was on."""

    id: Annotated[int, says("The number of the broadcast.")]
    started_at: TimeField
    ended_at: Annotated[TimeField | None, says("Null: it is live.")]
    screenings: Annotated[list[Screening], says("By their start.")]
    vod_url: Annotated[str, says("Where to watch the recording; absent: not known.")] = ""


class GalleryGhost(Struct, rename="camel"):
    """A ghost in the gallery."""

    id: UUID
    number: Annotated[int, says("Its place among all that were paid for, from 1.")]
    username: Annotated[str, says("The viewer, or `User <id>` where only the id is known.")]
    subject: Annotated[str, says("What it is a ghost of.")]
    url: Annotated[str, says("Where its first image is; empty: nowhere.")]
    paid_at: TimeField
    broadcast_id: Annotated[int | None, says("The night on which it came; null: no tape was on.")]
    tape_id: int | None


class GhostGallery(Struct):
    """Some of the ghosts that were paid for, the newest first."""

    total: Annotated[int, says("How many were paid for in all; 0 where none is listed.")]
    ghosts: list[GalleryGhost]


# Absent is 0, not None: the framework takes the word `null` for None.
Limit = Annotated[int, Parameter(ge=0, le=MAX_PAGE, description="List so many at most; 0: all of them.")]
After = Annotated[
    int, Parameter(description="List those after the broadcast with this number; 0: from the first.")
]
BroadcastId = Annotated[str, says("The number of a broadcast.", type="integer", examples=[7])]
GallerySize = Annotated[int, Parameter(ge=1, le=MAX_GALLERY, description="List so many at most.")]
Before = Annotated[str, says("List those that are older than this ghost.")]
Around = Annotated[str, says("List this ghost, and its neighbours on both sides.")]
OfNight = Annotated[int, Parameter(description="List those of the night with this number; 0: of all.")]
RequestId = Annotated[str, says("Names a ghost.", type="string", format="uuid")]


def router(history: History) -> Router:
    """Make the routes."""

    @get("/", opt=said("list_broadcasts"))
    async def list_broadcasts(limit: Limit = 0, after: After = 0) -> Response[BroadcastList]:
        """List the nights on which a tape was on, by their start: all, or page by page."""
        nights = await history.broadcasts(after or None, limit + 1 if limit else None)
        listed = nights[: limit or None]
        more = (
            {"link": f'<?limit={limit}&after={listed[-1].id}>; rel="next"'} if nights[len(listed) :] else {}
        )
        by_tape = dict(sorted((str(tape), ids) for tape, ids in broadcasts_by_tape(listed).items()))
        broadcasts = convert_to(list[BroadcastListing], listed)
        return Response(BroadcastList(broadcasts, by_tape), headers=more)

    @get("/{broadcast_id:str}", opt=said("get_broadcast"))
    async def get_broadcast(broadcast_id: BroadcastId) -> BroadcastDetails:
        """Tell all of one night: what was on, and the ghosts that appeared."""
        night = await history.broadcast(read_broadcast_id(broadcast_id))
        return convert_to(BroadcastDetails, night)

    @get("/images/{request_id:str}", opt=said("list_images"))
    async def list_images(request_id: RequestId) -> list[str]:
        """List the addresses of a ghost's images; none of a ghost that is not known, or was not paid."""
        return await history.image_urls(read_request_id(request_id))

    @get("/images", opt=said("list_ghosts"))
    async def list_ghosts(
        limit: GallerySize = 24, before: Before = "", around: Around = "", night: OfNight = 0
    ) -> GhostGallery:
        """List the ghosts that were paid for, the newest first: page by page, of one night or of all."""
        older, beside = (_read_ghost(text) if text else None for text in (before, around))
        return convert_to(GhostGallery, await history.gallery(limit, older, beside, night or None))

    handlers = [list_broadcasts, get_broadcast, list_images, list_ghosts]
    return Router("/history", route_handlers=handlers, middleware=[with_etag], tags=["history"])


def read_broadcast_id(text: str) -> int:
    """Read the number of a broadcast from a path."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Refused("broadcast ID must be an integer")
    return int(text[:_DIGITS])


def read_request_id(text: str) -> UUID:
    """Read the id of a ghost from a path."""
    if not _UUID.fullmatch(text):  # Python reads more than one spelling
        raise Refused("image request ID must be a uuid")
    return UUID(text)


def _read_ghost(text: str) -> UUID:
    """Read which ghost is meant; what names none is none that is known."""
    return UUID(text) if _UUID.fullmatch(text) else UUID(int=0)
