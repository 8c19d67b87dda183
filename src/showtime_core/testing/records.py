"""What an implementation of the unit of work has kept, read back in the words of the core."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState, Screening
from showtime_core.domain.events import TapeStopped
from showtime_core.domain.journal import AdmittedBatch, Entry, EntrySource, FeedItem, JournalChanges, Outcome
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import plan_changes


@frozen
class JournalLine:
    """One entry of the journal, and what became of it."""

    entry_id: str
    body: bytes
    now: datetime
    """The `now` that it was reacted to with."""
    policy: Policy
    outcome: Outcome
    remark: str | None


@frozen
class StoredViewer:
    """A viewer who is remembered, with the time of the first follow and subscription."""

    name: str
    """As people see it, when the viewer was met last."""
    followed_at: datetime | None
    subscribed_at: datetime | None


@frozen
class StoredRecords:
    """All that is stored; equal for any two implementations that were told the same at the same times."""

    state: ChannelState
    """As the next unit would be admitted with it."""
    journal: tuple[JournalLine, ...]
    """In the order in which it was written."""
    feed_items: tuple[FeedItem, ...]
    """Alerts and changes of state alike, in the order in which streams show them."""
    effects: dict[str, PlannedEffect]
    """By key."""
    viewers: dict[str, StoredViewer]
    """By Twitch's user id."""
    broadcasts: dict[int, Broadcast]
    screenings: dict[UUID, Screening]


@frozen
class Stage:
    """An empty channel to play on, as two instances of showtime see it, and a way to read what they kept."""

    units: UnitOfWork
    other: UnitOfWork
    """A second instance on the same channel; in memory it is the first again."""
    read: Callable[[], Coroutine[Any, Any, StoredRecords]]


async def record(units: UnitOfWork, batch: Sequence[Entry], policy: Policy) -> AdmittedBatch:
    """Record a batch in one unit, and tell what it was admitted with in the end."""
    admissions: list[AdmittedBatch] = []

    def watched(admitted: AdmittedBatch, policy: Policy) -> JournalChanges:
        admissions.append(admitted)
        return plan_changes(admitted, policy)

    changes = await units.record(batch, policy, watched)
    assert changes == plan_changes(admissions[-1], policy), "what was said last is what counts"
    return admissions[-1]


class _PeekedError(Exception):
    """That is all that was to be seen."""


async def peek(units: UnitOfWork) -> AdmittedBatch:
    """See what a command of the host would be admitted with, and leave no trace of it."""
    admissions: list[AdmittedBatch] = []

    def leave(admitted: AdmittedBatch, _: Policy) -> JournalChanges:
        admissions.append(admitted)
        raise _PeekedError

    with suppress(_PeekedError):
        await units.record(
            [Entry("look", EntrySource.HOST, "look", None, TapeStopped(), b"")], Policy(), leave
        )
    return admissions[-1]


def memory_stage(units: MemoryUnitOfWork) -> Stage:
    """Play in memory."""

    async def read() -> StoredRecords:
        return read_memory(units)

    return Stage(units, units, read)


def read_memory(units: MemoryUnitOfWork) -> StoredRecords:
    """Read what is kept in memory."""
    stored = units.memory
    return StoredRecords(
        state=stored.state,
        journal=tuple(
            JournalLine(
                line.entry.id,
                line.entry.body,
                line.now,
                line.policy,
                line.outcome,
                stored.verdicts[line.entry.id].remark,
            )
            for line in stored.records
        ),
        feed_items=stored.feed_items,
        effects=dict(stored.effects),
        viewers={
            met.viewer.id: StoredViewer(met.viewer.name, met.followed_at, met.subscribed_at)
            for met in stored.viewers.values()
        },
        broadcasts=dict(stored.broadcasts),
        screenings={screening.id: screening for screening in stored.screenings.values()},
    )
