"""How the ghosts stand that were asked for."""

from typing import LiteralString
from uuid import UUID

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected
from showtime_core.errors import NotFound
from showtime_core.ghosts import Refusal, Standing, Step
from showtime_core.journal import Entry

# Names the entry whose ghost a request gets: as it was recorded or, if it was not, as it would be now.
_ASKER: LiteralString = """
    select coalesce(
        (select case outcome when 'repeated' then remark else id end from showtime.journal where id = %s),
        (select entry_id from showtime.fact where key = %s)
    )
"""

# How a ghost stands; without a step, where it waits to begin.
_STANDING: LiteralString = """
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

    pool: AsyncConnectionPool[Connection]

    async def asker(self, request: Entry) -> str | None:
        """Name the entry whose ghost this request gets."""
        async with connected(self.pool) as connection:
            row = await (await connection.execute(_ASKER, [request.id, request.fact])).fetchone()
        return row[0] if row else None

    async def standing(self, ghost_id: UUID) -> Standing:
        """Tell how a ghost stands."""
        async with connected(self.pool) as connection:
            row = await (await connection.execute(_STANDING, [ghost_id])).fetchone()
        if row is None:
            raise NotFound("no such ghost")
        step, refusal, reason = row
        return Standing.of(ghost_id, step and Step(step), refusal and Refusal(refusal), reason)
