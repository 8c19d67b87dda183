"""The unit of work: one transaction under the channel's lock, and mostly one statement.

What follows from Twitch's messages depends on the state alone, and that is rarely another than the one that
this instance saw last. So it is worked out before the database is asked, on the assumption that the state is
still that one and that all entries are new. One statement verifies this and writes all of it, in one round
trip; where it does not hold, nothing is written, and the lock is taken first to see how things stand.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from attrs import evolve, field, mutable
from psycopg.errors import LockNotAvailable, QueryCanceled, UniqueViolation
from psycopg.rows import class_row

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres import statements
from showtime_adapters.postgres.ghosts import count_ghosts, find_recent
from showtime_adapters.postgres.journal_changes import write_broadcasts, write_changes, write_payments
from showtime_adapters.postgres.readiness import SchemaCheck
from showtime_adapters.postgres.show.store import change_with_journal
from showtime_adapters.postgres.state import VersionedState, current_state, require_channel
from showtime_adapters.wire import state_document
from showtime_core.domain.journal import (
    AdmittedBatch,
    Entry,
    JournalChanges,
    KnownEntries,
    admit,
    ghost_requesters,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLoad
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.domain.reactions import Policy
from showtime_core.ports import PlanChanges
from showtime_core.use_cases.pressure import Pressure


@mutable
class PostgresUnitOfWork:
    """The channel's journal and state in PostgreSQL; see `showtime_core.ports.UnitOfWork`.

    Its pool is one in which each statement is a transaction of its own.
    """

    pool: db.Pool
    at: datetime | None = None
    """The time at which entries are recorded, for an import; None: it is read under the lock."""
    pressure: Pressure = field(factory=Pressure)
    """Whether many messages come at once."""
    _kept: VersionedState = field(factory=VersionedState)
    """The state as this instance saw it last: it is parsed again only when another has changed it."""
    _schema: SchemaCheck = field(factory=SchemaCheck)

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Record the entries that are new and all that follows from them."""
        self.pressure.note(len(entries))
        async with db.connected(self.pool) as connection:
            await self._schema.require(connection)
            try:
                changes = await self._record_as_assumed(connection, entries, policy, plan)
                return changes or await self._record_under_lock(connection, entries, policy, plan)
            except (LockNotAvailable, QueryCanceled):  # the instance that holds it may be frozen
                await connection.execute(statements.END_FROZEN)
                return await self._record_under_lock(connection, entries, policy, plan)

    async def _record_as_assumed(
        self, connection: db.Connection, entries: Sequence[Entry], policy: Policy, plan: PlanChanges
    ) -> JournalChanges | None:
        """Record entries as if all were new, in this state; None: it is not so, and nothing was done."""
        cached = self._kept
        if self.at or not cached.version or not _may_be_assumed(entries, policy):
            return None
        batch = AdmittedBatch(cached.state, None, tuple(entries), {})
        try:
            changes = plan(batch, policy)
        except Exception:
            return None
        # Where the state changes broadcasts may, and whoever knows their state looks first. The show is
        # written by other statements.
        if changes.state is cached.state and not changes.show_changes:
            with suppress(UniqueViolation):  # an id or a dedup key is not new
                if await write_changes(connection, changes, batch, policy, cached.version):
                    return changes
        return None

    async def _record_under_lock(
        self, connection: db.Connection, entries: Sequence[Entry], policy: Policy, plan: PlanChanges
    ) -> JournalChanges:
        """See how things stand, and then write what follows."""
        async with connection.transaction():
            batch, cached = await _admit(connection, entries, policy, self._kept)
            batch = evolve(batch, now=self.at or batch.now)
            changes = plan(batch, policy)
            if not batch.new_entries:
                return changes
            following = cached.next(changes.state)
            await write_broadcasts(connection, changes)
            await write_changes(connection, changes, batch, policy)
            await write_payments(connection, changes)
            await change_with_journal(connection, changes.show_changes)
            for decided in changes.decided:
                await connection.execute(statements.DECIDE, [decided.outcome, decided.entry_id])
            if following is not cached:
                state = encode(state_document(following.state))
                await connection.execute(statements.KEEP_STATE, [state, following.version])
        self._kept = following
        return changes

    async def is_known(self, entry_id: str) -> bool:
        """Tell whether an entry of this id is in the journal; raises Unavailable."""
        return bool(await db.fetch_value(self.pool, statements.IS_KNOWN, [entry_id]))


def _may_be_assumed(entries: Sequence[Entry], policy: Policy) -> bool:
    """Tell whether what follows from entries can be told without looking, if all of them are new.

    How many ghosts there are is counted under the lock, and whether a payment was told before, only looking
    tells.
    """
    if not entries or ghost_requesters(entries, policy):
        return False
    return all(entry.sent_at and not entry.payment for entry in entries)


async def _admit(
    connection: db.Connection, entries: Sequence[Entry], policy: Policy, cached: VersionedState
) -> tuple[AdmittedBatch, VersionedState]:
    """Take the lock, and see how things stand."""
    locked = require_channel(await db.fetch_one(connection, statements.LOCK, db.by_name, [cached.version]))
    wanted = {
        "ids": [entry.id for entry in entries],
        "facts": [entry.dedup_key for entry in entries if entry.dedup_key],
        "abouts": [entry.decided_id for entry in entries if entry.decided_id],
    }
    [found] = await db.fetch_all(connection, statements.LOOK, db.by_name, wanted, prepare=False)
    cached = await current_state(connection, cached.read(locked.state_version, locked.state), found.newest_id)
    recent = await find_recent(connection, entries)
    viewers = ghost_requesters(entries, policy)
    load = await count_ghosts(connection, viewers) if viewers else GhostLoad()
    payments = await _payments(connection, entries)
    known = KnownEntries(frozenset(found.ids), found.facts, frozenset(found.parked), recent, load, payments)
    return admit(entries, cached.state, locked.now, known, policy), cached


async def _payments(connection: db.Connection, entries: Sequence[Entry]) -> tuple[Payment, ...]:
    """Look which payments were told of the viewers whose payments these tell."""
    payers = sorted({entry.payment.viewer_id for entry in entries if entry.payment})
    if not payers:
        return ()
    told = class_row(Payment)
    return tuple(
        await db.fetch_all(connection, statements.PAYMENTS_OF, told, {"payers": payers}, prepare=False)
    )
