"""Access: bearer tokens and roles, as guards of routes."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from showtime_core.domain.viewers import Identity, Role
from showtime_core.errors import NotAllowed, Refused
from showtime_core.ports import Authenticator

AnyConnection = ASGIConnection[Any, Any, Any, Any]
ViewerRequest = Request[Identity, Any, Any]
"""A request that a guard below let pass."""
BROADCASTER: list[dict[str, list[str]]] = [{"token": ["broadcaster"]}]
VIEWER: list[dict[str, list[str]]] = [{"token": []}]
"""What the guards below ask for, as OpenAPI writes it."""
_SCHEME = re.compile(r"^bearer(?:\s+|$)", re.ASCII | re.IGNORECASE)
"""What may stand before a token, in any case (RFC 9110, 11.1)."""
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def broadcaster_only(authenticator: Authenticator) -> Guard:
    """Make a guard that lets the broadcaster pass, and raises for everybody else with the reason."""
    viewers = viewers_only(authenticator)

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        await viewers(connection, handler)
        if connection.user.role is not Role.BROADCASTER:
            raise NotAllowed(f"insufficient access: requires broadcaster; you are {connection.user.role}")

    return guard


def viewers_only(authenticator: Authenticator) -> Guard:
    """Make a guard that lets pass whoever is known; the handler finds who it is as `request.user`."""

    async def guard(connection: AnyConnection, _: BaseRouteHandler) -> None:
        token = _SCHEME.sub("", connection.headers.get("authorization", "").strip())
        if not token:
            raise Refused("Twitch user access token or internal JWT must be supplied in Authorization header")
        connection.scope["user"] = await authenticator.identify(token)

    return guard
