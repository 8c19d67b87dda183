"""What `showtime dev` serves in place of the bucket and of Discord."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from showtime_app.web.asgi import without_slash

_STYLE = (files(__package__) / "gallery.css").read_text("utf-8")

Read = Callable[[str], Awaitable[bytes | None]]


def router(read_ghost: Read, read_post: Read, page: Callable[[str], Awaitable[str]]) -> Router:
    """Make the routes; `page` is told what stands before each reference of it."""

    @get("/gallery", media_type="text/html", include_in_schema=False)
    async def gallery(request: Request[Any, Any, Any]) -> str:
        """Show what was posted."""
        return await page(without_slash(request.scope))

    @get("/gallery.css", media_type="text/css", include_in_schema=False)
    async def style() -> str:
        """Say how the page looks."""
        return _STYLE

    @get("/ghosts/{key:path}", include_in_schema=False)
    async def ghost(key: FromPath[str]) -> Response[bytes]:
        """Show an image of the bucket."""
        return _image(await read_ghost(key.lstrip("/")))

    @get("/posts/{key:path}", include_in_schema=False)
    async def post(key: FromPath[str]) -> Response[bytes]:
        """Show an image of the gallery."""
        return _image(await read_post(key.lstrip("/")))

    return Router("/local", route_handlers=[gallery, style, ghost, post])


def _image(jpeg: bytes | None) -> Response[bytes]:
    if jpeg is None:
        raise NotFoundException("no such image")
    return Response(jpeg, media_type="image/jpeg")
