"""All that is recorded, as of one moment, for a replay: read in pages, each part by an index."""

from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString

from attrs import field, mutable
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.journal import read_entry, read_pages, read_record
from showtime_adapters.postgres.readiness import require_schema
from showtime_adapters.postgres.state import read_state_of, state_before
from showtime_adapters.wire import find_effect, shown_document
from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import (
    Broadcast,
    BroadcastRows,
    ChannelState,
    Screening,
    Snapshot,
)
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import EffectStatus, PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import FIRST_KINDS
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.use_cases.replay.recorded import JournalPage, Shown

_PAGE = 500

# However long it takes to read everything, nobody waits for it.
_PATIENTLY: LiteralString = """
    select set_config(name, '60s', true)
    from unnest(array['statement_timeout', 'idle_in_transaction_session_timeout']) as name
"""

# When the earliest of the first entries was sent.
_BEGAN_AT: LiteralString = """
    select min(coalesce(sent_at, reacted_at)) from (
        select sent_at, reacted_at from showtime.journal order by position limit 1000
    ) as first
"""

# One entry of the journal.
_ENTRY: LiteralString = """
    select id, source, type, version, retry, sent_at, body from showtime.journal where id = %s
"""

# Which entry reported each fact first.
_FIRST_REPORTS: LiteralString = "select key, entry_id from showtime.fact where key = any(%s)"

# What was shown after an id, each with the place of its entry in the journal.
_SHOWN: LiteralString = """
    select id, entry_id, payload,
           (select position from showtime.journal where journal.id = feed.entry_id) as position
    from showtime.feed where id > %s order by id limit %s
"""

# The effects of these names, as they were planned.
_EFFECTS: LiteralString = """
    select key, entry_id, kind, payload, status, depends_on, remark from showtime.outbox where key = any(%s)
"""

_PAYMENTS: LiteralString = """
    select viewer_id, tier, is_shared, at from showtime.payment where entry_id = any(%s)
"""

# Broadcasts by number, and some of them with their screenings.
_BROADCASTS_AFTER: LiteralString = """
    select id, started_at, ended_at from showtime.broadcast where id > %s order by id limit %s
"""
_BROADCASTS: LiteralString = "select id, started_at, ended_at from showtime.broadcast where id = any(%s)"
_SCREENINGS: LiteralString = """
    select id, broadcast_id, tape_id, started_at, ended_at from showtime.screening
    where broadcast_id = any(%s)
"""


@mutable
class PostgresRecordedShow:
    """What is recorded; see `showtime_core.use_cases.replay.recorded.RecordedShow`."""

    connection: db.Connection
    """In a transaction that sees one moment."""
    _shown: deque[Any] = field(factory=deque)
    _last_feed_id: int = 0

    async def began_at(self) -> datetime | None:
        """Tell when the earliest of the first entries was sent."""
        moment: datetime | None = await db.fetch_value(self.connection, _BEGAN_AT)
        return moment

    async def pages(self) -> AsyncIterator[JournalPage]:
        """Read the journal from its beginning, page by page."""
        async for rows in read_pages(self.connection):
            records = tuple(read_record(row) for row in rows)
            yield JournalPage(records, tuple(await self._shown_until(rows[-1].position)))

    async def _shown_until(self, position: int) -> list[tuple[str, Shown]]:
        """Read on in the feed, up to what follows from later entries: both grow in the order of commits."""
        until: list[tuple[str, Shown]] = []
        while True:
            if not self._shown:
                after = [self._last_feed_id, _PAGE]
                self._shown.extend(await db.fetch_all(self.connection, _SHOWN, db.by_name, after))
            if not self._shown or (self._shown[0].position or 0) > position:
                return until
            row = self._shown.popleft()
            self._last_feed_id = row.id
            until.append((row.entry_id, row.payload))

    async def entry(self, entry_id: str) -> Entry | None:
        """Read one entry of the journal."""
        row = await db.fetch_one(self.connection, _ENTRY, db.by_name, [entry_id])
        return read_entry(row) if row else None

    async def first_reports(self, keys: Collection[str]) -> Mapping[str, str]:
        """Tell which entry reported each fact first."""
        rows = await db.fetch_all(self.connection, _FIRST_REPORTS, db.by_name, [list(keys)])
        return {row.key: row.entry_id for row in rows}

    async def effects(self, entry_ids: Collection[str]) -> Mapping[str, PlannedEffect]:
        """Read the effects that follow at once from these entries."""
        keys = [f"{entry_id}:{kind}" for entry_id in entry_ids for kind in FIRST_KINDS.values()]
        rows = await db.fetch_all(self.connection, _EFFECTS, db.by_name, [keys])
        return {row.key: planned for row in rows if (planned := _planned(row))}

    async def payments(self, entry_ids: Collection[str]) -> Sequence[Payment]:
        """Read the payments that these entries told of."""
        return await db.fetch_all(self.connection, _PAYMENTS, class_row(Payment), [list(entry_ids)])

    async def state_before(self, moment: datetime, *, only_ended: bool) -> ChannelState:
        """Give what the tables say of the nights before a moment."""
        return await state_before(self.connection, moment, only_ended=only_ended)

    async def broadcasts(self, after: int) -> Sequence[Broadcast]:
        """Read the next broadcasts by number."""
        return await db.fetch_all(self.connection, _BROADCASTS_AFTER, class_row(Broadcast), [after, _PAGE])

    async def screenings(self, broadcast_ids: Collection[int]) -> BroadcastRows:
        """Read some broadcasts with their screenings."""
        numbers = [list(broadcast_ids)]
        broadcasts = await db.fetch_all(self.connection, _BROADCASTS, class_row(Broadcast), numbers)
        screenings = await db.fetch_all(self.connection, _SCREENINGS, class_row(Screening), numbers)
        return BroadcastRows(tuple(broadcasts), tuple(screenings))

    async def state(self) -> ChannelState:
        """Read the channel's state."""
        return await read_state_of(self.connection)

    def shown(self, content: Alert | AlertTest | Snapshot) -> Shown:
        """Say an alert or a state as the streams show it."""
        return shown_document(content)


@asynccontextmanager
async def recorded_show(pool: db.Pool) -> AsyncIterator[PostgresRecordedShow]:
    """See all that is recorded as of this moment, in one transaction of the pool; raises Unavailable."""
    async with db.connected(pool) as connection:
        await connection.execute(db.AT_ONE_MOMENT)
        await connection.execute(_PATIENTLY)
        await require_schema(connection)
        yield PostgresRecordedShow(connection)


def _planned(row: Any) -> PlannedEffect | None:  # noqa: ANN401 - a named tuple
    """Read an effect; None if nobody can read it, as if it were not there."""
    is_skipped, effect = row.status == EffectStatus.SKIPPED, find_effect(row.kind, row.payload)
    remark = row.remark if is_skipped else None
    if effect is None:
        return None
    return PlannedEffect(row.key, row.entry_id, effect, is_skipped, row.depends_on, remark)
