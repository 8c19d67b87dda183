"""The embedded ledger: fun points in our own database, for a channel without a ledger service.

It knows keys: the same change under the same key is made once, so that nothing is ever in doubt.
"""

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid5

from attrs import frozen
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_core.domain.points_and_ghosts.effects import Credit
from showtime_core.domain.points_and_ghosts.ledger import (
    Balance,
    FlowState,
    Statement,
    Transaction,
    TransactionPage,
)
from showtime_core.domain.points_and_ghosts.ledger_matching import (
    ExpectedTransaction,
    expected_credit,
    expected_reservation,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotEnoughPoints, NotPending, Refused

_NAMESPACE = UUID("8b6b0c8e-6f0a-4a55-9a3e-7f1f3a0f5b52")
"""A transaction is named after the key of the change that it makes."""

# Makes a transaction, once.
_RECORD: LiteralString = """
    insert into showtime.flow (id, viewer_id, type, state, points, description, at)
    values (%s, %s, %s, %s, %s, %s, clock_timestamp()) on conflict (id) do nothing
"""

# Lets one transaction of a viewer be made at a time: what one of them spends, another cannot.
_LOCK: LiteralString = "select pg_advisory_xact_lock(7238450, hashtext(%s))"

_IS_KNOWN: LiteralString = "select exists (select from showtime.flow where id = %s)"

_BALANCE: LiteralString = """
    select coalesce(sum(points) filter (where state = 'accepted'), 0)::bigint as total,
           coalesce(sum(points) filter (where state <> 'rejected'), 0)::bigint as available
    from showtime.flow where viewer_id = %s
"""

_STATEMENT: LiteralString = """
    select id, type, state, points, description, at, statement_timestamp() as asked_at from showtime.flow
    where viewer_id = %s and at >= statement_timestamp() - %s order by position desc
"""

# Lists a viewer's transactions from one on, the newest first. Where they begin is looked up first, so that an
# index leads there.
_PAGE: LiteralString = """
    select id, type, state, points, description, at from showtime.flow
    where viewer_id = %(viewer)s and position <= case
        when %(first)s::uuid is null then 9223372036854775807
        else (select position from showtime.flow where viewer_id = %(viewer)s and id = %(first)s)
    end
    order by position desc limit %(limit)s
"""

_DECIDE: LiteralString = """
    update showtime.flow set state = %s, at = clock_timestamp()
    where viewer_id = %s and id = %s and state = 'pending'
"""


@frozen
class PostgresLedger:
    """Keeps the points of viewers; see `showtime_core.ports.PagedLedger`."""

    pool: db.Pool

    async def credit(self, credit: Credit, key: str) -> UUID:
        """Credit points; returns the transaction's id."""
        async with db.connected(self.pool) as connection:
            return await _record(connection, credit.viewer, key, expected_credit(credit))

    async def reserve(self, viewer: Viewer, points: int, ghost_id: UUID, key: str) -> UUID:  # noqa: ARG002
        """Reserve points for a ghost; returns the transaction's id. Raises NotEnoughPoints."""
        async with db.connected(self.pool) as connection, connection.transaction():
            await connection.execute(_LOCK, [viewer.id])
            is_known = await db.fetch_value(connection, _IS_KNOWN, [uuid5(_NAMESPACE, key)])
            if not is_known and (await _balance(connection, viewer)).available < points:
                raise NotEnoughPoints("not enough points")
            return await _record(connection, viewer, key, expected_reservation(points))

    async def accept(self, viewer: Viewer, flow_id: UUID) -> None:
        """Spend what was reserved. Raises NotPending where that is decided already."""
        await self._decide(viewer, flow_id, FlowState.ACCEPTED)

    async def reject(self, viewer: Viewer, flow_id: UUID) -> None:
        """Give back what was reserved. Raises NotPending where that is decided already."""
        await self._decide(viewer, flow_id, FlowState.REJECTED)

    async def balance(self, viewer: Viewer) -> Balance:
        """Tell what the viewer has."""
        return await _balance(self.pool, viewer)

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of the last while: all of them, for our own database fails aloud."""
        rows = await db.fetch_all(self.pool, _STATEMENT, db.by_name, [viewer.id, period])
        asked_at = rows[0].asked_at if rows else None
        return Statement(tuple(map(_transaction, rows)), is_complete=True, asked_at=asked_at)

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction; None if there is none."""
        found = (await self.page(viewer, 1, flow_id)).transactions
        return found[0] if found else None

    async def page(self, viewer: Viewer, limit: int, first: UUID | None = None) -> TransactionPage:
        """List so many transactions, newest first, from one on."""
        values = {"viewer": viewer.id, "first": first, "limit": limit + 1}
        rows = await db.fetch_all(self.pool, _PAGE, db.by_name, values)
        return TransactionPage.of([*map(_transaction, rows)], limit)

    async def _decide(self, viewer: Viewer, flow_id: UUID, state: FlowState) -> None:
        async with db.connected(self.pool) as connection:
            decided = await connection.execute(_DECIDE, [state, viewer.id, flow_id])
        if not decided.rowcount:
            if await self.find(viewer, flow_id):
                raise NotPending("transaction is not pending")
            raise Refused("no such transaction")


async def _record(connection: db.Connection, viewer: Viewer, key: str, new: ExpectedTransaction) -> UUID:
    flow_id = uuid5(_NAMESPACE, key)
    values = [flow_id, viewer.id, new.type, new.state, new.points, new.description]
    await connection.execute(_RECORD, values)
    return flow_id


async def _balance(database: db.Pool | db.Connection, viewer: Viewer) -> Balance:
    [balance] = await db.fetch_all(database, _BALANCE, class_row(Balance), [viewer.id])
    return balance


def _transaction(row: Any) -> Transaction:  # noqa: ANN401 - a named tuple
    return Transaction(row.id, row.type, FlowState(row.state), row.points, row.description, row.at)
