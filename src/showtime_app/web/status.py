"""How it stands: for people, for a load balancer, for Prometheus."""

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, TypedDict

from attrs import define, frozen
from litestar import get
from litestar.handlers import HTTPRouteHandler

from showtime_app.metrics import CONTENT_TYPE, Backlog, Metrics
from showtime_app.web.described import AWAY, described, says
from showtime_core.broadcast import ChannelState
from showtime_core.chat import ChatHealth
from showtime_core.errors import Unavailable

_CACHE_SECONDS = 30.0
_METRIC = 'showtime_stream_clients{stream="alerts"} 2.0\n'


class Status(TypedDict):
    """How it stands."""

    isReady: Annotated[bool, says("Whether all that is configured works.")]
    message: Annotated[str, says("How it stands, for people.")]


_WELL: Status = {"isReady": True, "message": "showtime is fully operational."}


@frozen
class Standing:
    """How it stands, told to people."""

    is_ready: bool
    message: str


def judge(state: ChannelState, chat: ChatHealth | None, off: Collection[str]) -> Standing:
    """Tell how it stands: from what Twitch has told us, how chat is read, and what is off."""
    if state.revocations:
        ended = state.revocations[-1]
        return Standing(
            is_ready=False,
            message=f"Twitch has revoked the subscription to {ended.type}. (Error: {ended.reason})",
        )
    if chat and chat.failure:
        return Standing(is_ready=False, message=f"chat functionality is degraded. (Error: {chat.failure})")
    said = f" Off: {', '.join(sorted(off))}." if off else ""
    return Standing(is_ready=True, message="showtime is fully operational." + said)


@define
class Watch:
    """Looks how it stands, at most every 30 s: strangers cannot make it look more often."""

    read_state: Callable[[], Awaitable[ChannelState]]
    read_chat: Callable[[], Awaitable[ChatHealth | None]]
    off: Collection[str]
    """What this channel does without."""
    _standing: Standing | None = None
    _looked_at: float = 0.0

    async def look(self) -> Standing:
        """Tell how it stood when it was last looked; a database that is away is looked for every time."""
        if self._standing is None or time.monotonic() - self._looked_at > _CACHE_SECONDS:
            try:
                self._standing = judge(await self.read_state(), await self.read_chat(), self.off)
            except Unavailable as reason:
                return Standing(is_ready=False, message=f"showtime is not ready. (Error: {reason})")
            self._looked_at = time.monotonic()
        return self._standing


def routes(
    watch: Watch,
    check: Callable[[], Awaitable[None]],
    metrics: Metrics,
    read_backlog: Callable[[], Awaitable[Backlog]],
) -> list[HTTPRouteHandler]:
    """Make the routes; `check` raises Unavailable while this instance should get no requests."""

    @get(["/", "/status"], tags=["status"], opt=described(example=_WELL))
    async def status() -> Status:
        """Tell people how it stands; always 200."""
        now = await watch.look()
        return {"isReady": now.is_ready, "message": now.message}

    @get("/healthz", media_type="text/plain", tags=["status"], opt=described(example="ok"))
    async def healthz() -> str:
        """Tell that the process lives."""
        return "ok"

    @get("/readyz", media_type="text/plain", tags=["status"], opt=described(example="ready", refusals=AWAY))
    async def readyz() -> str:
        """Tell whether the database is reachable and its migrations are current."""
        await check()
        return "ready"

    @get("/metrics", media_type=CONTENT_TYPE, tags=["status"], opt=described(example=_METRIC))
    async def prometheus() -> str:
        """Tell Prometheus what it measures."""
        try:
            metrics.set_backlog(await read_backlog())
        except Unavailable:
            metrics.set_backlog(None)
        return metrics.render().decode()

    return [status, healthz, readyz, prometheus]
