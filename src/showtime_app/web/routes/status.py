"""How it stands: for people, for a load balancer, for Prometheus."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from attrs import define
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from showtime_app.metrics import CONTENT_TYPE, Metrics
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.routes.pages import is_for_people, page
from showtime_core.domain.health import PendingWork, Readiness
from showtime_core.errors import Unavailable

_CACHE_SECONDS = 30.0
_TROUBLE_CACHE_SECONDS = 3.0
"""Trouble may be over at once, and the database alone is asked."""


class Status(Struct, rename="camel"):
    """How it stands."""

    is_ready: Annotated[bool, says("Whether all that is configured works.")]
    message: Annotated[str, says("How it stands, for people.")]


@define
class ReadinessCache:
    """Readiness, read at most every 30 s (3 s in trouble), so that strangers cannot cause load.

    Twitch is not asked: whichever instance checks the channel keeps what it finds in the database.
    """

    judge: Callable[[], Awaitable[Readiness]]
    """Tells how it stands; raises Unavailable."""
    require_writable: Callable[[], Awaitable[None]]
    """Raises Unavailable from a write that failed until one succeeds."""
    _readiness: Readiness | None = None
    _read_again_at: float = 0.0

    async def current(self) -> Readiness:
        """Tell how it stood when it was last looked; a database that is away is looked for every time."""
        try:
            await self.require_writable()
            if self._readiness is None or time.monotonic() >= self._read_again_at:
                self._readiness = await self.judge()
                seconds = _CACHE_SECONDS if self._readiness.is_ready else _TROUBLE_CACHE_SECONDS
                self._read_again_at = time.monotonic() + seconds
        except Unavailable as reason:
            return Readiness(is_ready=False, message=f"showtime is not ready. (Error: {reason})")
        return self._readiness


def routes(
    watch: ReadinessCache,
    check: Callable[[], Awaitable[None]],
    metrics: Metrics,
    read_backlog: Callable[[], Awaitable[PendingWork]],
) -> list[HTTPRouteHandler]:
    """Make the routes; `check` raises Unavailable while this instance should get no requests."""

    async def current() -> Status:
        now = await watch.current()
        return Status(now.is_ready, now.message)

    @get("/status", tags=["status"], opt=said("status"))
    async def status() -> Status:
        """Tell people how it stands; always 200."""
        return await current()

    @get("/", tags=["status"], opt=said("status"))
    async def root(request: Request[Any, Any, Any]) -> Response[Status] | Response[str]:
        """Tell the same; a browser gets the page of the house."""
        if is_for_people(request):
            return page("house", request)
        return Response(await current(), headers={"vary": "accept"})

    @get("/healthz", media_type="text/plain", tags=["status"], opt=said("healthz"))
    async def healthz() -> str:
        """Tell that the process lives."""
        return "ok"

    @get("/readyz", media_type="text/plain", tags=["status"], opt=said("readyz"))
    async def readyz() -> str:
        """Tell whether the database is reachable, takes what is written, and its migrations are current."""
        await check()
        return "ready"

    @get("/metrics", media_type=CONTENT_TYPE, tags=["status"], opt=said("prometheus"))
    async def prometheus() -> str:
        """Tell Prometheus what it measures."""
        try:
            metrics.set_pending_work(await read_backlog())
        except Unavailable:
            metrics.set_pending_work(None)
        return metrics.render().decode()

    return [root, status, healthz, readyz, prometheus]
