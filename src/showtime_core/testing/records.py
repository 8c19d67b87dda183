"""What an implementation of the unit of work has kept, read back in the words of the core."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState, Screening
from showtime_core.domain.events import TapeStopped
from showtime_core.domain.journal import Admission, Entry, Outcome, Page, Shown, Source
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import follow


@frozen
class Line:
    """One entry of the journal, and what became of it."""

    entry_id: str
    body: bytes
    now: datetime
    """The `now` that it was reacted to with."""
    policy: Policy
    outcome: Outcome
    remark: str | None


@frozen
class Remembered:
    """A viewer who is remembered."""

    name: str
    """As people see it, when the viewer was met last."""
    followed_at: datetime | None
    subscribed_at: datetime | None


@frozen
class Records:
    """All that is kept; equal for any two implementations that were told the same at the same times."""

    state: ChannelState
    """As the next unit would be admitted with it."""
    journal: tuple[Line, ...]
    """In the order in which it was written."""
    shown: tuple[Shown, ...]
    """Alerts and changes of state alike, in the order in which streams show them."""
    effects: dict[str, PlannedEffect]
    """By key."""
    viewers: dict[str, Remembered]
    """By Twitch's user id."""
    broadcasts: dict[int, Broadcast]
    screenings: dict[UUID, Screening]


@frozen
class Stage:
    """An empty channel to play on, as two instances of showtime see it, and a way to read what they kept."""

    units: UnitOfWork
    other: UnitOfWork
    """A second instance on the same channel; in memory it is the first again."""
    read: Callable[[], Coroutine[Any, Any, Records]]


async def record(units: UnitOfWork, batch: Sequence[Entry], policy: Policy) -> Admission:
    """Record a batch in one unit, and tell what it was admitted with in the end."""
    admissions: list[Admission] = []

    def watched(admission: Admission, policy: Policy) -> Page:
        admissions.append(admission)
        return follow(admission, policy)

    page = await units.record(batch, policy, watched)
    assert page == follow(admissions[-1], policy), "what was said last is what counts"
    return admissions[-1]


class _Seen(Exception):  # noqa: N818 - what happened, not an error of anybody's
    """That is all that was to be seen."""


async def look(units: UnitOfWork) -> Admission:
    """See what a command of the host would be admitted with, and leave no trace of it."""
    admissions: list[Admission] = []

    def leave(admission: Admission, _: Policy) -> Page:
        admissions.append(admission)
        raise _Seen

    with suppress(_Seen):
        await units.record([Entry("look", Source.HOST, "look", None, TapeStopped(), b"")], Policy(), leave)
    return admissions[-1]


def memory_stage(units: MemoryUnitOfWork) -> Stage:
    """Play in memory."""

    async def read() -> Records:
        return recall(units)

    return Stage(units, units, read)


def recall(units: MemoryUnitOfWork) -> Records:
    """Read what is kept in memory."""
    kept = units.memory
    return Records(
        state=kept.state,
        journal=tuple(
            Line(
                line.entry.id,
                line.entry.body,
                line.now,
                line.policy,
                line.outcome,
                kept.verdicts[line.entry.id].remark,
            )
            for line in kept.reacted
        ),
        shown=kept.shown,
        effects=dict(kept.effects),
        viewers={
            met.viewer.id: Remembered(met.viewer.name, met.followed_at, met.subscribed_at)
            for met in kept.viewers.values()
        },
        broadcasts=dict(kept.broadcasts),
        screenings={screening.id: screening for screening in kept.screenings.values()},
    )
