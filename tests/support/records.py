"""What PostgreSQL has kept, read back in the words of the core, without the code that wrote it."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString

from attrs import evolve
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.journal import read_journal
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.state import read_state
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.twitch.messages import read_entry, read_json
from showtime_adapters.wire import ALERT_TYPES, decode_effect
from showtime_app import composition
from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening, Snapshot
from showtime_core.domain.events import EntryRetried
from showtime_core.domain.journal import Entry, EntrySource, FeedItem, Malformed, Unknown
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.own_entries import read_own_entry
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import JournalLine, Stage, StoredRecords, StoredViewer
from showtime_core.use_cases.replay.differences import Difference

OF_OLD = "an older version did not understand it"
"""Why messages are parked that are well: their reader was not."""

_OWN = {EntrySource.HOST, EntrySource.VIEWER, EntrySource.RELAY, EntrySource.REPAIR}
_OF_REACTIONS = {"credit-cheer", "credit-subscription", "credit-gift-subs", "summon-ghost"}
_ALERTS = {name: cls for cls, name in ALERT_TYPES.items()}


@asynccontextmanager
async def staged(conninfo: str) -> AsyncIterator[Stage]:
    """Set a stage on this database, for two instances."""
    async with (
        make_pool(conninfo, autocommit=True) as one,
        make_pool(conninfo, autocommit=True) as other,
        make_pool(conninfo) as pool,
    ):

        async def read() -> StoredRecords:
            return await read_records(pool)

        yield Stage(PostgresUnitOfWork(one), PostgresUnitOfWork(other), read)


def parse(entry: Entry) -> Entry:
    """Read what an entry of the journal says from its body, as it was read when it came."""
    if entry.source in _OWN:
        return entry if entry.type == "entry.retry" else read_own_entry(entry)
    headers = {
        "twitch-eventsub-message-type": entry.source.value,
        "twitch-eventsub-message-retry": str(entry.retry),
        "twitch-eventsub-subscription-type": entry.type,
        "twitch-eventsub-subscription-version": entry.version,
    }
    assert entry.sent_at
    return read_entry(headers, entry.id, entry.sent_at, entry.body, read_json(entry.body))


async def assert_replays(conninfo: str) -> StoredRecords:
    """See that the journal alone, told to the pure core again, gives all that was recorded."""
    async with make_pool(conninfo) as pool:
        kept = await read_records(pool)
        sent = {line.entry.id: line.entry async for line in read_journal(pool, parse)}
    sent |= {each.id: _read_retry(each, sent) for each in sent.values() if each.type == "entry.retry"}
    for line in kept.journal:
        if line.remark and line.remark.startswith(("it cannot be written", OF_OLD)):
            sent[line.entry_id] = evolve(sent[line.entry_id], content=Malformed(line.remark))
    check(kept, sent)
    check_the_journal_replays(kept, sent)
    differences = await replayed(conninfo)
    assert differences == [], differences
    return kept


async def replayed(conninfo: str) -> list[Difference]:
    """Replay as `showtime replay` does; gives the differences, but for the reader of old."""
    found: list[Difference] = []
    await composition.replay(conninfo, found.append)
    return [one for one in found if not (one.kind == "outcome" and OF_OLD in one.recorded)]


def _read_retry(command: Entry, sent: Mapping[str, Entry]) -> Entry:
    """Read what the operator has tried again: an entry that is in the journal too, with what it says."""
    name = json.loads(command.body)["entryId"]
    event = sent[name].content
    assert not isinstance(event, Unknown | Malformed)
    return evolve(command, content=EntryRetried(name, event))


async def read_records(pool: AsyncConnectionPool[Connection]) -> StoredRecords:
    """Read all that is kept."""
    lines = [line async for line in read_journal(pool, lambda entry: entry)]
    remarks = dict(await _rows(pool, "select id, remark from showtime.journal"))
    shown = await _rows(pool, "select entry_id, stream, payload from showtime.feed order by id")
    planned = await _rows(
        pool,
        """
        select key, entry_id, kind, payload, status, depends_on, remark from showtime.outbox
        order by position
        """,
    )
    viewers = await _rows(pool, "select * from showtime.viewer")
    broadcasts = await _rows(pool, "select id, started_at, ended_at from showtime.broadcast")
    screenings = await _rows(
        pool, "select id, broadcast_id, tape_id, started_at, ended_at from showtime.screening"
    )
    return StoredRecords(
        state=await read_state(pool),
        journal=tuple(
            JournalLine(
                line.entry.id, line.entry.body, line.now, line.policy, line.outcome, remarks[line.entry.id]
            )
            for line in lines
        ),
        feed_items=tuple(FeedItem(entry_id, _read_shown(*what)) for entry_id, *what in shown),
        effects={
            key: PlannedEffect(
                key,
                entry_id,
                decode_effect(kind, payload),
                status == "skipped",
                after,
                remark if status == "skipped" else None,
            )
            for key, entry_id, kind, payload, status, after, remark in planned
            if kind in _OF_REACTIONS
        },
        viewers={viewer_id: StoredViewer(*remembered) for viewer_id, *remembered in viewers},
        broadcasts={row[0]: Broadcast(*row) for row in broadcasts},
        screenings={row[0]: Screening(*row) for row in screenings},
    )


async def _rows(pool: AsyncConnectionPool[Connection], query: LiteralString) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query)).fetchall()


def _read_shown(stream: str, payload: dict[str, Any]) -> Any:
    document = payload if stream == "state" else payload["data"]
    values = {_snake_case(name): _read_value(name, value) for name, value in document.items()}
    return Snapshot(**values) if stream == "state" else _ALERTS[payload["type"]](**values)


def _read_value(name: str, value: Any) -> Any:
    if name.endswith("At"):
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)
