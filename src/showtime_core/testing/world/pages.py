"""Pages of overlays, which play what the show gives them, and die or stop painting in the midst of it."""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from showtime_core.domain.show.queue import Showing
from showtime_core.domain.show.taking import NextAnswer, OverlayRole, Wait
from showtime_core.errors import NotFound, ShowingOver, Unavailable
from showtime_core.testing.world.overlay_log import Acknowledged, OverlayCall, OverlayLog, Taken

if TYPE_CHECKING:
    from showtime_core.testing.world.world import World

_FRAMES = 60
_REPORT_SECONDS = 0.9
_AGAIN_SECONDS = 0.5
_MIRROR_SECONDS = 2.0
_TIMEOUT = 3.0


class OverlayPage:
    """A page of an overlay: it counts the frames that it paints, and reports them."""

    def __init__(self, world: "World", number: int, log: OverlayLog) -> None:
        self._world, self._number, self._log = world, number, log
        self._stopped_at: float | None = None
        """Since when it paints nothing."""
        self._loaded_at = world.loop.now
        self._stopped_for = 0.0
        self._lives = 0
        self._life: asyncio.Task[None] | None = None
        self._freezing: asyncio.Task[None] | None = None
        self.confirmed: set[UUID] = set()
        """What it was told is shown."""

    @property
    def name(self) -> str:
        """By which it is known: another one each time it is loaded."""
        return f"page {self._number}.{self._lives}"

    def load(self) -> None:
        """Begin, or begin anew and know nothing."""
        if self._life:
            self._life.cancel()
            self._world.trace.note(self.name, "dies")
            self._log.unheard.append(
                OverlayCall(self.name, self._world.loop.now)
            )  # what it has asked may come
        self._lives += 1
        self._loaded_at, self._stopped_for = self._world.loop.now, 0.0
        self._life = asyncio.create_task(self._live())

    def close(self) -> None:
        """End."""
        if self._life:
            self._life.cancel()

    async def stop_painting(self, seconds: float) -> None:
        """Paint nothing for a while, and do not know it."""
        if self._stopped_at is not None:
            return
        self._world.trace.note(self.name, f"paints nothing for {seconds:g} s")
        self._stopped_at = self._world.loop.now
        await asyncio.sleep(seconds)
        self._stopped_for += self._world.loop.now - max(self._stopped_at, self._loaded_at)
        self._stopped_at = None

    async def _live(self) -> None:
        while True:
            await self._wait_for_alerts()
            answer = await self._ask()
            if answer and answer.playing and answer.wait is None:
                await self._play(answer.playing, self._log.taken[-1])
                continue
            is_other = answer is not None and answer.wait in {Wait.MIRRORING, Wait.PLAYING}
            await asyncio.sleep(_MIRROR_SECONDS if is_other else _AGAIN_SECONDS)

    async def _wait_for_alerts(self) -> None:
        while not self._world.has_unplayed():
            await self._world.news.wait()

    async def _ask(self) -> NextAnswer | None:
        """Ask for the next alert; None: the answer was lost."""
        world, sent = self._world, self._world.loop.now
        run = world.chance.choice(world.instances)
        try:
            work = run.run_show.take_next(self.name, self._frames())
            answer: NextAnswer | None = await run.call(work, _TIMEOUT)
        except (Unavailable, TimeoutError):
            answer = None
        if answer is None or world.happens("answers to pages are lost", 0.03):
            world.trace.sometimes("an overlay was not answered")
            self._log.unheard.append(OverlayCall(self.name, sent))
            return None
        self._note(answer, sent)
        return answer

    def _note(self, answer: NextAnswer, sent: float) -> None:
        call = OverlayCall(self.name, sent, self._world.loop.now)
        if answer.role is OverlayRole.LEADER:
            self._log.led.append(call)
        if answer.wait is Wait.PLAYING:
            self._log.told_that_another_plays.append(call)
        if answer.playing and answer.wait is None:
            showing = answer.playing
            self._log.taken.append(
                Taken(
                    self.name, sent, call.heard, showing.id, showing.covers, showing.attempt, showing.seconds
                )
            )

    async def _play(self, showing: Showing, taken: Taken) -> None:
        """Play, and report in the meantime; then acknowledge it until that is answered."""
        world = self._world
        world.trace.note(self.name, f"plays {showing.alert.id}, try {showing.attempt}")
        if showing.attempt > 1:
            world.trace.sometimes("an alert was shown again after an interruption")
        if world.happens("pages acknowledge too early", 0.05):
            await self._report(taken, is_over=True)
        if world.happens("pages freeze as they play", 0.03):
            self._freezing = asyncio.create_task(self.stop_painting(2 * showing.seconds))
        ends = world.loop.now + showing.seconds
        while world.loop.now < ends:
            await asyncio.sleep(min(_REPORT_SECONDS, ends - world.loop.now + 0.001))
            if not await self._report(taken, is_over=world.loop.now >= ends):
                return

    async def _report(self, taken: Taken, *, is_over: bool) -> bool:
        """Renew, or acknowledge; tells whether to go on."""
        world, sent, painted_at = self._world, self._world.loop.now, self._painted_at()
        run = world.chance.choice(world.instances)
        do = run.run_show.acknowledge if is_over else run.run_show.renew
        try:
            await run.call(do(taken.showing, self.name, self._frames()), _TIMEOUT)
        except (Unavailable, TimeoutError):
            self._log.unheard.append(OverlayCall(self.name, sent))
            return True
        except (ShowingOver, NotFound) as reason:
            world.trace.note(self.name, f"is told that it is over: {reason}")
            return "too early" in str(reason)
        if is_over:
            self.confirmed.add(taken.showing)
            world.trace.note(self.name, "has shown it")
            heard = world.loop.now
            self._log.accepted.append(Acknowledged(self.name, sent, heard, taken, painted_at))
            return False
        self._log.renewed.append(OverlayCall(self.name, sent, world.loop.now))
        return True

    def _painted_at(self) -> float:
        return self._world.loop.now if self._stopped_at is None else max(self._stopped_at, self._loaded_at)

    def _frames(self) -> int:
        """Count the frames that it has painted since it was loaded."""
        return max(0, round((self._painted_at() - self._loaded_at - self._stopped_for + 1) * _FRAMES))
