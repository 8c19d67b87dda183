"""What follows from entries, alerts and effects, is compared by entry."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.journal import JournalRecord, Outcome
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import at, cheers
from showtime_core.testing.twins.unit_of_work import Memory
from showtime_core.use_cases.replay.consequences import ConsequenceComparison, kind_of
from showtime_core.use_cases.replay.differences import Difference
from showtime_core.use_cases.replay.replayed import ReplayedChannel
from support.recorded import MemoryRecordedShow


def test_a_state_is_told_from_an_alert():
    """What says whether a broadcast is live is a state."""
    assert [kind_of({"isLive": False}), kind_of({"type": "raid"})] == ["state", "alert"]


@pytest.mark.parametrize(("after", "kinds"), [(0.5, set()), (2, {"alert", "effect"})])
async def test_what_is_missing_just_after_what_was_pruned_was_pruned_too(after, kinds):
    """Within a day after the last body that is gone, what is missing of what followed is no difference."""
    entry, recorded, found = cheers("c"), MemoryRecordedShow(Memory()), list[Difference]()
    record = JournalRecord(entry, at(0), Policy(), Outcome.REACTED)
    following = ConsequenceComparison()
    changes = ReplayedChannel().plan(entry, record, {})
    following.add(entry, record, changes, recorded, is_blind=False)
    await following.compare({}, recorded, at(0) - timedelta(days=after), found.append)
    assert {one.kind for one in found} == kinds


async def test_what_was_skipped_is_told_with_its_reason():
    """An effect that is recorded as skipped and would be due is a difference."""
    entry, found = cheers("c"), list[Difference]()
    record = JournalRecord(entry, at(0), Policy(), Outcome.REACTED)
    changes = ReplayedChannel().plan(entry, record, {})
    kept = {one.key: evolve(one, is_skipped=True) for one in changes.effects}
    recorded = MemoryRecordedShow(evolve(Memory(), effects=kept))
    shown = {"c": [recorded.shown(item.content) for item in changes.feed_items]}
    following = ConsequenceComparison()
    following.add(entry, record, changes, recorded, is_blind=False)
    await following.compare(shown, recorded, None, found.append)
    assert {one.recorded for one in found} == {"is_skipped True"}
    assert shown == {}
