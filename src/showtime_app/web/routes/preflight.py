"""The links of the show, tried before a night: `GET` and `POST /admin/preflight`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Self

from attrs import define, field
from litestar import Router, get, post
from litestar.params import JSONBody
from msgspec import Struct

from showtime_app.web.middleware.access import BROADCASTER, HOST, Guards
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.routes.options import options
from showtime_core.domain.preflight.links import (
    ABOUT,
    Link,
    LinkResult,
    LinkState,
    explain_remedy,
    explain_without,
)
from showtime_core.domain.preflight.runs import Preflight
from showtime_core.errors import Refused
from showtime_core.texts import format_time
from showtime_core.use_cases.preflight import RunPreflight


class TriedLink(Struct, rename="camel"):
    """A link of the show, and how it was found."""

    name: Annotated[Link, says("Which it is.")]
    state: Annotated[
        LinkState, says("How it was found; what was not tried is unknown, and unknown is not ok.")
    ]
    said: Annotated[str, says("What was found, in a few words.")]
    tried: Annotated[str, says("What a try does.")]
    remedy: Annotated[str | None, says("What to do about it; null: nothing.")]
    goes_on: Annotated[str | None, says("What goes on without it; null: it has not failed.")]
    tried_at: Annotated[str | None, says("When it was last tried; null: never.", format="date-time")]
    milliseconds: Annotated[int | None, says("How long that took; null: it was never tried.")]


class TriedLinks(Struct, rename="camel"):
    """All links of the show."""

    is_running: Annotated[bool, says("Whether links are being tried, on whichever instance.")]
    links: Annotated[list[TriedLink], says("All of them, always in the same order.")]


class LinksToTry(Struct):
    """Which links to try."""

    links: Annotated[
        list[str] | None, says("Their names; left out: all.", items={"enum": list(Link)}, minItems=1)
    ] = None


@define
class PreflightJobs:
    """Runs that go on while requests are answered; what goes on at the end is cancelled, and waited for."""

    use_case: RunPreflight
    _jobs: set["asyncio.Task[None]"] = field(factory=set)

    async def start(self, links: Sequence[Link]) -> None:
        """Begin to try these links; raises what `RunPreflight.begin` does."""
        run_id = await self.use_case.begin(links)
        job = asyncio.create_task(self.use_case.perform(run_id, links))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for job in (jobs := tuple(self._jobs)):
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def router(jobs: PreflightJobs, guards: Guards) -> Router:
    """Let hosts read what was found, and the broadcaster alone have links tried."""
    of_hosts: dict[str, Any] = {"guards": [guards.host], "security": HOST}
    of_the_broadcaster: dict[str, Any] = {"guards": [guards.broadcaster], "security": BROADCASTER}

    @get("/preflight", opt=said("get_preflight"), **of_hosts)
    async def get_preflight() -> TriedLinks:
        """Tell how each link of the show was found when it was last tried."""
        return describe_preflight(await jobs.use_case.current())

    @post("/preflight", status_code=202, opt=said("try_links"), **of_the_broadcaster)
    async def try_links(data: JSONBody[LinksToTry | None] = None) -> TriedLinks:
        """Try links for real, all or some; `GET` tells what comes of it, within 30 s."""
        await jobs.start(read_links(data.links if data else None))
        return describe_preflight(await jobs.use_case.current())

    handlers = [options("/preflight", "GET", "HEAD", "POST", guard=guards.host), get_preflight, try_links]
    return Router("/admin", route_handlers=handlers, tags=["host"])


def read_links(names: Sequence[str] | None) -> Sequence[Link]:
    """Read which links are meant, None: all; raises Refused for a name that is none, or for no names."""
    if names is None:
        return tuple(Link)
    unknown = [name for name in names if name not in set(Link)]
    if unknown or not names:
        raise Refused(f"links must be some of {', '.join(Link)}")
    return tuple(link for link in Link if link in names)


def describe_preflight(known: Preflight) -> TriedLinks:
    """Tell what is known of all links."""
    return TriedLinks(known.is_running, [_describe(link, found) for link, found in known.in_order()])


def _describe(link: Link, result: LinkResult | None) -> TriedLink:
    tried = ABOUT[link].tried
    if result is None:
        return TriedLink(link, LinkState.UNKNOWN, "not tried yet", tried, None, None, None, None)
    found, at = result.finding, format_time(result.tried_at)
    what_to_do = explain_remedy(result), explain_without(result)
    return TriedLink(link, found.state, found.said, tried, *what_to_do, at, result.milliseconds)
