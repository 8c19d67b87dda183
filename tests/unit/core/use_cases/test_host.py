"""The host puts tapes on and takes them off, in one step each."""

import asyncio
from uuid import UUID

import pytest

from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.journal import EntrySource, Outcome
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.testing.entries import at, offline, online
from showtime_core.testing.records import read_memory
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.host import start_tape, stop_tape
from showtime_core.use_cases.receive import receive

POLICY = Policy()
FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest.fixture
async def units():
    units = MemoryUnitOfWork(clock=lambda: at(30))
    await receive([online("a", 0)], units, POLICY)
    return units


async def test_a_tape_is_on_from_the_hosts_command(units):
    """A tape is on from the host's command, whose id is the screening's, and viewers are told."""
    await start_tape(31, FIRST, units, POLICY)
    assert read_memory(units).screenings[FIRST].started_at == at(30)
    assert read_memory(units).feed_items[-1].content == Snapshot(
        is_live=True, broadcast_started_at=at(0), screening_tape_id=31, screening_started_at=at(30)
    )


async def test_changing_tapes_is_one_change_of_state(units):
    """Viewers see no empty screen between."""
    await start_tape(31, FIRST, units, POLICY)
    shown = len(read_memory(units).feed_items)
    await start_tape(86, SECOND, units, POLICY)
    assert [one.content.screening_tape_id for one in read_memory(units).feed_items[shown:]] == [86]


async def test_two_hosts_at_once_leave_one_tape_on(units):
    """Of two commands at once one tape is on, the one that comes last."""
    await asyncio.gather(*(start_tape(n, UUID(int=n), units, POLICY) for n in range(1, 20)))
    assert sum(one.ended_at is None for one in read_memory(units).screenings.values()) == 1


async def test_the_same_command_again_is_done_once(units):
    """A request that was sent twice is one tape."""
    await start_tape(31, FIRST, units, POLICY)
    before = read_memory(units)
    await start_tape(31, FIRST, units, POLICY)
    assert read_memory(units) == before


async def test_a_tape_that_was_taken_off_has_ended(units):
    """A tape that was taken off has ended, and taking it off again is no error and shows nothing."""
    await start_tape(31, FIRST, units, POLICY)
    await stop_tape(SECOND, units, POLICY)
    shown = read_memory(units).feed_items
    await stop_tape(UUID(int=3), units, POLICY)
    assert read_memory(units).screenings[FIRST].ended_at == at(30)
    assert read_memory(units).feed_items == shown


@pytest.mark.parametrize("tape_id", [0, -1, 2**31])
async def test_a_command_that_is_refused_leaves_no_trace(units, tape_id):
    """A refused command is not even in the journal: the same id may be tried again."""
    before = read_memory(units)
    with pytest.raises(Refused, match=r"^tape ID must be an integer$"):
        await start_tape(tape_id, FIRST, units, POLICY)
    assert read_memory(units) == before


async def test_nothing_is_put_on_while_nothing_is_live(units):
    """The host is told so, and may try again."""
    await receive([offline(60)], units, POLICY)
    with pytest.raises(Refused, match=r"^no broadcast is currently live$"):
        await start_tape(31, FIRST, units, POLICY)
    with pytest.raises(Refused, match=r"^no broadcast is currently live$"):
        await stop_tape(SECOND, units, POLICY)
    await receive([online("b", 65)], units, POLICY)
    await start_tape(31, FIRST, units, POLICY)
    assert FIRST in read_memory(units).screenings


async def test_commands_are_in_the_journal(units):
    """Commands are in the journal, so that a night can be replayed from it alone."""
    await start_tape(31, FIRST, units, POLICY)
    await stop_tape(SECOND, units, POLICY)
    commands = [line for line in units.memory.records if line.entry.source is EntrySource.HOST]
    assert [(line.entry.type, line.now, line.outcome) for line in commands] == [
        ("tape.start", at(30), Outcome.REACTED),
        ("tape.stop", at(30), Outcome.REACTED),
    ]
    assert commands[0].entry.body == b'{"tapeId": 31, "screeningId": "00000000-0000-0000-0000-000000000001"}'
