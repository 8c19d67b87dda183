"""What showtime writes into its journal itself is read by the versions after: its bytes stay as they are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from attrs import evolve

from showtime_core.domain.events import (
    AlertTested,
    EntryDismissed,
    EntryRetried,
    GhostRequested,
    ShowCommanded,
    ShowCommandName,
    StreamFound,
    StreamMissed,
    TapeStarted,
    TapeStopped,
    WatchStreak,
)
from showtime_core.domain.journal import Entry, EntrySource, Unknown
from showtime_core.domain.own_entries import (
    alert_test_entry,
    decision_entry,
    ghost_paid_entry,
    ghost_request_entry,
    read_own_entry,
    repair_entry,
    show_command_entry,
    start_tape_entry,
    stop_tape_entry,
    watch_streak_entry,
)
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostStep
from showtime_core.domain.viewers import Viewer

EIGHT = datetime(2026, 10, 30, 20, tzinfo=UTC)
LATER = EIGHT + timedelta(minutes=5, microseconds=7)
MARGE = Viewer("1", "marge", "Märge")
LATER_WRITTEN = b'"seenAt": "2026-10-30T20:05:00.000007+00:00"}'
MARGE_WRITTEN = b'{"id": "1", "login": "marge", "displayName": "M\\u00e4rge"}'
ID = UUID(int=5)
NAME = "00000000-0000-0000-0000-000000000005"
GHOST = Ghost(ID, MARGE, "Bob", None, GhostStep.PAID, UUID(int=1), "https://x.example/5.jpg")

RETRY = EntryRetried("b1", TapeStopped())
# How each is made, with its id, its source, its type and its body.
WRITTEN: list[tuple[Callable[[], Entry], str, EntrySource, str, bytes]] = [
    (
        lambda: start_tape_entry(ID, 31),
        *(f"host:{NAME}", EntrySource.HOST, "tape.start"),
        b'{"tapeId": 31, "screeningId": "00000000-0000-0000-0000-000000000005"}',
    ),
    (lambda: stop_tape_entry(ID), f"host:{NAME}", EntrySource.HOST, "tape.stop", b"{}"),
    (
        lambda: decision_entry(ID, RETRY),
        f"host:{NAME}",
        EntrySource.HOST,
        "entry.retry",
        b'{"entryId": "b1"}',
    ),
    (
        lambda: show_command_entry(ShowCommanded(ID, ShowCommandName.PAUSE)),
        *(f"host:{NAME}", EntrySource.HOST, "show.pause"),
        b'{"commandId": "00000000-0000-0000-0000-000000000005"}',
    ),
    (
        lambda: show_command_entry(ShowCommanded(ID, ShowCommandName.SHOW_AGAIN, 7)),
        *(f"host:{NAME}", EntrySource.HOST, "show.show-again"),
        b'{"commandId": "00000000-0000-0000-0000-000000000005", "alertId": 7}',
    ),
    (
        lambda: alert_test_entry(AlertTested(ID, "raid")),
        *(f"host:{NAME}", EntrySource.HOST, "show.test"),
        b'{"commandId": "00000000-0000-0000-0000-000000000005", "type": "raid"}',
    ),
    (
        lambda: decision_entry(ID, EntryDismissed("m\u00fc")),
        *(f"host:{NAME}", EntrySource.HOST, "entry.dismiss"),
        b'{"entryId": "m\\u00fc"}',
    ),
    (
        lambda: ghost_request_entry(MARGE, 'Bob\u2019s "ghost"', ID),
        *(f"viewer:{NAME}", EntrySource.VIEWER, "ghost.request"),
        b'{"user": ' + MARGE_WRITTEN + b', "subject": "Bob\\u2019s \\"ghost\\""}',
    ),
    (
        lambda: ghost_request_entry(MARGE, "Bob", ID, "mine"),
        *(f"viewer:{NAME}", EntrySource.VIEWER, "ghost.request"),
        b'{"user": ' + MARGE_WRITTEN + b', "subject": "Bob", "key": "mine"}',
    ),
    (
        lambda: ghost_paid_entry(GHOST),
        *(f"ghost:{NAME}", EntrySource.RELAY, "ghost.paid"),
        b'{"ghostId": "00000000-0000-0000-0000-000000000005", "user": '
        + MARGE_WRITTEN
        + b', "subject": "Bob", "url": "https://x.example/5.jpg"}',
    ),
    (
        lambda: watch_streak_entry(WatchStreak("cc10", MARGE, "", "seven tapes", streak=7)),
        *("chat:cc10", EntrySource.CHAT, "chat.watch-streak"),
        b'{"messageId": "cc10", "user": ' + MARGE_WRITTEN + b', "streak": 7, "message": "seven tapes"}',
    ),
    (
        lambda: repair_entry(StreamFound("40", EIGHT, LATER)),
        *("repair:stream.found:2026-10-30T20:05:00.000007+00:00", EntrySource.REPAIR, "stream.found"),
        b'{"streamId": "40", "startedAt": "2026-10-30T20:00:00+00:00", ' + LATER_WRITTEN,
    ),
    (
        lambda: repair_entry(StreamMissed(EIGHT, LATER)),
        *("repair:stream.missed:2026-10-30T20:05:00.000007+00:00", EntrySource.REPAIR, "stream.missed"),
        b'{"since": "2026-10-30T20:00:00+00:00", ' + LATER_WRITTEN,
    ),
    (
        lambda: repair_entry(StreamMissed(EIGHT, LATER, "40")),
        *("repair:stream.missed:2026-10-30T20:05:00.000007+00:00", EntrySource.REPAIR, "stream.missed"),
        b'{"since": "2026-10-30T20:00:00+00:00", "streamId": "40", ' + LATER_WRITTEN,
    ),
]


KINDS = [kind for _, _, _, kind, _ in WRITTEN]


@pytest.mark.parametrize(("write", "entry_id", "source", "kind", "body"), WRITTEN, ids=KINDS)
def test_the_bytes_are_those_of_the_versions_before(write, entry_id, source, kind, body):
    """An entry of our own has the id, the type and the bytes that every version so far has written."""
    entry = write()
    assert (entry.id, entry.source, entry.type, entry.body) == (entry_id, source, kind, body)
    assert entry.sent_at == (LATER if source is EntrySource.REPAIR else None)


@pytest.mark.parametrize("write", [each[0] for each in WRITTEN if each[3] != "entry.retry"])
def test_it_is_read_again_from_its_body(write):
    """An entry of our own says the same when it is read again from what the journal keeps of it."""
    entry = write()
    assert read_own_entry(evolve(entry, content=Unknown())) == entry


def test_what_it_says_is_what_it_was_written_for():
    """An entry of our own reports the event for which it was written."""
    assert start_tape_entry(ID, 31).content == TapeStarted(ID, 31)
    assert ghost_request_entry(MARGE, "Bob", ID, "mine").content == GhostRequested(MARGE, "Bob", "mine")
    assert decision_entry(ID, RETRY).content == RETRY


def test_what_is_none_of_ours_is_not_read():
    """An entry that showtime did not make, or that only names another, is not read as one of its own."""
    for entry in (
        decision_entry(ID, RETRY),
        Entry("b1", EntrySource.NOTIFICATION, "channel.follow", EIGHT, Unknown(), b"{}"),
    ):
        with pytest.raises(KeyError):
            read_own_entry(entry)
