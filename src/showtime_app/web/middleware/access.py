"""Access: bearer tokens and roles, as guards of routes."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from showtime_core.domain.show.show_secrets import SecretKind, digest_of, kind_of
from showtime_core.domain.viewers import Identity, Role
from showtime_core.errors import NotAllowed, NotAuthenticated, Refused
from showtime_core.ports import Authenticator, ShowSecrets

AnyConnection = ASGIConnection[Any, Any, Any, Any]
ViewerRequest = Request[Identity, Any, Any]
"""A request that a guard below let pass."""
BROADCASTER: list[dict[str, list[str]]] = [{"token": ["broadcaster"]}]
VIEWER: list[dict[str, list[str]]] = [{"token": []}]
"""What the guards below ask for, as OpenAPI writes it."""
OVERLAY: list[dict[str, list[str]]] = [{"secret": ["overlay"]}]
SHOW_READER: list[dict[str, list[str]]] = [{"secret": ["overlay"]}, *BROADCASTER]
SHOW_HOST: list[dict[str, list[str]]] = [{"secret": ["hotkey"]}, *BROADCASTER]
"""The same, where secrets of the show are accepted."""
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
        connection.scope["user"] = await authenticator.identify(bearer_token(connection))

    return guard


def holders_of(kind: SecretKind, secrets: ShowSecrets, others: Guard | None = None) -> Guard:
    """Make a guard that lets pass whoever bears a secret of this kind that holds.

    Who bears none at all is sent to the guard of others; without one, only secrets are accepted.
    """

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        token = bearer_token(connection)
        its_kind = kind_of(token)
        if its_kind is None and others:
            return await others(connection, handler)
        if its_kind is None or not await secrets.find(digest_of(token)):
            raise NotAuthenticated("access token was not accepted")
        if its_kind is not kind:
            raise NotAllowed(f"insufficient access: requires {kind}; you are {its_kind}")
        return None

    return guard


def bearer_token(connection: AnyConnection) -> str:
    """Give the token that a request brings; raises Refused if it brings none."""
    token = _SCHEME.sub("", connection.headers.get("authorization", "").strip())
    if not token:
        raise Refused("Twitch user access token or internal JWT must be supplied in Authorization header")
    return token
