"""Play one night, and judge it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.testing.entries import CAST, entry
from showtime_core.testing.world.audience import Twitch, Watcher
from showtime_core.testing.world.feed import MemoryStreams
from showtime_core.testing.world.judge import judge
from showtime_core.testing.world.night import PAGES, SeededNight, Step
from showtime_core.testing.world.pages import OverlayPage
from showtime_core.testing.world.world import MakeStreams, World

WATCHERS = 2
_SUBJECTS = ("Bela Lugosi", "a fax machine", "a seal")
_REST_SECONDS = 20_000.0
"""How long after the last message everything must have come to an end."""
_SECOND = 1.0


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


def play(night: SeededNight, make_streams: MakeStreams = MemoryStreams) -> Played:
    """Play a night to its end; a failure is returned and not raised, unless it is nobody's."""
    logging.disable(logging.CRITICAL)
    world = World(night, make_streams)
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
        self.world, self.twitch = world, Twitch(world)
        self.watchers = [Watcher(world, f"watcher {number}") for number in range(WATCHERS)]
        self.pages = [OverlayPage(world, number) for number in range(PAGES)]
        self.under_way: list[asyncio.Task[Any]] = []
        self.told = 0

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
        await judge(world, self.watchers, self.pages)

    async def _set_rules(self) -> None:
        """Let alerts play shortly, so that a night of many is over in time."""

        def shorten(show: Any) -> Any:  # noqa: ANN401
            kinds = (
                "follow",
                "raid",
                "cheer",
                "generated-images",
                "GiftedSubscriptionsAlert",
                "SubscriptionAlert",
            )
            return evolve(
                show, rules={kind: evolve(show.rule(kind), seconds=_SECOND) for kind in kinds}
            ), None

        await self.world.show.change(shorten)

    async def _come_to_rest(self) -> None:
        world, until = self.world, self.world.loop.now + _REST_SECONDS
        while not (world.is_at_rest() and not world.has_unplayed() and self._all_is_seen()):
            if world.loop.now > until:
                break  # judged as it is: who waits for ever is seen there
            await asyncio.sleep(5)

    def _all_is_seen(self) -> bool:
        newest = self.world.alerts()[-1:]
        return all(watcher.seen[-1:] >= newest for watcher in self.watchers)

    def _do(self, step: Step) -> None:
        world = self.world
        match step.what:
            case "instance crashes":
                self._begin(world.crash(step.who))
            case "instance freezes":
                self._begin(world.instances[step.who].freeze(step.amount))
            case "ledger freezes":
                world.trace.note("ledger", f"freezes for {step.amount:g} s")
                world.services.freeze_for(step.amount)
            case "page dies":
                self.pages[step.who].load()
            case "page stops painting":
                self._begin(self.pages[step.who].stop_painting(step.amount))
            case _:
                self._tell(step)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        self.under_way.append(asyncio.create_task(work))

    def _tell(self, step: Step) -> None:
        world = self.world
        self.told += 1
        at = world.now() + world.twitch_skew
        message = entry(f"m{self.told}", _event(step, at), at)
        world.sent[message.id] = message
        world.trace.note(
            "Twitch", f"tells {message.id}: {step.what} {step.amount:g} of {CAST[step.who].login}"
        )
        self._begin(self.twitch.deliver(message))


def _event(step: Step, at: datetime) -> ev.Event:  # noqa: PLR0911 - one for each kind
    viewer, amount = CAST[step.who], int(step.amount)
    match step.what:
        case "stream begins":
            return ev.StreamOnline("41375541868", "live", at, at)
        case "stream ends":
            return ev.StreamOffline(at)
        case "cheer for a ghost":
            return ev.Cheer(viewer, amount, f"ghost of {_SUBJECTS[step.who % len(_SUBJECTS)]}")
        case "cheer":
            return ev.Cheer(viewer, amount, "hello")
        case "anonymous cheer":
            return ev.Cheer(None, amount, "boo")
        case "follow":
            return ev.Follow(viewer, at)
        case "raid":
            return ev.Raid(viewer, amount)
        case "gift":
            return ev.GiftedSubscriptions(viewer, "1000", 1 + amount % 5)
        case "month":
            return ev.Resubscription(viewer, "1000", 3, "")
        case unknown:
            raise ValueError(f"nothing is known of {unknown!r}")
