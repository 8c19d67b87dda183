"""Pages of overlays, which play what the show gives them, and die or stop painting in the midst of it."""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from showtime_core.domain.show.queue import Showing
from showtime_core.domain.show.taking import NextAnswer, Wait
from showtime_core.errors import NotFound, ShowingOver, Unavailable

if TYPE_CHECKING:
    from showtime_core.testing.world.world import World

_FRAMES = 60
_REPORT_SECONDS = 0.9
_AGAIN_SECONDS = 0.5
_MIRROR_SECONDS = 2.0


class OverlayPage:
    """A page of an overlay: it counts the frames that it paints, and reports them."""

    def __init__(self, world: "World", number: int) -> None:
        self._world, self._number = world, number
        self.is_painting = True
        self.confirmed: set[UUID] = set()
        """What it was told is shown."""
        self._loaded_at = world.loop.now
        self._stopped_for = 0.0
        self._lives = 0
        self._life: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """By which it is known: another one each time it is loaded."""
        return f"page {self._number}.{self._lives}"

    def load(self) -> None:
        """Begin, or begin anew and know nothing."""
        if self._life:
            self._life.cancel()
            self._world.trace.note(self.name, "dies")
        self._lives += 1
        self._loaded_at, self._stopped_for = self._world.loop.now, 0.0
        self._life = asyncio.create_task(self._live())

    def close(self) -> None:
        """End."""
        if self._life:
            self._life.cancel()

    async def stop_painting(self, seconds: float) -> None:
        """Paint nothing for a while, and do not know it."""
        if self.is_painting:
            self._world.trace.note(self.name, f"paints nothing for {seconds:g} s")
            self.is_painting = False
            await asyncio.sleep(seconds)
            self._stopped_for += seconds
            self.is_painting = True

    async def _live(self) -> None:
        while True:
            await self._wait_for_alerts()
            answer = await self._ask()
            if answer and answer.playing and answer.wait is None:
                await self._play(answer.playing)
                continue
            is_other = answer is not None and answer.wait in {Wait.MIRRORING, Wait.PLAYING}
            await asyncio.sleep(_MIRROR_SECONDS if is_other else _AGAIN_SECONDS)

    async def _wait_for_alerts(self) -> None:
        while not self._world.has_unplayed():
            await self._world.news.wait()

    async def _ask(self) -> NextAnswer | None:
        """Ask for the next alert; None: the answer was lost."""
        run = self._world.chance.choice(self._world.instances)
        try:
            async with asyncio.timeout(3):
                answer: NextAnswer = await run.call(run.run_show.take_next(self.name, self._frames()))
        except (Unavailable, TimeoutError):
            return None
        if self._world.happens("answers to pages are lost", 0.03):
            return None
        return answer

    async def _play(self, showing: Showing) -> None:
        """Play, and report in the meantime; then acknowledge it until that is answered."""
        world = self._world
        world.trace.note(self.name, f"plays {showing.alert.id}, try {showing.attempt}")
        if showing.attempt > 1:
            world.trace.sometimes("an alert was shown again after an interruption")
        ends = world.loop.now + showing.seconds
        while world.loop.now < ends:
            await asyncio.sleep(min(_REPORT_SECONDS, ends - world.loop.now + 0.001))
            if not await self._report(showing.id, is_over=world.loop.now >= ends):
                return

    async def _report(self, showing: UUID, *, is_over: bool) -> bool:
        """Renew, or acknowledge; tells whether to go on."""
        run = self._world.chance.choice(self._world.instances)
        do = run.run_show.acknowledge if is_over else run.run_show.renew
        try:
            async with asyncio.timeout(3):
                await run.call(do(showing, self.name, self._frames()))
        except (Unavailable, TimeoutError):
            return True
        except (ShowingOver, NotFound) as reason:
            self._world.trace.note(self.name, f"is told that it is over: {reason}")
            return False
        if is_over:
            self.confirmed.add(showing)
            self._world.trace.note(self.name, "has shown it")
        return True

    def _frames(self) -> int:
        if not self.is_painting:
            return self._kept
        self._kept = round((self._world.loop.now - self._loaded_at - self._stopped_for + 1) * _FRAMES)
        return self._kept

    _kept = 0
