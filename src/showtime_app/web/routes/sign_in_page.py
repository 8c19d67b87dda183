"""The page on which a sign-in ends that failed: what failed, what to do, and what goes on meanwhile.

Its status, and what a program is told, are those of any other refusal.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from showtime_app.web.problems import on_exception, on_http_exception, on_showtime_error
from showtime_app.web.routes.pages import is_for_people, page
from showtime_core.errors import ShowtimeError

AnyRequest = Request[Any, Any, Any]


@frozen
class _Advice:
    """What stands above and below what failed."""

    title: str
    remedy: str
    again: str = "session/sign-in?to=/console"
    """Where one tries again."""


_AGAIN = "Sign in again, in this browser, and be back from Twitch within ten minutes."
_OTHERWISE = _Advice("Something is broken here.", "The show goes on. Try again, and tell whoever runs it.")
_ADVICE: Mapping[int, _Advice] = {
    HTTPStatus.BAD_REQUEST: _Advice("That sign-in does not hold.", f"Nothing was changed. {_AGAIN}"),
    HTTPStatus.FORBIDDEN: _Advice(
        "Staff only.",
        "Twitch asks each time as whom: choose the broadcaster, or a moderator whom the broadcaster lets in."
        " It is asked who you are, and for no permission.",
    ),
    HTTPStatus.NOT_FOUND: _Advice(
        "There is no door here.", "The console tells how one signs in, or what is to be set up.", "console"
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: _Advice(
        "Nobody answers.", "The show goes on, and so does whoever is signed in. Try again in a moment."
    ),
}


def _told(answer: Callable[[AnyRequest, Any], Response[str]]) -> Callable[[AnyRequest, Any], Response[str]]:
    """Show people what a program is told."""

    def tell(request: AnyRequest, error: Exception) -> Response[str]:
        plain = answer(request, error)
        if not is_for_people(request):
            return plain
        advice = _ADVICE.get(plain.status_code or 0, _OTHERWISE)
        words = {"title": advice.title, "said": _sentence(plain.content), "remedy": advice.remedy}
        shown = page("sign-in", request, "../", **words, again=advice.again)
        shown.status_code = plain.status_code
        shown.headers["cache-control"] = "no-store"
        return shown

    return tell


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


FOR_PEOPLE: Final[ExceptionHandlersMap] = {
    ShowtimeError: _told(on_showtime_error),
    HTTPException: _told(on_http_exception),
    Exception: _told(on_exception),
}
"""Answers a browser whose sign-in failed."""
