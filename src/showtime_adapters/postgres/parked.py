"""What is parked in PostgreSQL, entries and effects, until the operator decides."""

from collections.abc import Callable, Sequence
from typing import Any, LiteralString

from attrs import evolve, frozen

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.journal import read_entry
from showtime_adapters.postgres.outbox import read_job, write_settlement
from showtime_adapters.postgres.show.statements import NOTIFY
from showtime_adapters.wire import decode_policy
from showtime_core.domain.journal import ParkedEntry
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, Settlement
from showtime_core.domain.parked import settle_abandoned
from showtime_core.errors import NotFound

# The entries that are parked, the oldest first, without their bodies; and one of them, with its body.
_COLUMNS: LiteralString = "select id, source, type, sent_at, version, retry, policy, remark, reacted_at, "
_PARKED_ENTRIES: LiteralString = (
    _COLUMNS + "''::bytea as body from showtime.journal where outcome = 'parked' order by position limit %s"
)
_PARKED_ENTRY: LiteralString = _COLUMNS + "body from showtime.journal where id = %s and outcome = 'parked'"


@frozen
class PostgresParkedItems:
    """Lists and changes what is parked; see `showtime_core.ports.ParkedItems`."""

    pool: db.Pool

    async def list_parked(self, limit: int) -> Sequence[ParkedEntry | ParkedEffect]:
        """List what is parked."""
        async with db.connected(self.pool) as connection:
            entries = await db.fetch_all(connection, _PARKED_ENTRIES, db.by_name, [limit])
            effects = await db.fetch_all(connection, statements.PARKED, db.by_name, [limit])
        return [
            *(_parked_entry(row) for row in entries),
            *(ParkedEffect(read_job(row), row.remark, row.since) for row in effects),
        ]

    async def parked_entry(self, entry_id: str) -> ParkedEntry | None:
        """Give an entry that is parked."""
        row = await db.fetch_one(self.pool, _PARKED_ENTRY, db.by_name, [entry_id])
        return _parked_entry(row) if row else None

    async def settle(self, key: str, decide: Callable[[Job], Settlement]) -> None:
        """Write what follows for an effect that is parked, and for what waits for it."""
        async with db.connected(self.pool) as connection, connection.transaction():
            row = await db.fetch_one(connection, statements.TAKE_PARKED, db.by_name, [key])
            if row is None:
                raise NotFound("nothing of this name is parked, or not any more")
            job = read_job(row)
            settlement = decide(job)
            kept = evolve(settlement, remark=settlement.remark or row.remark)
            await write_settlement(connection, job, kept, EffectStatus.PARKED, None)
            if settlement.status is EffectStatus.DISMISSED:
                waiting = await db.fetch_all(connection, statements.TAKE_WAITING, db.by_name, [key])
                for job in map(read_job, waiting):
                    await write_settlement(connection, job, settle_abandoned(job), EffectStatus.WAITING, None)
            await connection.execute(statements.WAKE)
            await connection.execute(NOTIFY)


def _parked_entry(row: Any) -> ParkedEntry:  # noqa: ANN401 - a named tuple
    return ParkedEntry(read_entry(row), decode_policy(row.policy), row.remark, row.reacted_at)
