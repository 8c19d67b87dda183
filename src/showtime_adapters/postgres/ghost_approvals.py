"""The ghosts that wait for the host, in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres.outbox import read_job, write_settlement
from showtime_adapters.postgres.pool import Connection, by_name, connected, fetch_all, fetch_one
from showtime_adapters.postgres.show.statements import NOTIFY
from showtime_core.domain.ghost_approval import AwaitingGhost, settle_approval
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound

_MOST = 1000


@frozen
class PostgresGhostApprovals:
    """What the host decides about ghosts; see `showtime_core.ports.GhostApprovals`."""

    pool: AsyncConnectionPool[Connection]

    async def list_awaiting(self) -> Sequence[AwaitingGhost]:
        """List those that wait, the oldest first."""
        async with connected(self.pool) as connection:
            rows = await fetch_all(connection, statements.AWAITING, by_name, [_MOST])
        return [
            AwaitingGhost(
                row.id,
                Viewer(row.viewer_id, row.viewer_login, row.viewer_display_name),
                row.subject,
                row.reason,
                row.since,
                row.until,
            )
            for row in rows
        ]

    async def decide(self, ghost_id: UUID, *, is_approved: bool) -> None:
        """Let one be painted, or give its points back."""
        async with connected(self.pool) as connection, connection.transaction():
            row = await fetch_one(connection, statements.TAKE_AWAITING, by_name, [ghost_id])
            if row is None:
                raise NotFound("no such ghost waits")
            job = read_job(row)
            settlement = settle_approval(job, is_approved=is_approved)
            await write_settlement(connection, job, settlement, EffectStatus.DUE, None)
            await connection.execute(statements.WAKE)
            await connection.execute(NOTIFY)
