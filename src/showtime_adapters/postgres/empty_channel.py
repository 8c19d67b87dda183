"""An empty channel that a night is imported into."""

from collections.abc import AsyncIterator
from typing import LiteralString

from attrs import evolve, field, frozen

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.readiness import require_schema
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.events import GhostPaid, GhostRequested
from showtime_core.domain.journal import JournalRecord, Outcome
from showtime_core.domain.points_and_ghosts.ghosts import prompt
from showtime_core.domain.reactions import Policy
from showtime_core.ports import PlanChanges

_PAGE = 1000

# The ids of the entries after a position, in their order.
_IDS_AFTER: LiteralString = """
    select position, id from showtime.journal where position > %s order by position limit %s
"""
_BROADCASTS: LiteralString = "select count(*) from showtime.broadcast"

# Lets a request for the same ghost be a new one, as it is once the ghost was made.
_RELEASE: LiteralString = "delete from showtime.fact where key = %s"

# Keeps a ghost for which was paid, with its viewer, its image, and the tape that was on then.
_KEEP_GHOST: LiteralString = """
    with known as (
        insert into showtime.viewer (twitch_user_id, twitch_display_name) values (%(viewer_id)s, %(name)s)
        on conflict do nothing
    ), requested as (
        insert into showtime.image_request (id, twitch_user_id, screening_id, subject_noun_clause, prompt,
                                            created_at, finished_at)
        select %(id)s::uuid, %(viewer_id)s, (summons.payload ->> 'screening_id')::uuid, %(subject)s,
               %(prompt)s, coalesce(summons.created_at, %(at)s), %(at)s
        from (select 1) as always left join showtime.outbox as summons
            on kind = 'summon-ghost' and payload ->> 'ghost_id' = %(id)s
        on conflict do nothing
    )
    insert into showtime.image (image_request_id, index, url) values (%(id)s::uuid, 0, %(url)s)
    on conflict do nothing
"""


@frozen
class PostgresEmptyChannel:
    """An empty channel; see `showtime_core.use_cases.transfer.EmptyChannel`."""

    pool: db.Pool
    """One in which each statement is a transaction of its own."""
    _units: PostgresUnitOfWork = field(init=False)

    @_units.default
    def _make_units(self) -> PostgresUnitOfWork:
        return PostgresUnitOfWork(self.pool)

    async def recorded(self) -> AsyncIterator[str]:
        """Give the ids of the entries that it has, in their order."""
        async with db.connected(self.pool) as connection:
            await require_schema(connection)
            position = -1
            while rows := await db.fetch_all(connection, _IDS_AFTER, db.by_name, [position, _PAGE]):
                for row in rows:
                    yield row.id
                position = rows[-1].position

    async def broadcasts(self) -> int:
        """Count its broadcasts."""
        count: int = await db.fetch_value(self.pool, _BROADCASTS)
        return count

    async def record(self, record: JournalRecord, plan: PlanChanges, policy: Policy) -> None:
        """Record an entry at its time, with all that follows."""
        entry = record.entry
        async with db.connected(self.pool) as connection:
            if isinstance(entry.content, GhostRequested) and record.outcome is not Outcome.REPEATED:
                await connection.execute(_RELEASE, [entry.dedup_key])
        await evolve(self._units, at=record.now).record([entry], policy, plan)

    async def keep_ghost(self, paid: JournalRecord) -> None:
        """Keep a ghost for which was paid, for the history."""
        content = paid.entry.content
        assert isinstance(content, GhostPaid), "it is paid"
        values = {
            "id": paid.entry.id.removeprefix("ghost:"),
            "viewer_id": content.viewer.id,
            "name": content.viewer.name,
            "subject": content.subject,
            "prompt": prompt(content.subject),
            "at": paid.now,
            "url": content.url,
        }
        async with db.connected(self.pool) as connection:
            await connection.execute(_KEEP_GHOST, values)
