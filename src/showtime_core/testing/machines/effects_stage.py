"""What the state machine of effects plays on: an outbox as several instances see it, and what it has kept."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import Shown
from showtime_core.domain.outbox import Status
from showtime_core.domain.points_and_ghosts.effects import Effect
from showtime_core.domain.points_and_ghosts.ghosts import Ghost
from showtime_core.ports import Outbox, Parking, UnitOfWork
from showtime_core.testing.twins.outbox import MemoryOutbox, MemoryParking, Shelf
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


@frozen
class KeptEffect:
    """An effect, and what has become of it."""

    effect: Effect
    status: Status
    after: str | None
    """The key of the effect that it has waited for, or waits for."""
    remark: str | None


@frozen
class Kept:
    """All that is kept of effects."""

    effects: Mapping[str, KeptEffect]
    """By key."""
    ghosts: tuple[Ghost, ...]
    shown: tuple[Shown, ...]
    """The alerts of ghosts."""

    def keys(self, *statuses: Status) -> set[str]:
        """Name the effects that stand so."""
        return {key for key, kept in self.effects.items() if kept.status in statuses}


@frozen
class EffectsStage:
    """An empty channel with an outbox to play on."""

    units: UnitOfWork
    parking: Parking
    settle_after: timedelta
    """How long the outbox waits before it is looked what became of a call that a dead instance had made."""
    start: Callable[[], Coroutine[Any, Any, Outbox]]
    """Lets an instance begin."""
    die: Callable[[Outbox], Coroutine[Any, Any, None]]
    """Lets it end as a crash does."""
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""
    read: Callable[[], Coroutine[Any, Any, Kept]]


def memory_effects(now: Callable[[], datetime], settle_after: timedelta) -> EffectsStage:
    """Play in memory."""
    units = MemoryUnitOfWork(clock=now)
    shelf = Shelf(units, settle_after)

    async def start() -> Outbox:
        return shelf.instance()

    async def die(outbox: Outbox) -> None:
        assert isinstance(outbox, MemoryOutbox)
        outbox.die()

    async def wait(_: timedelta) -> None:
        """Time passes with the clock."""

    async def read() -> Kept:
        return _recall(shelf)

    return EffectsStage(units, MemoryParking(shelf), settle_after, start, die, wait, read)


def _recall(shelf: Shelf) -> Kept:
    shelf.take_in()
    return Kept(
        {
            key: KeptEffect(row.planned.effect, row.status, row.planned.after, row.remark)
            for key, row in shelf.rows.items()
        },
        tuple(shelf.ghosts.values()),
        tuple(one for one in shelf.units.memory.shown if isinstance(one.what, GhostAlert)),
    )
