"""The history: the predecessor's tables, read in one statement each."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString
from uuid import UUID

from attrs import define, field

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.readiness import SchemaCheck
from showtime_core.domain.broadcasts.history import (
    GhostPage,
    LastTape,
    ListedBroadcast,
    ListedGhost,
    PaidGhost,
    PastBroadcast,
    PastScreening,
    displayed_name,
)
from showtime_core.errors import NotFound

# The nights with a tape after one of them, or from the first, so many or all. Only the tapes of these are
# looked at, from an index in their order.
BROADCASTS: LiteralString = """
    select id, started_at, coalesce(vod_url, '') as vod_url, tape_ids
    from showtime.broadcast cross join lateral (
        select array_agg(tape_id order by screening.started_at, screening.id)
        from showtime.screening where broadcast_id = broadcast.id and tape_id > 0
    ) as played (tape_ids)
    where tape_ids is not null and (%(after)s::numeric is null or (started_at, id) > (
        select started_at, id from showtime.broadcast where id = %(after)s
    ))
    order by started_at, id limit %(limit)s
"""

# Tells whether there is such a night.
IS_BROADCAST: LiteralString = "select id from showtime.broadcast where id = %s"

# One night: a row for each ghost, or for each tape without one, or for a night without any. The predecessor
# left screenings open in broadcasts that had ended; tapes whose number no tape can have are never shown.
ONE_BROADCAST: LiteralString = """
    select broadcast.id, broadcast.started_at, broadcast.ended_at, coalesce(vod_url, '') as vod_url,
           screening.id as screening_id, tape_id, screening.started_at as tape_started_at,
           coalesce(screening.ended_at, broadcast.ended_at) as tape_ended_at,
           ghost.id as ghost_id, coalesce(twitch_display_name, '') as viewer_name,
           ghost.twitch_user_id as viewer_id, subject_noun_clause as subject
    from showtime.broadcast
    left join showtime.screening on broadcast_id = broadcast.id and tape_id > 0
    left join showtime.image_request as ghost
        on screening_id = screening.id and finished_at is not null and error_message is null
    left join showtime.viewer using (twitch_user_id)
    where broadcast.id = %s
    order by screening.started_at, screening.id, created_at, ghost.id
"""

# Ghosts that were paid for, each with its place among all of them.
GHOSTS: LiteralString = """
    with paid as (
        select id, twitch_user_id, screening_id, subject_noun_clause as subject, finished_at,
               row_number() over (order by finished_at, id) as number
        from showtime.image_request where finished_at is not null and error_message is null
    )
    select paid.id, number, subject, finished_at as paid_at, broadcast_id, tape_id,
           twitch_user_id as viewer_id, coalesce(twitch_display_name, '') as viewer_name,
           coalesce(url, '') as url,
           (select count(*) from paid) as total
    from paid
    left join showtime.viewer using (twitch_user_id)
    left join showtime.screening on screening.id = screening_id and tape_id > 0
    left join lateral (
        select url from showtime.image where image_request_id = paid.id order by index limit 1
    ) as first_image on true
    where (%(before)s::uuid is null or number < (select number from paid where id = %(before)s))
      and (%(around)s::uuid is null
           or number - (select number from paid where id = %(around)s) between -1 and 1)
      and (%(broadcast_id)s::numeric is null or broadcast_id = %(broadcast_id)s)
    order by number desc limit %(limit)s
"""

# The tapes that were on last, each once.
LAST_TAPES: LiteralString = """
    select tape_id, max(started_at) as last_on_at, count(*)::int as times
    from showtime.screening where tape_id > 0
    group by tape_id order by last_on_at desc, tape_id limit %s
"""

# Where the images of a ghost are, if it was paid for.
IMAGE_URLS: LiteralString = """
    select url from showtime.image join showtime.image_request on image_request.id = image_request_id
    where image_request_id = %s and finished_at is not null and error_message is null
    order by index
"""

# Keeps where the recording of a night is: outside the channel's lock, for nothing that is shown of the night
# depends on it.
SET_VOD_URL: LiteralString = """
    update showtime.broadcast set vod_url = nullif(%s, '') where id = %s returning id
"""


@define
class PostgresHistory:
    """The nights that were; see `showtime_core.ports.History`."""

    pool: db.Pool
    _schema: SchemaCheck = field(factory=SchemaCheck)

    async def broadcasts(self, after: int | None = None, limit: int | None = None) -> list[ListedBroadcast]:
        """List the nights with a tape by their start."""
        rows = await self._read(BROADCASTS, {"after": after, "limit": limit})
        if not rows and after is not None and not await self._read(IS_BROADCAST, [after]):
            raise NotFound("no such broadcast")
        return [ListedBroadcast(row.id, row.started_at, row.vod_url, tuple(row.tape_ids)) for row in rows]

    async def broadcast(self, broadcast_id: int) -> PastBroadcast:
        """Tell all of one night."""
        rows = await self._read(ONE_BROADCAST, [broadcast_id])
        if not rows:
            raise NotFound("no such broadcast")
        night = rows[0]
        return PastBroadcast(night.id, night.started_at, night.ended_at, night.vod_url, _screenings(rows))

    async def gallery(
        self,
        limit: int,
        before: UUID | None = None,
        around: UUID | None = None,
        broadcast_id: int | None = None,
    ) -> GhostPage:
        """List ghosts that were paid for, the newest first."""
        which = {"limit": limit, "before": before, "around": around, "broadcast_id": broadcast_id}
        rows = await self._read(GHOSTS, which)
        return GhostPage(rows[0].total if rows else 0, tuple(_listed_ghost(row) for row in rows))

    async def last_tapes(self, limit: int) -> list[LastTape]:
        """List the tapes that were on last, each once, the newest first."""
        return [LastTape(*row) for row in await self._read(LAST_TAPES, [limit])]

    async def image_urls(self, request_id: UUID) -> list[str]:
        """List where the images of a ghost are, in order."""
        return [row.url for row in await self._read(IMAGE_URLS, [request_id])]

    async def set_vod_url(self, broadcast_id: int, url: str) -> None:
        """Keep where the recording of a night is; empty: nowhere."""
        await self._schema.require(self.pool)
        if not await db.fetch_all(self.pool, SET_VOD_URL, db.by_name, [url, broadcast_id]):
            raise NotFound("no such broadcast")

    async def _read(self, query: LiteralString, values: db.Values) -> list[Any]:
        await self._schema.require(self.pool)
        # In binary: there are thousands of times and arrays.
        return await db.fetch_all(self.pool, query, db.by_name, values, binary=True)


def _screenings(rows: Sequence[Any]) -> tuple[PastScreening, ...]:
    groups = [list(group) for _, group in groupby(rows, attrgetter("screening_id"))]
    return tuple(
        PastScreening(first.tape_id, first.tape_started_at, first.tape_ended_at, _ghosts([first, *others]))
        for first, *others in groups
        if first.screening_id  # a night on which nothing was on has one row all the same
    )


def _listed_ghost(row: Any) -> ListedGhost:  # noqa: ANN401 - a row by its names
    name = displayed_name(row.viewer_name, row.viewer_id)
    where = (row.broadcast_id, row.tape_id)
    return ListedGhost(row.id, row.number, name, row.subject, row.url, row.paid_at, *where)


def _ghosts(rows: Sequence[Any]) -> tuple[PaidGhost, ...]:
    return tuple(
        PaidGhost(row.ghost_id, displayed_name(row.viewer_name, row.viewer_id), row.subject)
        for row in rows
        if row.ghost_id
    )
