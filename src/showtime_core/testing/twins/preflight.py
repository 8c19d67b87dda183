"""What came of the tries before a night, in memory; and what is tried, as it is told to be."""

from collections.abc import Callable
from datetime import datetime

from attrs import define, evolve

from showtime_core.domain.preflight.links import LinkResult
from showtime_core.domain.preflight.runs import Preflight
from showtime_core.errors import Unavailable
from showtime_core.ports import ChangeRun


@define
class MemoryPreflightStore:
    """The latest run and the latest results; see `showtime_core.ports.PreflightStore`."""

    clock: Callable[[], datetime]
    is_away: bool = False
    is_read_only: bool = False
    _kept: Preflight | None = None

    async def read(self) -> Preflight:
        """Read the latest results, and the latest run."""
        if self.is_away:
            raise Unavailable("the database cannot be reached")
        now = self.clock()
        return evolve(self._kept, now=now) if self._kept else Preflight(now)

    async def change(self, change: ChangeRun) -> Preflight:
        """Change the run in one step, and give all that is known then."""
        kept = await self._read_to_write()
        self._kept = evolve(kept, run=change(kept.run, kept.now))
        return self._kept

    async def save(self, result: LinkResult) -> None:
        """Keep a result, unless there is a later one of the link."""
        kept = await self._read_to_write()
        former = kept.results.get(result.link)
        if former is None or former.tried_at <= result.tried_at:
            self._kept = evolve(kept, results={**kept.results, result.link: result})

    async def _read_to_write(self) -> Preflight:
        if self.is_read_only:
            raise Unavailable("the database is read-only")
        return await self.read()
