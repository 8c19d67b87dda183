"""Errors become answers: the one place where the core's outcomes meet HTTP.

Texts are plain, as the clients that exist show them to people; a caller that accepts JSON gets a problem
document (RFC 9457). What went wrong inside is logged, and never told.
"""

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from showtime_core import errors
from showtime_core.errors import LimitReached, ShowtimeError

_log = logging.getLogger(__name__)

_STATUS: Mapping[type[ShowtimeError], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotEnoughPoints: HTTPStatus.CONFLICT,
    errors.ShowingOver: HTTPStatus.CONFLICT,
    errors.AlreadyUnderWay: HTTPStatus.CONFLICT,
    errors.LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Refused: HTTPStatus.BAD_REQUEST,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Ambiguous: HTTPStatus.SERVICE_UNAVAILABLE,
}

AnyRequest = Request[Any, Any, Any]


def answer_problem(request: AnyRequest, status: HTTPStatus, message: str) -> Response[str]:
    """Answer with what went wrong, in the form that the caller reads."""
    if "json" in request.headers.get("accept", ""):
        document = {"title": status.phrase, "status": status.value, "detail": message}
        return Response(json.dumps(document), status_code=status, media_type="application/problem+json")
    return Response(message, status_code=status, media_type="text/plain")


def on_showtime_error(request: AnyRequest, error: ShowtimeError) -> Response[str]:
    """Answer for an outcome of the core."""
    status = next(_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS)
    response = answer_problem(request, status, str(error))
    if isinstance(error, LimitReached) and error.retry_after:
        response.headers["retry-after"] = str(math.ceil(error.retry_after.total_seconds()))
    return response


def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[str]:
    """Answer for a request that met no handler, or that its handler could not read."""
    response = answer_problem(request, HTTPStatus(error.status_code), _detail(error))
    response.headers.update(error.headers or {})
    return response


def _detail(error: HTTPException) -> str:
    """Tell what is wrong; of a request that could not be read, with which part."""
    parts = error.extra if isinstance(error, ValidationException) and isinstance(error.extra, list) else []
    return "; ".join(f"{_place(part)}: {part['message']}" for part in parts) or error.detail


def _place(part: Mapping[str, str]) -> str:
    """Name the part of a request that could not be read; the framework calls the body as handlers do."""
    key = part.get("key", "data")
    return "body" if key == "data" else key


def on_exception(request: AnyRequest, error: Exception) -> Response[str]:
    """Answer for a fault of our own."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer_problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")
