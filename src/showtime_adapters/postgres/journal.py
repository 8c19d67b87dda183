"""The journal, read back: what came, in which order, at what time, and under which policy."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.statements import JOURNAL_AFTER
from showtime_adapters.wire import decode_policy
from showtime_core.domain.journal import Entry, EntrySource, JournalRecord, Malformed, Outcome, Unknown

_PAGE = 500

Parse = Callable[[Entry], Entry]
"""Reads the content of an entry from its body."""


async def read_journal(pool: db.Pool, parse: Parse) -> AsyncIterator[JournalRecord]:
    """Read all entries in the order of reactions, each with what a replay needs; raises Unavailable.

    One whose body was pruned is Malformed: nobody can tell any more what it said.
    """
    position = 0
    while True:
        rows = await db.fetch_all(pool, JOURNAL_AFTER, db.by_name, [position, _PAGE])
        for row in rows:
            yield _read(row, parse)
        if len(rows) < _PAGE:
            return
        position = rows[-1].position


def _read(row: Any, parse: Parse) -> JournalRecord:  # noqa: ANN401 - a named tuple
    entry = read_entry(row)
    if row.body is not None:
        entry = parse(entry)
    return JournalRecord(entry, row.reacted_at, decode_policy(row.policy), Outcome(row.outcome))


def read_entry(row: Any) -> Entry:  # noqa: ANN401 - a named tuple
    """Read an entry from its columns; its content is not read, and Malformed if its body was pruned."""
    content = Unknown() if row.body is not None else Malformed("the body was pruned")
    source = EntrySource(row.source)
    return Entry(row.id, source, row.type, row.sent_at, content, row.body or b"", row.version, row.retry)
