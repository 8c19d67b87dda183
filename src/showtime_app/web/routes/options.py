"""What a path with several handlers answers to OPTIONS."""

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

from showtime_app.web.middleware.access import Guard


def options(path: str, *methods: str, guard: Guard | None = None) -> HTTPRouteHandler:
    """Make the handler that names these methods; the framework's own names the first handler's alone."""
    allow = ", ".join(sorted({*methods, "OPTIONS"}))
    guards = [guard] if guard else []

    @route(path, http_method=[HttpMethod.OPTIONS], status_code=204, include_in_schema=False, guards=guards)
    async def tell_methods() -> Response[None]:
        return Response(None, headers={"allow": allow})

    return tell_methods
