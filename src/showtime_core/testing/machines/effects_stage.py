"""What the state machine of effects plays on: an outbox as several instances see it, and what it has kept."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import FeedItem
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import Effect
from showtime_core.domain.points_and_ghosts.ghosts import Ghost
from showtime_core.ports import Outbox, ParkedItems, UnitOfWork
from showtime_core.testing.twins.outbox import MemoryOutbox, MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


@frozen
class StoredEffect:
    """An effect as it is stored, and what has become of it."""

    effect: Effect
    status: EffectStatus
    after: str | None
    """The key of the effect that it has waited for, or waits for."""
    remark: str | None


@frozen
class StoredEffects:
    """All that is stored of effects and ghosts."""

    effects: Mapping[str, StoredEffect]
    """By key."""
    ghosts: tuple[Ghost, ...]
    feed_items: tuple[FeedItem, ...]
    """The alerts of ghosts."""

    def keys(self, *statuses: EffectStatus) -> set[str]:
        """Name the effects that stand so."""
        return {key for key, stored in self.effects.items() if stored.status in statuses}


@frozen
class EffectsStage:
    """An empty channel with an outbox to play on."""

    units: UnitOfWork
    parked_items: ParkedItems
    settle_after: timedelta
    """How long the outbox waits before it is looked what became of a call that a dead instance had made."""
    start: Callable[[], Coroutine[Any, Any, Outbox]]
    """Lets an instance begin."""
    die: Callable[[Outbox], Coroutine[Any, Any, None]]
    """Lets it end as a crash does."""
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""
    read: Callable[[], Coroutine[Any, Any, StoredEffects]]
    set_back: Callable[[timedelta], Coroutine[Any, Any, None]] | None = None
    """Sets the clock of the outbox back, and not that of the ledger; None: it cannot be set."""


def memory_effects(now: Callable[[], datetime], settle_after: timedelta) -> EffectsStage:
    """Play in memory."""
    behind = timedelta(0)
    units = MemoryUnitOfWork(clock=lambda: now() - behind)
    table = MemoryOutboxTable(units, settle_after)

    async def start() -> Outbox:
        return table.instance()

    async def die(outbox: Outbox) -> None:
        assert isinstance(outbox, MemoryOutbox)
        outbox.die()

    async def wait(_: timedelta) -> None:
        """Time passes with the clock."""

    async def read() -> StoredEffects:
        return read_stored(table)

    async def set_back(time: timedelta) -> None:
        nonlocal behind
        behind += time

    return EffectsStage(units, MemoryParkedItems(table), settle_after, start, die, wait, read, set_back)


def read_stored(table: MemoryOutboxTable) -> StoredEffects:
    """Read what is kept in memory."""
    table.load_planned()
    return StoredEffects(
        {
            key: StoredEffect(row.planned.effect, row.status, row.planned.after, row.remark)
            for key, row in table.rows.items()
        },
        tuple(table.ghosts.values()),
        tuple(one for one in table.units.memory.feed_items if isinstance(one.content, GhostAlert)),
    )
