"""What is parked in PostgreSQL, entries and effects, until the operator decides."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import LiteralString

from attrs import evolve, frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres.outbox import read_job, write_settlement
from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.wire import decode_policy
from showtime_core.domain.journal import Entry, EntrySource, ParkedEntry, Unknown
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, Settlement
from showtime_core.domain.parked import settle_abandoned
from showtime_core.errors import NotFound

# Lists the entries that are parked, the oldest first, without their bodies.
_PARKED_ENTRIES: LiteralString = """
    select id, source, type, sent_at, ''::bytea, version, retry, policy, remark, reacted_at
    from showtime.journal where outcome = 'parked' order by position limit %s
"""

# One of them, with its body.
_PARKED_ENTRY: LiteralString = """
    select id, source, type, sent_at, body, version, retry, policy, remark, reacted_at
    from showtime.journal where id = %s and outcome = 'parked'
"""


@frozen
class PostgresParkedItems:
    """Lists and changes what is parked; see `showtime_core.ports.ParkedItems`."""

    pool: AsyncConnectionPool[Connection]

    async def list_parked(self, limit: int) -> Sequence[ParkedEntry | ParkedEffect]:
        """List what is parked."""
        async with connected(self.pool) as connection:
            entries = await (await connection.execute(_PARKED_ENTRIES, [limit])).fetchall()
            effects = await (await connection.execute(statements.PARKED, [limit])).fetchall()
        return [
            *(_parked_entry(*row) for row in entries),
            *(ParkedEffect(read_job(*row), reason, since) for reason, since, *row in effects),
        ]

    async def parked_entry(self, entry_id: str) -> ParkedEntry | None:
        """Give an entry that is parked."""
        async with connected(self.pool) as connection:
            row = await (await connection.execute(_PARKED_ENTRY, [entry_id])).fetchone()
        return _parked_entry(*row) if row else None

    async def settle(self, key: str, decide: Callable[[Job], Settlement]) -> None:
        """Write what follows for an effect that is parked, and for what waits for it."""
        async with connected(self.pool) as connection, connection.transaction():
            row = await (await connection.execute(statements.TAKE_PARKED, [key])).fetchone()
            if row is None:
                raise NotFound("nothing of this name is parked, or not any more")
            reason, *columns = row
            job = read_job(*columns)
            settlement = decide(job)
            kept = evolve(settlement, remark=settlement.remark or reason)
            await write_settlement(connection, job, kept, EffectStatus.PARKED, None)
            if settlement.status is EffectStatus.DISMISSED:
                waiting = await (await connection.execute(statements.TAKE_WAITING, [key])).fetchall()
                for job in [read_job(*row) for row in waiting]:
                    await write_settlement(connection, job, settle_abandoned(job), EffectStatus.WAITING, None)
            await connection.execute(statements.WAKE)


def _parked_entry(  # noqa: PLR0913, PLR0917 - as the row comes
    entry_id: str,
    source: str,
    event_type: str,
    sent_at: datetime | None,
    body: bytes,
    version: str,
    retry: int,
    policy: object,
    reason: str,
    since: datetime,
) -> ParkedEntry:
    entry = Entry(entry_id, EntrySource(source), event_type, sent_at, Unknown(), body, version, retry)
    return ParkedEntry(entry, decode_policy(policy), reason, since)
