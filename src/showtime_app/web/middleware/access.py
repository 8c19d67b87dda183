"""Access: who may use a route, by a bearer token, by the session of a browser, or by a secret of the show."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

from attrs import frozen
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from showtime_app.web.middleware.cookies import Cookies
from showtime_app.web.middleware.same_origin import SameOrigin
from showtime_core.domain.sessions import Host, HostRole
from showtime_core.domain.show.show_secrets import SecretKind, kind_of
from showtime_core.domain.viewers import Identity
from showtime_core.errors import NotAllowed, NotAuthenticated, Refused
from showtime_core.ports import Authenticator, ShowSecrets
from showtime_core.texts import digest_of
from showtime_core.use_cases.sign_in import SignIn

AnyConnection = ASGIConnection[Any, Any, Any, Any]
ViewerRequest = Request[Identity, Any, Any]
"""A request that a guard below let pass."""
BROADCASTER: list[dict[str, list[str]]] = [{"token": ["broadcaster"]}, {"session": ["broadcaster"]}]
HOST: list[dict[str, list[str]]] = [{"token": ["broadcaster"]}, {"session": ["moderator"]}]
VIEWER: list[dict[str, list[str]]] = [{"token": []}]
"""What the guards below ask for, as OpenAPI writes it."""
OVERLAY: list[dict[str, list[str]]] = [{"secret": ["overlay"]}]
SHOW_HOST: list[dict[str, list[str]]] = [{"secret": ["hotkey"]}, *HOST]
"""The same, where secrets of the show are accepted."""
_SCHEME = re.compile(r"^bearer(?:\s+|$)", re.ASCII | re.IGNORECASE)
"""What may stand before a token, in any case (RFC 9110, 11.1)."""
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def broadcaster_only(authenticator: Authenticator) -> Guard:
    """Make a guard that lets the bearer of a broadcaster's token pass, and raises for everybody else."""
    viewers = viewers_only(authenticator)

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        await viewers(connection, handler)
        _require_broadcaster(connection.user)

    return guard


def viewers_only(authenticator: Authenticator) -> Guard:
    """Make a guard that lets pass whoever bears a token that is known; `request.user` tells who it is."""

    async def guard(connection: AnyConnection, _: BaseRouteHandler) -> None:
        connection.scope["user"] = await authenticator.identify(bearer_token(connection))

    return guard


@frozen(eq=False)
class Guards:
    """The guards of the hosts' routes: each raises for whom it does not let pass, with the reason.

    The handler finds who it is as `request.user`, but where a secret was brought.
    """

    authenticator: Authenticator
    sign_in: SignIn
    secrets: ShowSecrets
    cookies: Cookies
    same_origin: SameOrigin

    def __deepcopy__(self, _: object) -> Self:
        """Stay one: the framework copies handlers, with their guards and all that these hold."""
        return self

    async def host(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """Let pass the broadcaster, by a token or a session, and a moderator by a session.

        A token that is brought is what counts. A change by a session must come from a page of ours.
        """
        session = self.session_token(connection)
        if session is None:
            await broadcaster_only(self.authenticator)(connection, handler)
        else:
            self.same_origin.require(connection.scope)
            connection.scope["user"] = await self.sign_in.identify(session)

    async def broadcaster(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """Let pass the broadcaster alone, by a token or a session."""
        await self.host(connection, handler)
        _require_broadcaster(connection.user)

    def holders_of(self, kind: SecretKind, others: Guard | None = None) -> Guard:
        """Make a guard that lets pass whoever bears a secret of this kind that holds.

        Who bears none at all is sent to the guard of others; without one, only secrets are accepted.
        """

        async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
            is_session = others is not None and self.session_token(connection) is not None
            token = "" if is_session else bearer_token(connection)
            its_kind = kind_of(token)
            if its_kind is None and others:
                return await others(connection, handler)
            if its_kind is None or not await self.secrets.find(digest_of(token)):
                raise NotAuthenticated("access token was not accepted")
            if its_kind is not kind:
                raise NotAllowed(f"insufficient access: requires {kind}; you are {its_kind}")
            return None

        return guard

    def session_token(self, connection: AnyConnection) -> str | None:
        """Give the token of the session that a request is made by; None: it is not made by one."""
        if "authorization" in connection.headers:
            return None
        return self.cookies.read(connection.scope, self.cookies.session)

    def may_end(self, connection: AnyConnection) -> bool:
        """Tell whether it is known here when somebody may no longer: by a secret, or by a session."""
        return self.session_token(connection) is not None or kind_of(bearer_token(connection)) is not None


def bearer_token(connection: AnyConnection) -> str:
    """Give the token that a request brings; raises Refused if it brings none."""
    token = _SCHEME.sub("", connection.headers.get("authorization", "").strip())
    if not token:
        raise Refused("Twitch user access token or internal JWT must be supplied in Authorization header")
    return token


def _require_broadcaster(who: Identity | Host) -> None:
    if who.role != HostRole.BROADCASTER:  # by its name: a token has a role of another type
        raise NotAllowed(f"insufficient access: requires broadcaster; you are {who.role}")
