"""The pages: the overlay, the console, the gallery of ghosts, the house's own: files, served as they are.

No page has data of its own: what it shows it reads from the routes that programs read too.
"""

import mimetypes
import re
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from showtime_app.web.asgi import without_slash
from showtime_app.web.etag import with_etag
from showtime_app.web.openapi.descriptions import said

_FOLDER = Path(str(files("showtime_app") / "pages"))
_FILES = {path.relative_to(_FOLDER).as_posix(): path for path in _FOLDER.rglob("*.*")}
"""What there is: a name that is not among them is refused, whatever it is."""
_PART = re.compile(r"{(\w+)}")
_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("font/woff2", ".woff2")
_TYPES.add_type("text/javascript", ".js")


def routes() -> list[HTTPRouteHandler]:
    """Make the routes."""

    @get("/overlay", media_type="text/html", tags=["pages"], opt=said("page"))
    async def overlay(request: Request[Any, Any, Any]) -> Response[str]:
        """Show the overlay for OBS; its secret stands behind the `#`, which no browser sends."""
        return page("overlay", request)

    @get("/ghosts", media_type="text/html", tags=["pages"], opt=said("page"))
    async def gallery(request: Request[Any, Any, Any]) -> Response[str]:
        """Show every ghost that was paid for; one of them with `?ghost=` and its id."""
        return page("ghosts", request)

    @get("/console", media_type="text/html", tags=["pages"], opt=said("page"))
    async def console(request: Request[Any, Any, Any]) -> Response[str]:
        """Show the host's console; whoever is not signed in sees how to."""
        return page("console", request)

    @get("/nights", media_type="text/html", tags=["pages"], opt=said("page"))
    async def nights(request: Request[Any, Any, Any]) -> Response[str]:
        """Show past nights, compared; one of them with `?night=` and its number."""
        return page("nights", request)

    @get("/pages/{path:path}", include_in_schema=False, middleware=[with_etag])
    async def file(path: FromPath[str]) -> Response[bytes]:
        """Give a part of a page: its style, its code, a font."""
        return Response(_read(path.strip("/")), media_type=_TYPES.guess_type(path)[0])

    return [overlay, gallery, console, nights, file]


def is_for_people(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a browser asks for what people are to see."""
    return request.headers.get("accept", "").startswith("text/html")


def page(name: str, request: Request[Any, Any, Any], up: str = "", **words: str) -> Response[str]:
    """Give a page; what it refers to is right before it, wherever a proxy has put it.

    `up` leads from the address without a slash at its end to where the pages are. Each of `words` is put, as
    text, where the page has its name in braces.
    """
    parts = {"here": without_slash(request.scope) + up, **words}
    text = _PART.sub(lambda part: escape(parts[part[1]]), _read(f"{name}.html").decode())
    return Response(text, media_type="text/html", headers={"cache-control": "no-cache", "vary": "accept"})


def _read(path: str) -> bytes:
    """Read a file of the pages; raises NotFoundException."""
    if path not in _FILES:
        raise NotFoundException("no such file")
    return _FILES[path].read_bytes()
