"""Use case: before a night each link is tried for real, and every instance knows what came of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from attrs import define, evolve, field, frozen

from showtime_core.domain.preflight.links import Finding, Link, LinkResult, failed, not_tried
from showtime_core.domain.preflight.runs import Preflight, begin_run, end_run
from showtime_core.errors import LimitReached, ShowtimeError, Unavailable
from showtime_core.ports import PreflightStore

_log = logging.getLogger(__name__)

DEADLINES: Mapping[Link, float] = dict.fromkeys(Link, 8.0) | {Link.CALLBACK: 15.0}
"""How many seconds a try may take, and so many, 8 at most, what must be asked before it.

With the 5 s in which the subscription of the callback is deleted all of it fits into a run. Twitch challenges
within seconds, or not at all.
"""
_BEFORE_SECONDS = 8.0


@frozen
class Attempt:
    """How a link is tried."""

    ask: Callable[[], Awaitable[Finding]]
    """Tries it; what this raises is what was found, in words."""
    before: Callable[[], Awaitable[object]] | None = None
    """What another link must give before this one can be tried."""
    lacking: str = ""
    """What to say where it does not."""


@define
class RunPreflight:
    """Tries links, all at once, each with a deadline: who hangs turns one light red, and holds up no other.

    What is found is kept for all instances. Where it cannot be kept, for the database is away, this instance
    remembers it.
    """

    store: PreflightStore
    attempts: Mapping[Link, Attempt]
    """How each link is tried."""
    clock: Callable[[], datetime]
    new_id: Callable[[], UUID]
    """Names a run as no other is named."""
    deadlines: Mapping[Link, float] = DEADLINES
    _own: Preflight = field(init=False)
    """What this instance has found itself, or is about to."""

    def __attrs_post_init__(self) -> None:
        self._own = Preflight(self.clock())

    async def current(self) -> Preflight:
        """Tell what is known of all links, by whichever instance has tried it."""
        own = evolve(self._own, now=self.clock())
        try:
            kept = await self.store.read()
        except Unavailable:
            return own
        results = dict(kept.results)
        for link, result in own.results.items():
            if link not in results or results[link].tried_at < result.tried_at:
                results[link] = result
        run = own.run if own.is_running and not kept.is_running else kept.run
        return evolve(kept, run=run, results=results)

    async def begin(self, links: Collection[Link]) -> UUID:
        """Begin a run that tries these links; gives its id, for `perform`.

        Raises AlreadyUnderWay while another goes on, on whichever instance, and LimitReached if the callback
        was tried a moment ago.
        """
        run_id = self.new_id()
        former = self._own.run
        self._own = evolve(self._own, run=begin_run(former, run_id, links, self.clock()))
        try:
            await self.store.change(lambda before, now: begin_run(before, run_id, links, now))
        except LimitReached:
            self._own = evolve(self._own, run=former)
            raise
        except Unavailable as reason:
            _log.warning("a preflight is begun that other instances cannot know of: %s", reason)
        return run_id

    async def perform(self, run_id: UUID, links: Collection[Link]) -> None:
        """Try these links; call it once for each run that was begun."""
        try:
            async with asyncio.TaskGroup() as group:
                for link in links:
                    group.create_task(self._try(link))
        finally:
            self._own = evolve(self._own, run=end_run(self._own.run, run_id, self.clock()))
            with suppress(Unavailable):
                await self.store.change(lambda before, now: end_run(before, run_id, now))

    async def _try(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        finding = await self._find(link)
        took = round((loop.time() - began) * 1000)
        result = LinkResult(link, finding, self.clock(), took)
        self._own = evolve(self._own, results={**self._own.results, link: result})
        with suppress(Unavailable):
            await self.store.save(result)

    async def _find(self, link: Link) -> Finding:
        """Try a link, whatever goes wrong."""
        attempt, seconds = self.attempts[link], self.deadlines[link]
        try:
            if attempt.before and not await _is_given(attempt.before, min(seconds, _BEFORE_SECONDS)):
                return not_tried(attempt.lacking)
            async with asyncio.timeout(seconds):
                return await attempt.ask()
        except TimeoutError:
            return failed(f"no answer within {seconds:g} s")
        except ShowtimeError as reason:
            return failed(str(reason))
        except Exception:  # a fault of ours in one try is no reason to tell nothing of the others
            _log.exception("the try of %s has failed", link)
            return failed("the try itself has failed: see the log of the server")


async def _is_given(ask: Callable[[], Awaitable[object]], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await ask()
    except (ShowtimeError, TimeoutError):
        return False
    return True
