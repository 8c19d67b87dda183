"""Nights into files and out of them, in memory."""

import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, JournalRecord, Outcome, Unknown
from showtime_core.domain.nights.file import read_night
from showtime_core.domain.nights.recorded import RecordedNight
from showtime_core.domain.own_entries import start_tape_entry
from showtime_core.domain.reactions import Policy
from showtime_core.testing.contracts.empty_channel import (
    FILE,
    TAPE,
    EmptyChannelContract,
    EmptyChannelStage,
    memory_empty_channel_stage,
    parse,
)
from showtime_core.testing.entries import MARGE, at, follows, offline, online
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.transfer import ImportNight, entries_of, export_night


class TestMemoryEmptyChannel(EmptyChannelContract):
    """The contract of an empty channel, in memory."""

    @pytest.fixture
    def stage(self) -> EmptyChannelStage:
        """Play in memory."""
        return memory_empty_channel_stage()


async def test_what_is_imported_is_exported_as_it_was():
    """The file of an imported night is the one that it came from, but that no feature was on."""
    stage = memory_empty_channel_stage()
    await ImportNight(stage.channel, parse).run(FILE)
    lines = [*await export_night(stage.nights, parse, 7)]
    wanted = [evolve(one, policy=evolve(one.policy, features=frozenset())) for one in FILE.records]
    got = read_night(lines)
    assert got.header == FILE.header
    remarks = {one.entry.id: one.remark for one in got.records}
    assert remarks["f again"] == "f"
    unremarked = [evolve(one, remark=None, entry=evolve(one.entry, content=Unknown())) for one in wanted]
    assert [evolve(one, remark=None) for one in got.records] == unremarked
    assert [*await export_night(stage.nights, parse, None)] == lines


def recorded(told: Entry, minutes: float) -> JournalRecord:
    return JournalRecord(told, at(minutes), Policy(), Outcome.REACTED)


def test_a_file_holds_what_came_around_its_night():
    """What came just before a night and just after it is its; streams and tapes of other nights are not."""
    missed = entry("missed", ev.StreamMissed(at(60), at(64), "41"))
    late = entry("missed late", ev.StreamMissed(at(63), at(66), "42"))
    contents = {each.id: each.content for each in (missed, late)}
    records = [
        recorded(offline(-12, "40"), -12),
        recorded(follows("before", MARGE, -5), -5),
        recorded(online("41", 0), 0),
        recorded(start_tape_entry(TAPE, 31), 5),
        recorded(missed, 64),
        recorded(late, 66),
        recorded(start_tape_entry(TAPE, 80), 70),
        recorded(follows("after", MARGE, 71), 71),
    ]
    night = RecordedNight(7, at(0), at(60), "", at(99), entries=tuple(records))

    def read(told: Entry) -> Entry:
        return evolve(told, content=contents.get(told.id, told.content))

    kept = entries_of(evolve(night, entries=tuple(map(_as_a_message, records))), read)
    assert [one.entry.id for one in kept] == [
        "before",
        "online-41-0",
        f"host:{TAPE}",
        "missed",
        "after",
    ]


def _as_a_message(record: JournalRecord) -> JournalRecord:
    """Let the test read what showtime's own reader cannot: the bodies of these are stand-ins."""
    if record.entry.type == "stream.missed":
        source = FILE.records[0].entry.source
        return evolve(record, entry=evolve(record.entry, source=source))
    return record
