"""How the ghosts stand that were asked for, which were shown a moment ago, and how many there are."""

from collections.abc import Mapping, Sequence
from typing import LiteralString
from uuid import UUID

from attrs import frozen
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_core.domain.events import GhostRequested
from showtime_core.domain.journal import Entry
from showtime_core.domain.points_and_ghosts.ghost_limits import DAY, GhostLoad
from showtime_core.domain.points_and_ghosts.ghosts import (
    SAME_REQUEST_FOR,
    GhostProgress,
    GhostRefusal,
    GhostStep,
)
from showtime_core.errors import NotFound

# Names the request of a viewer for a ghost of this subject that is in progress or, if none is, the one whose
# ghost was shown last, within a time. A cheer is none: each is paid by itself.
_RECENT: LiteralString = """
    select entry_id from (
        select entry_id, 'infinity'::timestamptz as until, position from showtime.outbox
        where kind = 'summon-ghost' and lane = %(viewer)s and payload ->> 'subject' = %(subject)s
          and status in ('due', 'waiting', 'leased', 'parked')
        union all
        select ghost.entry_id, 'infinity', position from showtime.ghost
        join showtime.outbox on key = ghost.entry_id || ':summon-ghost'
        where viewer_id = %(viewer)s and subject = %(subject)s
          and step in ('reserved', 'awaiting-approval', 'approved', 'painted', 'stored', 'paid')
        union all
        select entry_id, shown_at, 0 from showtime.ghost
        where viewer_id = %(viewer)s and subject = %(subject)s
          and shown_at > clock_timestamp() - %(same_for)s
    ) as asked
    where (select source from showtime.journal where journal.id = entry_id) = 'viewer'
    order by until desc, position desc limit 1
"""

# Counts the ghosts of some viewers that are under way, and all that are still to be painted or were within a
# time: an image by when the try began that painted it.
_COUNT: LiteralString = """
    with summoned as (
        select lane from showtime.outbox
        where kind = 'summon-ghost' and status in ('due', 'waiting', 'leased', 'parked')
    ), waiting as (
        select lane as viewer_id from summoned where lane = any(%(viewers)s)
        union all
        select viewer_id from showtime.ghost
        where viewer_id = any(%(viewers)s) and refusal is null
          and step in ('reserved', 'awaiting-approval', 'approved', 'painted', 'stored', 'paid')
    ), painted as (
        select count(*), min(leased_at) as first_at from showtime.outbox
        where kind = 'paint-ghost' and status = 'done' and leased_at > clock_timestamp() - %(day)s
    )
    select (select coalesce(json_object_agg(viewer_id, number), '{}')
            from (select viewer_id, count(*) as number from waiting group by viewer_id) as each) as waiting,
           (select count(*) from summoned) + painted.count + (
               select count(*) from showtime.outbox
               where kind = 'paint-ghost' and status in ('due', 'waiting', 'leased', 'parked')
           ) as painted,
           first_at + %(day)s - clock_timestamp() as falls_in
    from painted
"""

# Names the entry whose ghost a request gets: as it was recorded or, if it was not, as it would be now.
_ASKER: LiteralString = """
    select coalesce(
        (select case outcome when 'repeated' then remark else id end from showtime.journal where id = %s),
        (select entry_id from showtime.fact where key = %s)
    )
"""


async def find_recent(connection: db.Connection, entries: Sequence[Entry]) -> Mapping[str, str]:
    """Find requests for the same ghosts whose dedup keys are not recorded, by dedup key."""
    return {
        entry.dedup_key: asker
        for entry in entries
        if entry.dedup_key and (asker := await _recent_asker(connection, entry))
    }


async def _recent_asker(connection: db.Connection, request: Entry) -> str | None:
    """Find an earlier request for the same ghost; None for one with a key of its own, or no request."""
    wanted = request.content
    if request.has_own_key or not isinstance(wanted, GhostRequested):
        return None
    asked = {"viewer": wanted.viewer.id, "subject": wanted.subject, "same_for": SAME_REQUEST_FOR}
    asker: str | None = await db.fetch_value(connection, _RECENT, asked, prepare=False)
    return asker


async def count_ghosts(connection: db.Connection, viewers: Sequence[str]) -> GhostLoad:
    """Count the ghosts that limits are about; none is added while the channel's lock is held."""
    counted = {"viewers": list(viewers), "day": DAY}
    [load] = await db.fetch_all(connection, _COUNT, class_row(GhostLoad), counted, prepare=False)
    return load


# How a ghost stands; without a step, where it waits to begin.
_PROGRESS: LiteralString = """
    select step, refusal, reason
    from (select %s::uuid as id) as asked left join showtime.ghost using (id)
    where step is not null or exists (
        select from showtime.outbox
        where kind = 'summon-ghost' and payload ->> 'ghost_id' = asked.id::text and status <> 'skipped'
    )
"""


@frozen
class PostgresGhosts:
    """Looks how ghosts stand; see `showtime_core.ports.Ghosts`."""

    pool: db.Pool

    async def first_request(self, request: Entry) -> str | None:
        """Name the entry whose ghost this request gets."""
        async with db.connected(self.pool) as connection:
            asker: str | None = await db.fetch_value(connection, _ASKER, [request.id, request.dedup_key])
            return asker or await _recent_asker(connection, request)

    async def progress(self, ghost_id: UUID) -> GhostProgress:
        """Tell how a ghost stands."""
        row = await db.fetch_one(self.pool, _PROGRESS, db.by_name, [ghost_id])
        if row is None:
            raise NotFound("no such ghost")
        step, refusal = row.step and GhostStep(row.step), row.refusal and GhostRefusal(row.refusal)
        return GhostProgress.of(ghost_id, step, refusal, row.reason)
