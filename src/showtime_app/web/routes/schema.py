"""The routes that describe all routes, themselves included: a page for people, a document for machines.

A proxy strips a prefix that we do not know, so that every reference is relative.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from showtime_app.web.asgi import without_slash
from showtime_app.web.openapi.descriptions import Object, said
from showtime_app.web.openapi.document import describe
from showtime_app.web.openapi.page import CONTENT_SECURITY_POLICY, render


def routes(
    handlers: Sequence[ControllerRouterHandler], beside: Mapping[str, Object], shapes: Mapping[str, Object]
) -> list[HTTPRouteHandler]:
    """Make the routes that describe these handlers, and the operations beside them."""

    @cache
    def document() -> Object:
        """Describe everything when it is first asked for: a start need not wait for it."""
        return describe([*handlers, *ours], beside, shapes)

    @get("/schema", media_type="text/html", tags=["schema"], opt=said("describe_for_people"))
    async def describe_for_people(request: Request[Any, Any, Any]) -> Response[str]:
        """Describe all routes on a page, which needs nothing but itself."""
        link = f"{without_slash(request.scope)}schema/openapi.json"
        policy = {"content-security-policy": CONTENT_SECURITY_POLICY}
        return Response(render(document(), link), media_type="text/html", headers=policy)

    @get("/schema/openapi.json", tags=["schema"], opt=said("describe_for_machines"))
    async def describe_for_machines() -> dict[str, Any]:
        """Describe all routes in OpenAPI 3.1."""
        return document()

    ours: list[HTTPRouteHandler] = [describe_for_people, describe_for_machines]
    return ours
