"""All that is recorded of a night, as of one moment: each part read by an index."""

from collections.abc import Sequence
from typing import Any, LiteralString

from attrs import define, field
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.history import IS_BROADCAST
from showtime_adapters.postgres.journal import read_record
from showtime_adapters.postgres.readiness import SchemaCheck
from showtime_core.domain.broadcasts.broadcast import Screening
from showtime_core.domain.nights.recorded import AROUND, RecordedGhost, RecordedNight
from showtime_core.errors import NotFound

# Broadcasts by their start, the latest first: those before one, or the latest.
_NUMBERS: LiteralString = """
    select id from showtime.broadcast
    where %(before)s::numeric is null or (started_at, id) < (
        select started_at, id from showtime.broadcast where id = %(before)s
    )
    order by started_at desc, id desc limit %(limit)s
"""

# One broadcast, or the one on the air.
_BROADCAST: LiteralString = """
    select id, started_at, ended_at, coalesce(vod_url, '') as vod_url, clock_timestamp() as now
    from showtime.broadcast where id = %s
"""
_LIVE: LiteralString = """
    select id, started_at, ended_at, coalesce(vod_url, '') as vod_url, clock_timestamp() as now
    from showtime.broadcast where ended_at is null
"""

# What was on; tapes whose number no tape can have are never shown.
_SCREENINGS: LiteralString = """
    select id, broadcast_id, tape_id, started_at, ended_at from showtime.screening
    where broadcast_id = %s and tape_id > 0 order by started_at, id
"""

# The ghosts that were paid for while these were on.
_GHOSTS: LiteralString = """
    select image_request.id, twitch_user_id as viewer_id, coalesce(twitch_display_name, '') as username,
           subject_noun_clause as subject, finished_at as paid_at
    from showtime.image_request left join showtime.viewer using (twitch_user_id)
    where screening_id = any(%s) and finished_at is not null and error_message is null
    order by finished_at, image_request.id
"""

_JOURNAL_SINCE: LiteralString = "select reacted_at from showtime.journal order by position limit 1"

# The place of the first entry that was reacted to at this moment or later: places and times grow together, so
# it is found by halving, at about 25 looks into the index of places in a journal of many millions.
_FIRST_SINCE: LiteralString = """
    with recursive search (low, high) as (
        select min(position), max(position) + 1 from showtime.journal
        union all
        select case when looked.reacted_at < %(moment)s then looked.position + 1 else low end,
               case when looked.reacted_at < %(moment)s then high else low + (high - low) / 2 end
        from search cross join lateral (
            select position, reacted_at from showtime.journal
            where position >= low + (high - low) / 2 order by position limit 1
        ) as looked
        where low < high
    )
    select max(low) from search
"""

# So many entries from a place on.
_ENTRIES: LiteralString = """
    select position, id, source, type, version, retry, sent_at, body, reacted_at, policy, outcome, remark
    from showtime.journal where position >= %(place)s order by position limit %(limit)s
"""
_PAGE = 500


@define
class PostgresNights:
    """What is recorded of nights; see `showtime_core.ports.Nights`."""

    pool: db.Pool
    """Whoever borrows a connection of it has a transaction."""
    _schema: SchemaCheck = field(factory=SchemaCheck)

    async def numbers(self, limit: int, before: int | None = None) -> list[int]:
        """List broadcasts, the latest first."""
        await self._schema.require(self.pool)
        rows = await db.fetch_all(self.pool, _NUMBERS, db.by_name, {"limit": limit, "before": before})
        if not rows and before is not None:
            await self._require(before)
        return [row.id for row in rows]

    async def _require(self, broadcast_id: int) -> None:
        if not await db.fetch_all(self.pool, IS_BROADCAST, db.by_name, [broadcast_id]):
            raise NotFound("no such broadcast")

    async def night(self, broadcast_id: int | None) -> RecordedNight:
        """Read one night, or the one on the air."""
        await self._schema.require(self.pool)
        async with db.connected(self.pool) as connection:
            await connection.execute(db.AT_ONE_MOMENT)
            return await _read(connection, broadcast_id)


async def _read(connection: db.Connection, broadcast_id: int | None) -> RecordedNight:
    if broadcast_id is None:
        row = await db.fetch_one(connection, _LIVE, db.by_name)
    else:
        row = await db.fetch_one(connection, _BROADCAST, db.by_name, [broadcast_id])
    if row is None:
        raise NotFound("no broadcast is currently live" if broadcast_id is None else "no such broadcast")
    on = await db.fetch_all(connection, _SCREENINGS, class_row(Screening), [row.id])
    names = [each.id for each in on]
    ghosts = await db.fetch_all(connection, _GHOSTS, class_row(RecordedGhost), [names])
    since = await db.fetch_value(connection, _JOURNAL_SINCE)
    entries = await _entries(connection, row)
    return RecordedNight(
        row.id,
        row.started_at,
        row.ended_at,
        row.vod_url,
        row.now,
        tuple(on),
        tuple(ghosts),
        tuple(map(read_record, entries)),
        since,
    )


async def _entries(connection: db.Connection, night: Any) -> Sequence[Any]:  # noqa: ANN401 - a named tuple
    """Read the entries around a night, page by page."""
    place = await db.fetch_value(connection, _FIRST_SINCE, {"moment": night.started_at - AROUND})
    until = night.ended_at and night.ended_at + AROUND
    found: list[Any] = []
    while place is not None:
        wanted = {"place": place, "limit": _PAGE}
        rows = await db.fetch_all(connection, _ENTRIES, db.by_name, wanted, binary=True)
        within = [row for row in rows if until is None or row.reacted_at <= until]
        found += within
        place = rows[-1].position + 1 if rows and len(within) == len(rows) else None
    return found
