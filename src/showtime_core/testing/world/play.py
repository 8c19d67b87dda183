"""Play one night, and judge it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.testing.entries import entry
from showtime_core.testing.world.audience import Twitch, Watcher
from showtime_core.testing.world.host import SeededHost
from showtime_core.testing.world.judge import judge
from showtime_core.testing.world.night import PAGES, SeededNight, Step
from showtime_core.testing.world.overlay_log import OverlayLog
from showtime_core.testing.world.pages import OverlayPage
from showtime_core.testing.world.said import WhatIsSaid
from showtime_core.testing.world.world import MEMORY, Parts, World

WATCHERS = 2
_REST_SECONDS = 20_000.0
"""How long after the last message everything must have come to an end."""
_SECONDS = {"generated-images": 4.0}
_SHORT = 0.8
"""How long an alert plays, in seconds: shortly, so that a night of many is over in time."""
_KINDS = (
    "follow",
    "raid",
    "cheer",
    "generated-images",
    "GiftSubAlert",
    "SubscribeAlert",
)


@frozen
class Played:
    """What came of a night."""

    night: SeededNight
    digest: str
    lines: list[str]
    reached: Counter[str]
    seconds: float
    """How long it was, by its own clock."""
    failure: Exception | None = None


def play(night: SeededNight, parts: Parts = MEMORY) -> Played:
    """Play a night to its end; a failure is returned and not raised, unless it is nobody's."""
    logging.disable(logging.CRITICAL)
    world = World(night, parts)
    world.loop.set_exception_handler(lambda *_: None)  # a request whose client is gone may fail
    failure: Exception | None = None
    try:
        world.loop.run_until_complete(_Evening(world).play())
    except Exception as reason:
        failure = reason
    finally:
        _close(world)
        logging.disable(logging.NOTSET)
    trace = world.trace
    return Played(night, trace.digest(), trace.lines, trace.reached, world.loop.now, failure)


def _close(world: World) -> None:
    """End whatever is still under way."""
    for instance in world.instances:
        instance.is_dead = True
    loop = world.loop
    tasks = sorted(asyncio.all_tasks(loop), key=hash)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


class _Evening:
    """A night that is played."""

    def __init__(self, world: World) -> None:
        self.world, self.twitch, self.host = world, Twitch(world), SeededHost(world)
        self.said, self.log = WhatIsSaid(), OverlayLog()
        self.watchers = [Watcher(world, f"watcher {number}") for number in range(WATCHERS)]
        self.pages = [OverlayPage(world, number, self.log) for number in range(PAGES)]
        self.under_way: list[asyncio.Task[Any]] = []

    async def play(self) -> None:
        """Let everything happen, wait until all has come to rest, and judge."""
        world = self.world
        await world.show.add(ShowSecret(UUID(int=1), SecretKind.OVERLAY, "OBS"), b"digest")
        await self._set_rules()
        await world.start()
        watching = [asyncio.create_task(watcher.watch()) for watcher in self.watchers]
        for page in self.pages:
            page.load()
        for step in world.night.steps:
            await asyncio.sleep(max(0.0, step.at - world.loop.now))
            self._do(step)
        await asyncio.gather(*self.under_way)
        await self._come_to_rest()
        for each in watching:
            each.cancel()
        for page in self.pages:
            page.close()
        await judge(world, self.twitch, self.host, self.watchers)
        self.log.check([each.id for each in world.alerts()], world.jumped_at, self.host.pauses)

    async def _set_rules(self) -> None:
        """Let alerts play shortly."""

        def shorten(show: Any) -> Any:  # noqa: ANN401
            rules = {kind: evolve(show.rule(kind), seconds=_SECONDS.get(kind, _SHORT)) for kind in _KINDS}
            return evolve(show, rules=rules), None

        await self.world.show.change(shorten)

    async def _come_to_rest(self) -> None:
        world, until = self.world, self.world.loop.now + _REST_SECONDS
        while not (world.is_at_rest() and not world.has_unplayed() and self._all_is_seen()):
            if world.loop.now > until:
                break  # judged as it is: who waits for ever is seen there
            await asyncio.sleep(5)

    def _all_is_seen(self) -> bool:
        newest = [(each.id, each.payload) for each in self.world.alerts()[-1:]]
        return all(watcher.seen[-1:] >= newest for watcher in self.watchers)

    def _do(self, step: Step) -> None:  # noqa: C901 - one for each kind
        world = self.world
        match step.what:
            case "instance crashes":
                self._begin(world.crash(step.who))
            case "instance freezes":
                self._begin(world.instances[step.who].freeze(step.amount))
            case "clock of an instance is off":
                self._begin(world.instances[step.who].go_wrong(step.amount))
            case "clock of the database jumps":
                world.jump_clock(step.amount)
            case "database is away":
                world.lose_database(step.amount)
            case "ledger freezes":
                world.trace.note("ledger", f"freezes for {step.amount:g} s")
                world.services.freeze_for(step.amount)
            case "page dies":
                self.pages[step.who].load()
            case "page stops painting":
                self._begin(self.pages[step.who].stop_painting(step.amount))
            case "tape is put on":
                self._begin(self.host.put_on(step.who))
            case "show is paused":
                self._begin(self.host.pause(step.amount))
            case _:
                self._tell(step)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        self.under_way.append(asyncio.create_task(work))

    def _tell(self, step: Step) -> None:
        world = self.world
        at = world.true_time() + world.twitch_skew
        event = self.said.event(step, at)
        if event is None:
            raise ValueError(f"nothing is known of {step.what!r}")
        message = entry(f"m{self.said.told}", event, at)
        world.sent[message.id] = message
        world.trace.note("Twitch", f"tells {message.id}: {step.what} {step.who} {step.amount:g}")
        self._begin(self.twitch.deliver(message))
