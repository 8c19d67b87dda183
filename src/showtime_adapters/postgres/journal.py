"""The journal, read back: what came, in which order, at what time, and under which policy."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.postgres.statements import JOURNAL_AFTER
from showtime_adapters.wire import decode_policy
from showtime_core.domain.journal import Entry, EntrySource, JournalRecord, Malformed, Outcome, Unknown

_PAGE = 500

Parse = Callable[[Entry], Entry]
"""Reads the content of an entry from its body."""


async def read_journal(pool: AsyncConnectionPool[Connection], parse: Parse) -> AsyncIterator[JournalRecord]:
    """Read all entries in the order of reactions, each with what a replay needs; raises Unavailable.

    One whose body was pruned is Malformed: nobody can tell any more what it said.
    """
    position = 0
    while True:
        async with connected(pool) as connection:
            cursor = await connection.execute(JOURNAL_AFTER, [position, _PAGE])
            rows = await cursor.fetchall()
        for row in rows:
            yield _read(row, parse)
        if len(rows) < _PAGE:
            return
        position = rows[-1][0]


def _read(row: tuple[Any, ...], parse: Parse) -> JournalRecord:
    _, entry_id, source, event_type, version, retry, sent_at, body, now, policy, outcome = row
    pruned = Malformed("the body was pruned")
    content = Unknown() if body is not None else pruned
    entry = Entry(entry_id, EntrySource(source), event_type, sent_at, content, body or b"", version, retry)
    return JournalRecord(
        entry if content is pruned else parse(entry), now, decode_policy(policy), Outcome(outcome)
    )
