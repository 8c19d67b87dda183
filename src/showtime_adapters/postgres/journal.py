"""The journal, read back: what came, in which order, at what time, and under which policy."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from attrs import evolve

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.statements import JOURNAL_AFTER
from showtime_adapters.wire import decode_policy
from showtime_core.domain.journal import PRUNED, Entry, EntrySource, JournalRecord, Outcome, Unknown

_PAGE = 500

Parse = Callable[[Entry], Entry]
"""Reads the content of an entry from its body."""


async def read_journal(pool: db.Pool, parse: Parse) -> AsyncIterator[JournalRecord]:
    """Read all entries in the order of reactions, each with what a replay needs; raises Unavailable.

    One whose body was pruned is PRUNED.
    """
    async for rows in read_pages(pool):
        for row in rows:
            record = read_record(row)
            yield record if record.entry.content is PRUNED else evolve(record, entry=parse(record.entry))


async def read_pages(database: db.Database) -> AsyncIterator[Sequence[Any]]:
    """Read the rows of the journal in the order of reactions, page by page; raises what `fetch_all` does."""
    position = -1
    while rows := await db.fetch_all(database, JOURNAL_AFTER, db.by_name, [position, _PAGE]):
        yield rows
        position = rows[-1].position


def read_record(row: Any) -> JournalRecord:  # noqa: ANN401 - a named tuple
    """Read an entry with what became of it; its content is not read."""
    policy = decode_policy(row.policy)
    return JournalRecord(read_entry(row), row.reacted_at, policy, Outcome(row.outcome), row.remark)


def read_entry(row: Any) -> Entry:  # noqa: ANN401 - a named tuple
    """Read an entry from its columns; its content is not read, and PRUNED if its body was pruned."""
    content = Unknown() if row.body is not None else PRUNED
    source = EntrySource(row.source)
    return Entry(row.id, source, row.type, row.sent_at, content, row.body or b"", row.version, row.retry)
