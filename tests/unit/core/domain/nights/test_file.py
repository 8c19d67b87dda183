"""A night as a file: what is written is read, and a line that is wrong is named."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.journal import (
    PRUNED,
    Entry,
    EntrySource,
    JournalRecord,
    Malformed,
    Outcome,
    Unknown,
)
from showtime_core.domain.nights.file import (
    NightFile,
    NightFileError,
    NightHeader,
    read_night,
    write_night,
)
from showtime_core.testing.contracts.empty_channel import FILE, parse
from showtime_core.testing.entries import MARGE, at
from showtime_core.testing.night_files import night_of
from showtime_core.testing.strategies import policies

TIMES = st.datetimes(timezones=st.just(at(0).tzinfo))
KEEPABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ENTRIES = st.builds(
    Entry,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
    st.sampled_from(EntrySource),
    KEEPABLE,
    st.none() | TIMES,
    st.just(Unknown()),
    st.binary(max_size=30) | KEEPABLE.map(str.encode),
    KEEPABLE,
    st.integers(0, 2**31 - 1),
)
RECORDS = st.lists(
    st.builds(JournalRecord, ENTRIES, TIMES, policies(), st.sampled_from(Outcome), st.none() | KEEPABLE),
    max_size=4,
    unique_by=lambda record: record.entry.id,
)
HEADERS = st.builds(NightHeader, st.integers(1, 2**31 - 1), TIMES, st.none() | TIMES, st.booleans())


@given(header=HEADERS, records=RECORDS)
def test_what_is_written_is_read(header, records):
    """Whatever is recorded, to the byte: its file is read to the same."""
    lines = [line.encode() for line in write_night(header, records)]
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    assert read_night(lines) == NightFile(header, tuple(records))
    assert read_night([line.decode() for line in lines]) == NightFile(header, tuple(records))


def test_what_was_pruned_is_null():
    """A body that was pruned is null in the file, and pruned when it is read."""
    pruned = evolve(FILE.records[0], entry=evolve(FILE.records[0].entry, content=PRUNED, body=b""))
    [_, line] = write_night(FILE.header, [pruned])
    assert json.loads(line)["body"] is None
    assert night_of([*write_night(FILE.header, [pruned])], parse).records[0].entry.content is PRUNED


LINES = [*write_night(FILE.header, FILE.records)]


def changed(**fields: object) -> str:
    """Change fields of the second line; None leaves one out."""
    document = json.loads(LINES[1]) | fields
    return json.dumps({name: value for name, value in document.items() if value is not ...})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: the file is empty: its first line says which night it is"),
        (["{}"], 'line 1: the first line must say "format": "showtime-night": this is no file of a night'),
        (LINES[1:], 'line 1: the first line must say "format": "showtime-night": this is no file of a night'),
        (
            [LINES[0].replace('"version": 1', '"version": 2')],
            "line 1: the file has version 2, and this showtime reads up to 1: upgrade it",
        ),
        ([LINES[0].replace("7", '"seven"', 1)], "line 1: 'night' must be a whole number"),
        ([LINES[0], "", LINES[1]], "line 2: it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ([LINES[0], LINES[1][:-9]], "line 2: it is no JSON"),
        ([LINES[0], b"\xff\xfe"], "line 2: it is no UTF-8"),
        ([LINES[0], "[]"], "line 2: it is no object of JSON"),
        ([LINES[0], "[" * 100_000], "line 2: it is no JSON"),
        ([LINES[0], LINES[1], LINES[2], LINES[1]], "line 4: online-41-0 is there already, in a line before"),
        ([LINES[0], changed(id=...)], "line 2: 'id' is missing"),
        ([LINES[0], changed(id="")], "line 2: 'id' must not be empty"),
        ([LINES[0], changed(id="a\0")], "line 2: 'id' holds what no database can keep"),
        ([LINES[0], changed(retry=True)], "line 2: 'retry' must be a whole number"),
        ([LINES[0], changed(retry=-1)], "line 2: 'retry' must be a count"),
        ([LINES[0], changed(source="tape")], "line 2: 'source' is tape, and must be one of notification, "),
        ([LINES[0], changed(outcome="lost")], "line 2: 'outcome' is lost, and must be one of reacted, "),
        ([LINES[0], changed(reactedAt=None)], "line 2: 'reactedAt' must be a text"),
        (
            [LINES[0], changed(sentAt="yesterday")],
            "line 2: 'sentAt' is yesterday, and must be a time such as 2026-10-30T20:00:00Z",
        ),
        ([LINES[0], changed(sentAt="2026-10-30T20:00:00")], "line 2: 'sentAt' is 2026-10-30T20:00:00, and"),
        ([LINES[0], changed(body={})], "line 2: 'body' must be a text or null"),
        ([LINES[0], changed(bodyBase64="~")], "line 2: 'bodyBase64' is no base64"),
        ([LINES[0], changed(policy={})], "line 2: 'features' is missing"),
        ([LINES[0], changed(remark=3)], "line 2: 'remark' must be a text or null"),
    ],
)
def test_a_line_that_is_wrong_is_named(lines, message):
    """A file that is not what it should be is refused: which line it is, and what is wrong with it."""
    with pytest.raises(NightFileError) as refused:
        read_night(lines)
    assert str(refused.value).startswith(message)


def test_keys_that_are_not_known_are_passed_over():
    """A file may say more than this version knows."""
    more = [LINES[0].replace("{", '{"weather": "rain", ', 1), changed(mood="fine"), *LINES[2:]]
    assert read_night(more) == read_night(LINES)


def test_a_night_is_read_for_the_harness():
    """A night from a file has the contents of its entries; what cannot be read is malformed."""
    night = night_of(LINES, parse)
    assert night.records[2].entry.content == ev.Follow(MARGE, at(10))
    bad = night_of([LINES[0], changed(id="nobody knows")], parse).records[0].entry.content
    assert isinstance(bad, Malformed)
