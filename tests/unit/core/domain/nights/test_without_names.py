"""A night without names: nothing of anybody is left, and what belongs together still does."""

import json
from uuid import UUID

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.journal import Entry, EntrySource, JournalRecord, Outcome, Unknown
from showtime_core.domain.nights.file import read_night, write_night
from showtime_core.domain.nights.without_names import WithoutNames
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.reactions import Policy
from showtime_core.testing.contracts.empty_channel import FILE
from showtime_core.testing.entries import at

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
