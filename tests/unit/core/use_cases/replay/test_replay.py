"""The journal of a channel in memory is replayed, and compared."""

import pytest
from attrs import evolve

from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import at, cheers, follows, offline, online
from showtime_core.testing.twins.unit_of_work import Memory, MemoryUnitOfWork
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.replay.differences import Difference
from showtime_core.use_cases.replay.replay import Replay, ReplaySummary
from support.recorded import MemoryRecordedShow


async def played() -> Memory:
    units = MemoryUnitOfWork(clock=lambda: at(60))
    night = [online("41000", 0), follows("f"), follows("f again"), cheers("c"), offline(30)]
    await receive(night, units, Policy())
    return units.memory


async def replay(memory: Memory) -> tuple[ReplaySummary, list[Difference]]:
    found: list[Difference] = []
    contents = memory.journal
    summary = await Replay(MemoryRecordedShow(memory), lambda entry: contents[entry.id], found.append).run()
    return summary, found


async def test_what_follows_from_the_journal_has_no_differences():
    """Told again, the entries lead to what was kept."""
    assert await replay(await played()) == (ReplaySummary(replayed=5, broadcasts=1), [])


async def test_an_empty_journal_is_nothing_to_compare():
    """Where nothing was recorded nothing is missed."""
    assert await replay(Memory()) == (ReplaySummary(), [])


@pytest.mark.parametrize("kind", ["alert", "effect", "broadcast", "channel", "outcome"])
async def test_what_was_changed_beside_the_journal_is_found(kind):
    """Each part of the records that does not follow is told, and nothing else."""
    memory = await played()
    night = memory.broadcasts[1]
    changed = {
        "alert": {"feed_items": memory.feed_items[:1] + memory.feed_items[2:]},
        "effect": {"effects": {}},
        "broadcast": {"broadcasts": {1: Broadcast(1, night.started_at, at(31))}},
        "channel": {"state": evolve(memory.state, title="Another")},
        "outcome": {"verdicts": memory.verdicts | {"f": evolve(memory.verdicts["f"], remark="so")}},
    }
    _, found = await replay(evolve(memory, **changed[kind]))
    assert {one.kind for one in found} == {kind}
