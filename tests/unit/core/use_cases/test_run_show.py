"""The show is run: commands are entries of the journal, and nothing else of it is."""

from uuid import UUID

import pytest

from showtime_core.domain.events import ShowCommanded, ShowCommandName
from showtime_core.domain.journal import EntrySource, Outcome
from showtime_core.domain.own_entries import read_own_entry
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.errors import Refused
from showtime_core.testing.entries import at, follows
from showtime_core.testing.records import read_memory
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.run_show import RunShow


@pytest.fixture
async def units():
    return MemoryUnitOfWork(clock=lambda: at(3))


@pytest.fixture
async def run(units):
    show = MemoryShow(units)
    await show.add(ShowSecret(UUID(int=1), SecretKind.OVERLAY, "OBS"), b"")
    return RunShow(show, units, Policy())


async def test_a_command_is_an_entry_of_the_journal(run, units):
    """A command is recorded as a tape is, once, and is read again from its body."""
    await receive([follows("f")], units, Policy())
    command = ShowCommanded(UUID(int=9), ShowCommandName.HOLD, 1)
    for _ in range(2):
        await run.command(command)
    [_, line] = read_memory(units).journal
    assert (line.entry_id, line.outcome) == (f"host:{command.command_id}", Outcome.REACTED)
    entry = units.memory.journal[line.entry_id]
    assert (entry.source, entry.type) == (EntrySource.HOST, "show.hold")
    assert read_own_entry(entry).content == command


async def test_a_command_that_is_refused_is_not_in_the_journal(run, units):
    """A refused command leaves no trace."""
    before = read_memory(units)
    with pytest.raises(Refused, match="nothing is playing"):
        await run.command(ShowCommanded(UUID(int=9), ShowCommandName.SKIP))
    assert read_memory(units) == before


async def test_showings_are_not_in_the_journal(run, units):
    """What overlays report, take and acknowledge is no part of the journal, nor of what it is replayed to."""
    await receive([follows("f")], units, Policy())
    before = read_memory(units)
    await run.take_next("obs", 1)
    answer = await run.take_next("obs", 2)
    assert answer.playing
    await run.renew(answer.playing.id, "obs", 3)
    assert read_memory(units) == before
