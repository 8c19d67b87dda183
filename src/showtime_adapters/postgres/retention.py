"""Retention: what is old is let go, but for what makes twice once.

Bodies of the journal, settled effects and what streams and screen have shown are pruned once they are older
than the settings say. Message ids and natural keys stay for ever. Each table is walked in small batches, each
of them a transaction that looks at so many rows and no more, so that nobody waits for it; begun again, it
begins at the beginning, and needs to remember nothing.
"""

import asyncio
import logging
from datetime import timedelta
from typing import LiteralString

from attrs import frozen

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.readiness import require_schema

_log = logging.getLogger(__name__)

_BATCH = 1000
_PAUSE_SECONDS = 0.05
"""Between two batches: whoever answers Twitch has the database for itself meanwhile."""

# Each looks at no more rows than a batch has, in an order that has an index, and gives how many it pruned,
# and the last that it looked at: null where there is no more to prune.

# Lets go what was said. What is parked can be tried again only as long as it is known what it says.
_BODIES: LiteralString = """
    with looked as (
        select position, received_at, body is not null and outcome <> 'parked' as has_gone
        from showtime.journal where position > coalesce(%(after)s::bigint, -1)
        order by position limit %(batch)s
    ), old as (
        select * from looked where received_at < clock_timestamp() - %(age)s
    ), pruned as (
        update showtime.journal set body = null from old
        where journal.position = old.position and has_gone
        returning 1
    )
    select (select count(*) from pruned) as pruned, max(position) as last from old
"""

# Removes what was shown.
_FEED: LiteralString = """
    with looked as (
        select id, shown_at from showtime.feed where id > coalesce(%(after)s::bigint, -1)
        order by id limit %(batch)s
    ), pruned as (
        delete from showtime.feed using looked
        where feed.id = looked.id and looked.shown_at < clock_timestamp() - %(age)s
        returning feed.id
    )
    select count(*) as pruned, max(id) as last from pruned
"""

# Removes what is settled. As long as anything else of its entry is not, it stays, for a ghost is made by its
# help; and as long as anything of its viewer is not, since what the ledger has made for this one must not be
# taken for another's. What is open is read once something is old: to read it takes long where much is due.
_EFFECTS: LiteralString = """
    with open as materialized (
        select entry_id, lane from showtime.outbox where status in ('due', 'waiting', 'leased', 'parked')
    ), looked as (
        select key, entry_id, lane, status, greatest(created_at, leased_at) as moved_at
        from showtime.outbox where key > coalesce(%(after)s, '')
        order by key limit %(batch)s
    ), old as materialized (
        select * from looked
        where status in ('done', 'refused', 'dismissed', 'skipped') and moved_at < clock_timestamp() - %(age)s
    ), pruned as (
        delete from showtime.outbox using old
        where outbox.key = old.key and outbox.status in ('done', 'refused', 'dismissed', 'skipped')
          and old.entry_id not in (select entry_id from open)
          and (old.lane is null or old.lane not in (select lane from open where lane is not null))
        returning 1
    )
    select (select count(*) from pruned) as pruned, max(key) as last from looked
"""

# Removes what became of alerts on the screen, once that is as old: from the beginning each time, for many may
# have ended at once.
_SHOWINGS: LiteralString = """
    with looked as (
        select id, ended_at from showtime.showing where ended_at is not null
        order by ended_at limit %(batch)s
    ), pruned as (
        delete from showtime.showing using looked
        where showing.id = looked.id and looked.ended_at < clock_timestamp() - %(age)s
        returning looked.ended_at
    )
    select count(*) as pruned, max(ended_at) as last from pruned
"""

# Removes sessions that have ended: they hold no longer, however young they are.
_SESSIONS: LiteralString = """
    with looked as (
        select digest, expires_at from showtime.session order by expires_at limit %(batch)s
    ), pruned as (
        delete from showtime.session using looked
        where session.digest = looked.digest and looked.expires_at <= clock_timestamp()
        returning looked.expires_at
    )
    select count(*) as pruned, max(expires_at) as last from pruned
"""

# The same with codes that nobody has used in time.
_CODES: LiteralString = """
    with looked as (
        select digest, expires_at from showtime.one_time_code order by expires_at limit %(batch)s
    ), pruned as (
        delete from showtime.one_time_code as code using looked
        where code.digest = looked.digest and looked.expires_at <= clock_timestamp()
        returning looked.expires_at
    )
    select count(*) as pruned, max(expires_at) as last from pruned
"""

_TABLES: dict[str, LiteralString] = {
    "bodies of messages": _BODIES,
    "settled effects": _EFFECTS,
    "entries of the feed": _FEED,
    "showings of alerts": _SHOWINGS,
    "sessions": _SESSIONS,
    "one-time codes": _CODES,
}


@frozen
class Retention:
    """Prunes what is old; one instance at a time, or each does the same work."""

    pool: db.Pool
    age: timedelta

    async def prune(self) -> None:
        """Prune all that is old; raises Unavailable, and may be begun again then."""
        await require_schema(self.pool)
        for what, statement in _TABLES.items():
            count = await self._walk(statement)
            if count:
                _log.info("pruned for their age: %d %s", count, what)

    async def _walk(self, statement: LiteralString) -> int:
        """Walk through a table; returns how many of its rows were pruned."""
        wanted = {"after": None, "batch": _BATCH, "age": self.age}
        pruned: int = 0
        while True:
            [batch] = await db.fetch_all(self.pool, statement, db.by_name, wanted)
            pruned += batch.pruned
            if batch.last is None:
                return pruned
            wanted["after"] = batch.last
            await asyncio.sleep(_PAUSE_SECONDS)
