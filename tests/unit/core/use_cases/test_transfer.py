"""Nights in files and out of them: in memory, and what the files say."""

import json
from uuid import UUID

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
from showtime_core.domain.nights.without_names import WithoutNames
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.reactions import Policy
from showtime_core.testing.contracts.empty_channel import (
    FILE,
    EmptyChannelContract,
    EmptyChannelStage,
    memory_empty_channel_stage,
    parse,
)
from showtime_core.testing.entries import MARGE, at
from showtime_core.testing.night_files import night_of
from showtime_core.testing.strategies import policies
from showtime_core.use_cases.transfer import ImportNight, export_night


class TestMemoryEmptyChannel(EmptyChannelContract):
    """The contract of an empty channel, in memory."""

    @pytest.fixture
    def stage(self) -> EmptyChannelStage:
        """Play in memory."""
        return memory_empty_channel_stage()


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


# --- without names ------------------------------------------------------------------------------

NAME = "Zebulon_Quirk"
SECRETS = [NAME, NAME.lower(), "77712345", "qwertyuiop", "wug"]
"""What must not be in a file without names: a name, a login, an id, and words that somebody typed."""
SECRET = st.sampled_from(SECRETS)
KEYS = st.sampled_from(
    [
        "id",
        "type",
        "version",
        "status",
        "tier",
        "message",
        "text",
        "user_id",
        "user_login",
        "user_name",
        "broadcaster_user_id",
        "subject",
        "user",
        "displayName",
        "login",
        "url",
        "key",
        "title",
        "event",
        "subscription",
        "condition",
        "streamId",
        "entryId",
        "bits",
        "total",
        "x",
    ]
)
LEAVES = st.one_of(SECRET, SECRET.map("ghost of {}".format), st.none(), st.booleans(), st.integers(0, 99))
BODIES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SECRET, inner, max_size=5)
)


@given(
    documents=st.lists(st.tuples(st.sampled_from(EntrySource), SECRET, BODIES), max_size=4),
    outcome=st.sampled_from(Outcome),
)
def test_nothing_of_anybody_is_left(documents, outcome):
    """Whatever the bodies say, wherever a name or a typed word stands: it is not in the file."""
    records = [
        JournalRecord(
            Entry(f"{prefix}{word}{number}", source, word, at(0), Unknown(), json.dumps(body).encode(), word),
            at(0),
            Policy(),
            outcome,
            f"{word} said so",
        )
        for number, (source, word, body) in enumerate(documents)
        for prefix in ("", "chat:", "host:")
    ]
    lines = "".join(write_night(evolve(FILE.header, has_names=False), map(WithoutNames().record, records)))
    assert [secret for secret in SECRETS if secret in lines] == []
    assert len(read_night(lines.splitlines()).records) == len(records)


def test_a_person_is_the_same_throughout():
    """Who comes again has the same number, in whatever part of whatever message; others have another."""

    def said(number: int, **event: object) -> JournalRecord:
        body = json.dumps({"subscription": {"type": "channel.raid"}, "event": event}).encode()
        told = Entry(f"m{number}", EntrySource.NOTIFICATION, "channel.raid", at(0), Unknown(), body, "1")
        return JournalRecord(told, at(0), Policy(), Outcome.REACTED)

    without = WithoutNames()
    one, two = (
        json.loads(without.record(each).entry.body)["event"]
        for each in (
            said(1, user_id="5", user_login="zeb", user_name="Zeb", is_anonymous=False),
            said(2, from_broadcaster_user_id="5", from_broadcaster_user_name="Zeb", user_id="6", viewers=3),
        )
    )
    assert one == {
        "user_id": "9000001",
        "user_login": "viewer_1",
        "user_name": "Viewer 1",
        "is_anonymous": False,
    }
    assert two == {
        "from_broadcaster_user_id": "9000001",
        "from_broadcaster_user_name": "Viewer 1",
        "user_id": "9000002",
        "viewers": 3,
    }


def test_a_ghost_stays_the_ghost_of_its_request():
    """A ghost that is paid belongs to the entry that asked for it, under whatever id that has."""
    cheer, paid = FILE.records[4], FILE.records[5]
    without = WithoutNames()
    cheer, paid = without.record(cheer), without.record(paid)
    assert paid.entry.id == f"ghost:{ghost_id_of(cheer.entry.id)}"
    assert json.loads(paid.entry.body) == {
        "ghostId": str(ghost_id_of(cheer.entry.id)),
        "user": {"id": "9000001", "login": "viewer_1", "displayName": "Viewer 1"},
        "subject": "something left out",
        "url": "",
    }


def test_a_screening_stays_the_one_of_its_command():
    """The id of a screening is that of the command that began it, under whatever id that has."""
    tape = WithoutNames().record(FILE.records[1]).entry
    assert tape.id == f"host:{json.loads(tape.body)['screeningId']}"
    assert UUID(json.loads(tape.body)["screeningId"])
    assert json.loads(tape.body)["tapeId"] == 31


def test_a_night_is_read_for_the_harness():
    """A night from a file has the contents of its entries; what cannot be read is malformed."""
    night = night_of(LINES, parse)
    assert night.records[2].entry.content == ev.Follow(MARGE, at(10))
    bad = night_of([LINES[0], changed(id="nobody knows")], parse).records[0].entry.content
    assert isinstance(bad, Malformed)
