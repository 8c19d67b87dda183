"""The routes of sign-in: who one is, how one gets in, and how one leaves."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from attrs import define, field, frozen
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from showtime_app.web.middleware.cookies import Cookies
from showtime_app.web.middleware.same_origin import SameOrigin, is_on_this_machine
from showtime_app.web.openapi.descriptions import AWAY, described, said, says
from showtime_app.web.routes.options import options
from showtime_app.web.routes.sign_in_page import FOR_PEOPLE
from showtime_core.domain.sessions import (
    MAX_PATH,
    OWN_PATH,
    Host,
    HostRole,
    Permission,
    SignInWay,
    permissions,
)
from showtime_core.errors import LimitReached, NotAllowed, NotAuthenticated
from showtime_core.use_cases.sign_in import CODE_NOT_KNOWN, NewToken, SignIn, TwitchReply

_CHANCE_BYTES = 32
_MAX_TRIES = 10
_TRIES_SECONDS = 60.0
_TOO_MANY_TRIES = "too many codes that are not accepted: try again in a minute"
_NOT_HERE = "one signs in without Twitch on this machine alone, at the address that `showtime dev` prints"

AnyRequest = Request[Any, Any, Any]
_Body = TypeVar("_Body")


class SessionState(Struct, rename="camel"):
    """Who is signed in with this browser, and how one signs in here."""

    role: Annotated[str | None, says("What the host is; null: nobody is signed in.", enum=[None, *HostRole])]
    user_id: Annotated[str | None, says("The user id at Twitch.")]
    login: Annotated[str | None, says("The login at Twitch.")]
    display_name: Annotated[str | None, says("The name as people see it.")]
    way: Annotated[
        SignInWay | None, says("How one signs in here; null: sign-in is not set up, `message` says why.")
    ]
    may: Annotated[list[Permission], says("What the host may do, beside reading.")]
    message: Annotated[str, says("What is to be known about it, for people; empty: nothing.")]


class PairingCode(Struct):
    """The code that pairs a phone."""

    code: Annotated[str, says("As it stands behind `#pair=` in the address that was scanned.")]


_ELSEWHERE = "go on at the address that location tells"
_CROSS_SITE = ["a change by a cookie must come from a page of this service; this one comes from elsewhere"]
To = Annotated[
    str,
    QueryParameter(
        name="to",
        description="The path of this service at which the browser ends up.",
        schema_extra={"pattern": f"^{OWN_PATH.pattern}$", "maxLength": MAX_PATH},
    ),
]
State = Annotated[str, QueryParameter(name="state", description="What Twitch was given.")]
Code = Annotated[str, QueryParameter(name="code", description="What Twitch gives for a sign-in.")]
Error = Annotated[str, QueryParameter(name="error", description="Twitch's word for what went wrong.")]


@define
class LimitedTries:
    """Counts codes that were not accepted: ten within a minute, and for a while no more are looked at."""

    clock: Callable[[], float] = time.monotonic
    _failed: deque[float] = field(factory=deque)

    def require(self) -> None:
        """Raise LimitReached where there were too many."""
        now = self.clock()
        while self._failed and self._failed[0] <= now - _TRIES_SECONDS:
            self._failed.popleft()
        if len(self._failed) >= _MAX_TRIES:
            wait = timedelta(seconds=self._failed[0] + _TRIES_SECONDS - now)
            raise LimitReached(_TOO_MANY_TRIES, "pairing", wait)

    def count(self) -> None:
        """Count one that was not accepted."""
        self._failed.append(self.clock())


@frozen(eq=False)
class SessionRoutes:
    """What the routes need."""

    use_case: SignIn
    cookies: Cookies
    same_origin: SameOrigin
    prefix: str = ""
    """What a proxy puts before our paths."""
    tries: LimitedTries = field(factory=LimitedTries)

    def router(self) -> Router:
        """Make the routes; those that need no Twitch are there on a laptop alone."""
        handlers = [*_reading(self), *_at_twitch(self)]
        if self.use_case.way is SignInWay.LOCAL:
            handlers += _without_twitch(self)
        return Router("/session", route_handlers=handlers, tags=["session"])

    def session_token(self, request: AnyRequest) -> str | None:
        """Give the token of the session that the browser has; None: it has none."""
        return self.cookies.read(request.scope, self.cookies.session)

    async def identify(self, request: AnyRequest) -> Host | None:
        """Tell who is signed in with this browser."""
        token = self.session_token(request)
        try:
            return await self.use_case.identify(token) if token else None
        except NotAuthenticated:
            return None

    def new_token(self, request: AnyRequest) -> NewToken:
        """Draw the token of a session in place of what the browser has."""
        return NewToken(secrets.token_urlsafe(_CHANCE_BYTES), self.session_token(request))


def _reading(routes: SessionRoutes) -> list[HTTPRouteHandler]:
    @get("/", opt=said("get_session"))
    async def get_session(request: AnyRequest) -> SessionState:
        """Tell who is signed in with this browser, and how one signs in here."""
        who, use_case = await routes.identify(request), routes.use_case
        message = "" if use_case.way else use_case.why_not
        if who is None:
            return SessionState(None, None, None, None, use_case.way, [], message)
        viewer, may = who.viewer, [*permissions(who.role)]
        return SessionState(
            who.role, viewer.id, viewer.login, viewer.display_name, use_case.way, may, message
        )

    @delete("/", status_code=204, opt=described(refusals={403: _CROSS_SITE, **AWAY}))
    async def sign_out(request: AnyRequest) -> Response[None]:
        """End the session of this browser; nothing happens if it has none."""
        token = routes.session_token(request)
        if token is not None:
            routes.same_origin.require(request.scope)
            await routes.use_case.sign_out(token)
        return _with_cookies(Response(None), routes.cookies.removed(routes.cookies.session))

    return [options("/", "GET", "DELETE"), get_session, sign_out]


def _at_twitch(routes: SessionRoutes) -> list[HTTPRouteHandler]:
    @get(
        "/sign-in",
        status_code=302,
        media_type="text/plain",
        exception_handlers=FOR_PEOPLE,
        opt=said("begin_sign_in"),
    )
    async def begin_sign_in(to: To = "/") -> Response[str]:
        """Send the browser to Twitch, to sign in within ten minutes, with this browser alone."""
        state, browser = (secrets.token_urlsafe(_CHANCE_BYTES) for _ in range(2))
        url = await routes.use_case.begin(state, browser, to)
        return _with_cookies(_redirect(HTTPStatus.FOUND, url), routes.cookies.of_sign_in(browser))

    @get(
        "/callback",
        status_code=303,
        media_type="text/plain",
        exception_handlers=FOR_PEOPLE,
        opt=said("finish_sign_in"),
    )
    async def finish_sign_in(
        request: AnyRequest, given_state: State = "", code: Code = "", error: Error = ""
    ) -> Response[str]:
        """Sign in whom Twitch sends back, by a new session, and lead on to where the sign-in was to lead.

        A browser whose sign-in fails is shown a page that says why.
        """
        browser = routes.cookies.read(request.scope, routes.cookies.sign_in)
        token = routes.new_token(request)
        path = await routes.use_case.finish(TwitchReply(given_state, browser or "", code, error), token)
        return _with_cookies(
            _redirect(HTTPStatus.SEE_OTHER, routes.prefix + path),
            routes.cookies.of_session(token.token),
            routes.cookies.removed(routes.cookies.sign_in),
        )

    return [begin_sign_in, finish_sign_in]


def _without_twitch(routes: SessionRoutes) -> list[HTTPRouteHandler]:
    @post("/laptop", status_code=204, opt=described(refusals={403: [_NOT_HERE, *_CROSS_SITE], **AWAY}))
    async def sign_in_locally(request: AnyRequest) -> Response[None]:
        """Let in whoever sits at this machine, as the broadcaster."""
        if not is_on_this_machine(request.scope):
            raise NotAllowed(_NOT_HERE)
        routes.same_origin.require(request.scope)
        token = routes.new_token(request)
        await routes.use_case.let_in(token)
        return _with_cookies(Response(None), routes.cookies.of_session(token.token))

    @post("/pair", status_code=204, opt=said("pair_phone", {401: [CODE_NOT_KNOWN], 429: [_TOO_MANY_TRIES]}))
    async def pair_phone(request: AnyRequest, data: JSONBody[PairingCode]) -> Response[None]:
        """Let in who has scanned the code that `showtime dev --lan` prints, as the broadcaster; once."""
        routes.same_origin.require(request.scope)
        routes.tries.require()
        token = routes.new_token(request)
        try:
            await routes.use_case.pair(data.code, token)
        except NotAuthenticated:
            routes.tries.count()
            raise
        return _with_cookies(Response(None), routes.cookies.of_session(token.token))

    return [sign_in_locally, pair_phone]


def _redirect(status: HTTPStatus, url: str) -> Response[str]:
    return Response(_ELSEWHERE, status_code=status, media_type="text/plain", headers={"location": url})


def _with_cookies(response: Response[_Body], *cookies: Cookie) -> Response[_Body]:
    for cookie in cookies:
        response.set_cookie(cookie)
    return response
