"""Every port in memory: for unit tests, as the model of the state machine, for whoever embeds the core."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from attrs import Factory, evolve, frozen, mutable

from showtime_core.broadcast import Broadcast, ChannelState, Screening
from showtime_core.events import natural_key
from showtime_core.journal import (
    Admission,
    Entry,
    Malformed,
    Page,
    PlannedEffect,
    Reacted,
    Shown,
    Unknown,
    Verdict,
)
from showtime_core.reactions import Acquaintance, Policy


@frozen
class Memory:
    """All that is kept, as one value: a unit that fails leaves the one before."""

    state: ChannelState = ChannelState()
    journal: dict[str, Entry] = Factory(dict)
    facts: frozenset[str] = frozenset()
    verdicts: dict[str, Verdict] = Factory(dict)
    shown: tuple[Shown, ...] = ()
    effects: dict[str, PlannedEffect] = Factory(dict)
    viewers: dict[str, Acquaintance] = Factory(dict)
    broadcasts: dict[int, Broadcast] = Factory(dict)
    screenings: dict[str, Screening] = Factory(dict)
    reacted: tuple[Reacted, ...] = ()


@mutable
class MemoryUnit:
    """A transaction on a Memory."""

    memory: Memory
    admission: Admission

    async def write(self, page: Page) -> None:
        """Write all that follows."""
        kept = self.memory
        broadcasts = kept.broadcasts | {broadcast.id: broadcast for broadcast in page.broadcasts}
        for merged in page.merged_broadcasts:
            del broadcasts[merged]
        self.memory = evolve(
            kept,
            state=page.state,
            verdicts=kept.verdicts | {verdict.entry_id: verdict for verdict in page.verdicts},
            shown=kept.shown + page.shown,
            effects=kept.effects | {planned.key: planned for planned in page.effects},
            viewers=_remember(kept.viewers, page.acquaintances),
            broadcasts=broadcasts,
            screenings=kept.screenings | {str(screening.id): screening for screening in page.screenings},
        )


def _remember(viewers: dict[str, Acquaintance], met: Sequence[Acquaintance]) -> dict[str, Acquaintance]:
    known = dict(viewers)
    for new in met:
        old = known.get(new.viewer.id, new)
        known[new.viewer.id] = Acquaintance(
            new.viewer,
            followed_at=old.followed_at or new.followed_at,
            subscribed_at=old.subscribed_at or new.subscribed_at,
        )
    return known


def _read_clock() -> datetime:
    return datetime.now(UTC)


@mutable
class MemoryUnitOfWork:
    """The journal and state of a channel, in memory."""

    memory: Memory = Memory()
    clock: Callable[[], datetime] = _read_clock
    _lock: asyncio.Lock = Factory(asyncio.Lock)

    @asynccontextmanager
    async def begin(self, entries: Sequence[Entry], policy: Policy) -> AsyncIterator[MemoryUnit]:
        """Take the lock and record the entries that are new."""
        async with self._lock:
            unit = self._admit(entries, self.clock())
            yield unit
            replayable = tuple(
                Reacted(entry, unit.admission.now, policy, unit.memory.verdicts[entry.id].outcome)
                for entry in unit.admission.fresh
            )
            self.memory = evolve(unit.memory, reacted=unit.memory.reacted + replayable)

    def _admit(self, entries: Sequence[Entry], now: datetime) -> MemoryUnit:
        kept = self.memory
        fresh = {entry.id: entry for entry in reversed(entries) if entry.id not in kept.journal}
        in_order = [entry for entry in {entry.id: fresh.get(entry.id) for entry in entries}.values() if entry]
        facts, repeated = set(kept.facts), set()
        for entry in in_order:
            key = None if isinstance(entry.content, Malformed | Unknown) else natural_key(entry.content)
            if key in facts:
                repeated.add(entry.id)
            elif key:
                facts.add(key)
        admission = Admission(kept.state, now, tuple(in_order), frozenset(repeated))
        return MemoryUnit(evolve(kept, journal=kept.journal | fresh, facts=frozenset(facts)), admission)
