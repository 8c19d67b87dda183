"""How the show stands, kept where every instance reads it; see `showtime_core.ports.HealthStore`."""

from typing import LiteralString

from attrs import frozen
from psycopg.rows import class_row

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.ghosts import count_ghosts
from showtime_adapters.wire import decode_twitch_health, twitch_health_document
from showtime_core.domain.chat import ChatHealth
from showtime_core.domain.health import Health, PendingWork, TwitchHealth

# What time it is, how Twitch was found, and how the reader of the chat fares.
_READ: LiteralString = """
    select clock_timestamp() as now, checked_at, report, seen_at, trouble
    from showtime.chat_room left join showtime.twitch_health on true
"""

# Keeps the latest; a check that was begun earlier and ended later does not hide it.
_KEEP: LiteralString = """
    insert into showtime.twitch_health (checked_at, report) values (%s, %s::jsonb)
    on conflict (id) do update set checked_at = excluded.checked_at, report = excluded.report
    where twitch_health.checked_at <= excluded.checked_at
"""

# Counts what waits: parked entries, effects to be performed, and the age of the oldest of those.
_PENDING_WORK: LiteralString = """
    select (select count(*) from showtime.journal where outcome = 'parked') as parked_messages,
           (select count(*) from showtime.outbox where status = 'parked') as parked_effects,
           count(*) as waiting_effects,
           coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8
               as oldest_effect_seconds
    from showtime.outbox where status = 'due'
"""


@frozen
class PostgresHealthStore:
    """The table of how everything stands; raises Unavailable."""

    pool: db.Pool

    async def read(self) -> Health:
        """Read what is known."""
        async with db.connected(self.pool) as connection:
            [row] = await db.fetch_all(connection, _READ, db.by_name)
            load = await count_ghosts(connection, ())
        return Health(
            now=row.now,
            twitch=decode_twitch_health(row.checked_at, row.report) if row.checked_at else None,
            chat=ChatHealth(row.seen_at, row.trouble) if row.seen_at else None,
            painted=load.painted,
        )

    async def save_twitch(self, health: TwitchHealth) -> None:
        """Keep what a check at Twitch came to."""
        report = encode(twitch_health_document(health))
        async with db.connected(self.pool) as connection:
            await connection.execute(_KEEP, [health.checked_at, report])


async def read_pending_work(pool: db.Pool) -> PendingWork:
    """Count what is parked and what is due; raises Unavailable."""
    [pending] = await db.fetch_all(pool, _PENDING_WORK, class_row(PendingWork))
    return pending
