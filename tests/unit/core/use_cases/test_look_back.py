"""Nights are looked at afterwards as far as their entries can be read."""

from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, Malformed, Outcome
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import BOB, MARGE, at, follows, offline, online
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.history import MemoryHistory
from showtime_core.testing.twins.nights import MemoryNights
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.look_back import LookBack
from showtime_core.use_cases.receive import receive


async def looked_back(*told: Entry) -> LookBack:
    units = MemoryUnitOfWork()
    contents = {each.id: each.content for each in told}
    for each in told:
        units.clock = lambda each=each: each.sent_at or at(0)
        await receive([each], units, Policy())
    nights = MemoryNights(MemoryHistory(units))
    return LookBack(nights, lambda read: evolve(read, content=contents[read.id]))


async def test_nights_are_told_from_the_latest():
    """The latest nights come first, each with its own figures; and those before one."""
    first = [online("41", 0), follows("f", MARGE, 5), offline(60)]
    second = [online("42", 90), follows("g", MARGE, 95), follows("h", BOB, 96), offline(120)]
    look_back = await looked_back(*first, *second)
    assert [(night.id, night.figures.follows) for night in await look_back.latest(9)] == [(2, 2), (1, 1)]
    assert [night.id for night in await look_back.latest(1)] == [2]
    assert [night.id for night in await look_back.latest(9, before=2)] == [1]


async def test_an_entry_that_nobody_can_read_any_more_is_passed_over():
    """A body that was changed by hand loses what it told, and nothing else."""
    look_back = await looked_back(online("41", 0), follows("f", MARGE, 5))

    def read(told: Entry) -> Entry:
        if told.id == "f":
            raise KeyError(told.id)
        return look_back.parse(told)

    night = await evolve(look_back, parse=read).timeline(None)
    assert (night.figures.follows, len(night.recordings)) == (0, 1)


async def test_what_was_set_aside_is_not_even_read():
    """Only entries that count are read: what is parked has no say, whatever it would say by now."""
    bad = evolve(follows("f", MARGE, 5), content=Malformed("nobody can read it"))
    retry = entry("host:1", ev.EntryRetried("f", ev.Follow(MARGE, at(5))))
    look_back = await looked_back(online("41", 0), bad, evolve(retry, type="entry.retry"))
    read = []
    parse = look_back.parse
    await evolve(look_back, parse=lambda told: read.append(told.id) or parse(told)).timeline(None)
    assert read == ["online-41-0", "f"]
    entries = (await look_back.nights.night(None)).entries
    assert [one.outcome for one in entries][1] is Outcome.RETRIED
