"""Nights are compared once the state has forgotten them."""

from attrs import evolve

from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState
from showtime_core.domain.journal import JournalChanges
from showtime_core.testing.entries import at
from showtime_core.testing.twins.unit_of_work import Memory
from showtime_core.use_cases.replay.differences import Difference
from showtime_core.use_cases.replay.nights import NightComparison
from showtime_core.use_cases.replay.replayed import ReplayedChannel
from support.recorded import MemoryRecordedShow

NIGHT = Broadcast(1, at(0), at(60))


async def compared(*recorded: Broadcast, after: int = 0) -> list[Difference]:
    found: list[Difference] = []
    show = MemoryRecordedShow(evolve(Memory(), broadcasts={row.id: row for row in recorded}))
    nights, channel = NightComparison(show, found.append), ReplayedChannel(compared_after=after)
    nights.note(JournalChanges(ChannelState(), broadcasts=(NIGHT,)))
    await nights.compare_forgotten(channel)
    await nights.finish(channel)
    return found


async def test_a_night_is_compared_once():
    """A night that is recorded as it was replayed is no difference, however often it is looked at."""
    assert await compared(NIGHT) == []


async def test_a_night_that_differs_or_is_on_one_side_alone_is_told():
    """What is missing, on either side, is a difference as another end is."""
    assert [one.recorded for one in await compared()] == ["-"]
    assert [one.name for one in await compared(NIGHT, Broadcast(2, at(90), None))] == ["2"]
    assert len(await compared(evolve(NIGHT, ended_at=at(61)))) == 1


async def test_nights_from_before_the_journal_are_not_compared():
    """Up to the number with which the journal begins, nothing is known."""
    assert await compared(after=1) == []
