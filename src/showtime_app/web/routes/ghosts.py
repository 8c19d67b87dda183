"""What viewers ask for: a ghost, for points; and how it stands."""

import json
import re
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal, assert_never
from uuid import UUID, uuid4, uuid5

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from msgspec import Struct

from showtime_app.web.asgi import without_slash
from showtime_app.web.middleware.access import VIEWER, Guard, ViewerRequest
from showtime_app.web.openapi.descriptions import header, said, says
from showtime_app.web.polling import Polling
from showtime_app.web.routes.history import RequestId, read_request_id
from showtime_core.domain.journal import Entry
from showtime_core.domain.own_entries import ghost_request_entry
from showtime_core.domain.points_and_ghosts.ghosts import (
    GhostProgress,
    GhostRefusal,
    GhostStep,
    ghost_id_of,
    parse_subject,
)
from showtime_core.errors import ContentRefused, NotEnoughPoints, NotFound, Refused, Unavailable
from showtime_core.ports import Ghosts
from showtime_core.use_cases.request_ghost import RequestGhost

WAIT_SECONDS = 45.0
"""How long a viewer waits for a ghost, at most: the proxy gives up after a minute."""

_KEY = re.compile("^[!-~]{1,128}$")
_BAD_KEY = "Idempotency-Key must have 1 to 128 printable ASCII characters, and no spaces"
_NAMESPACE = UUID("3f0a4f0e-5d0c-4a3e-9d0b-5b6c8c1a7e21")
"""A request that has a key is named after viewer, key and subject."""


class GhostStatus(Struct, omit_defaults=True):
    """How a ghost stands."""

    id: UUID
    status: Annotated[
        Literal["in-progress", "shown", "failed"],
        says("`failed`: there is none, and the points are back, or were never taken."),
    ]
    step: Annotated[
        str, says("How far it has come.", enum=["requested", *(step.value for step in GhostStep)])
    ]
    message: Annotated[str, says("Why it failed, for people; only then.")] = ""


IdempotencyKey = Annotated[
    str | None,
    header(
        "Idempotency-Key",
        "Names the request: the same key and subject of the same viewer is the same request, however often "
        "it is sent.",
        pattern=_KEY.pattern,
    ),
]
Prefer = Annotated[
    str | None, header("Prefer", "`respond-async`: answer as soon as the request is recorded.")
]

_SHOWN = ResponseSpec(None, description="It is on the screen.")


def routes(
    use_case: RequestGhost, ghosts: Ghosts, polling: Polling, viewers_only: Guard
) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @post(
        "/image-gen",
        status_code=202,
        guards=[viewers_only],
        security=VIEWER,
        tags=["ghosts"],
        responses={204: _SHOWN},
        opt=said("request_ghost"),
    )
    async def request_ghost(
        request: ViewerRequest, idempotency_key: IdempotencyKey = None, prefer: Prefer = None
    ) -> Response[GhostStatus]:
        """Show a ghost over the tape, for 200 points of the viewer.

        Answered when it is on the screen, or after 45 seconds. What is answered 4xx or 5xx has cost nothing.
        A caller that goes away stops nothing. While a ghost is being made, and for ten minutes after it was
        shown, the same wish is the same request, unless it has an Idempotency-Key of its own.
        """
        deadline = polling.deadline()
        wanted = await _read(use_case, request, idempotency_key)
        # Once it may be recorded, no answer but its own outcome will do: a failure would say that it costs
        # nothing. Where the database stays away, its own id is the best that can be told.
        found = await polling.wait_for(partial(use_case.submit, wanted), deadline) or ghost_id_of(wanted.id)
        is_async = _prefers_async(prefer)
        if not is_async and (progress := await polling.wait_for(partial(_finished, ghosts, found), deadline)):
            return _answer(progress)
        return await _later(ghosts, found, request, is_async=is_async)

    @get("/history/images/{request_id:str}/status", tags=["ghosts"], opt=said("tell_ghost_status"))
    async def tell_ghost_status(request_id: RequestId) -> Response[GhostStatus]:
        """Tell how a ghost stands that was asked for."""
        progress = await ghosts.progress(read_request_id(request_id))
        return Response(_describe(progress), headers={"cache-control": "no-store"})

    return [request_ghost, tell_ghost_status]


async def _read(use_case: RequestGhost, request: ViewerRequest, key: str | None) -> Entry:
    """Read what is asked for, and refuse what cannot be had while nothing is recorded."""
    use_case.require_enabled()
    if key is not None and not _KEY.fullmatch(key):
        raise Refused(_BAD_KEY)
    if not _is_json(request.headers.get("content-type", "")):
        raise Refused("content-type not supported")
    try:
        subject = _read_subject(await request.body())
    except Refused as reason:
        raise Refused(f"invalid request payload: {reason}") from None
    viewer = request.user.viewer
    name = uuid5(_NAMESPACE, json.dumps([viewer.id, key, subject])) if key else uuid4()
    wanted = ghost_request_entry(viewer, subject, name, key)
    await use_case.check(wanted)
    return wanted


def _is_json(content_type: str) -> bool:
    """Tell whether it is JSON, or not said to be anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in {"", "application/json"} or kind.endswith("+json")


def _read_subject(body: bytes) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("it is not JSON") from None
    if not isinstance(document, dict):
        raise Refused("it is not an object")
    subject = document.get("subject")
    if not isinstance(subject, str | None):
        raise Refused("'subject' must be a string")
    return parse_subject(subject or "")


def _prefers_async(prefer: str | None) -> bool:
    preferences = (prefer or "").split(",")
    return any(each.partition(";")[0].strip().lower() == "respond-async" for each in preferences)


async def _finished(ghosts: Ghosts, ghost_id: UUID) -> GhostProgress | None:
    progress = await ghosts.progress(ghost_id)
    return progress if _status(progress) != "in-progress" else None


def _answer(progress: GhostProgress) -> Response[Any]:
    """Tell that it is on the screen, or raise why it is not."""
    if failure := _failure(progress):
        raise failure
    return Response(None, status_code=HTTPStatus.NO_CONTENT)


async def _later(
    ghosts: Ghosts, ghost_id: UUID, request: ViewerRequest, *, is_async: bool
) -> Response[GhostStatus]:
    """Tell where to ask how it stands."""
    try:
        progress = await ghosts.progress(ghost_id)
    except (NotFound, Unavailable):  # the database is away; it is told what will be, once it is recorded
        progress = GhostProgress(ghost_id, None)
    headers = {"location": f"{without_slash(request.scope)}history/images/{ghost_id}/status"}
    if is_async:
        headers["preference-applied"] = "respond-async"
    return Response(_describe(progress), status_code=HTTPStatus.ACCEPTED, headers=headers)


def _status(progress: GhostProgress) -> Literal["in-progress", "shown", "failed"]:
    if progress.refusal:
        return "failed"
    return "shown" if progress.step in {GhostStep.SHOWN, GhostStep.POSTED} else "in-progress"


def _failure(progress: GhostProgress) -> NotEnoughPoints | ContentRefused | Unavailable | None:
    """Say why there is no ghost; None: there is one, or may be."""
    match progress.refusal:
        case None:
            return None
        case GhostRefusal.POINTS:
            return NotEnoughPoints("not enough points")
        case GhostRefusal.CONTENT:
            return ContentRefused(f"image generation request rejected: {progress.reason}")
        case GhostRefusal.FAILURE:
            return Unavailable("the ghost could not be made, and no points were spent: try again later")
        case _:
            assert_never(progress.refusal)


def _describe(progress: GhostProgress) -> GhostStatus:
    message = str(_failure(progress) or "")
    return GhostStatus(progress.id, _status(progress), progress.step or "requested", message)
