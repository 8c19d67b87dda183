"""The unit of work: one transaction under the channel's lock, in two round trips whatever the batch."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from attrs import field, frozen, mutable
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres import statements
from showtime_adapters.postgres.page import write_page
from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.postgres.readiness import require_schema
from showtime_adapters.postgres.state import KeptState, up_to_date
from showtime_adapters.wire import encode, encode_policy, encode_state, format_time
from showtime_core.errors import Unavailable
from showtime_core.events import natural_key
from showtime_core.journal import Admission, Entry, Malformed, Page, Unknown
from showtime_core.reactions import Policy


@mutable
class PostgresUnit:
    """One transaction; see `showtime_core.ports.Unit`."""

    admission: Admission
    page: Page | None = None

    async def write(self, page: Page) -> None:
        """Write all that follows: on leaving the unit, in one round trip with the commit."""
        self.page = page


@mutable
class PostgresUnitOfWork:
    """The channel's journal and state in PostgreSQL; see `showtime_core.ports.UnitOfWork`."""

    pool: AsyncConnectionPool[Connection]
    _kept: KeptState = field(factory=KeptState)
    """The state as this instance saw it last: it is parsed again only when another has changed it."""
    _has_schema: bool = False
    """Whether the schema was found to be the one expected: asked until it is, and then never again."""

    @asynccontextmanager
    async def begin(self, entries: Sequence[Entry], policy: Policy) -> AsyncIterator[PostgresUnit]:
        """Take the channel's lock and record the entries that are new."""
        async with connected(self.pool) as connection:
            if not self._has_schema:
                await require_schema(connection)
                self._has_schema = True
            admitted = await _admit_despite_frozen(connection, entries, policy, self._kept)
            unit = PostgresUnit(admitted.admission)
            yield unit
            if unit.page:
                self._kept = await _write(connection, unit.page, admitted, len(entries))
            else:
                await connection.rollback()

    async def is_known(self, entry_id: str) -> bool:
        """Tell whether an entry of this id is in the journal; raises Unavailable."""
        async with connected(self.pool) as connection:
            row = await (await connection.execute(statements.IS_KNOWN, [entry_id])).fetchone()
        return bool(row and row[0])


@frozen
class _Admitted:
    """What was found under the lock."""

    admission: Admission
    kept: KeptState


async def _admit_despite_frozen(
    connection: Connection, entries: Sequence[Entry], policy: Policy, kept: KeptState
) -> _Admitted:
    """Take the lock, also from an instance that was frozen while it held it."""
    try:
        return await _admit(connection, entries, policy, kept)
    except (LockNotAvailable, QueryCanceled):
        await connection.rollback()
        await connection.execute(statements.END_FROZEN)
        await connection.commit()
        return await _admit(connection, entries, policy, kept)


async def _admit(
    connection: Connection, entries: Sequence[Entry], policy: Policy, kept: KeptState
) -> _Admitted:
    facts = [_fact(entry) for entry in entries]
    async with connection.pipeline():  # one round trip with the beginning of the transaction
        admitted = await connection.execute(statements.ADMIT, [kept.version, *_offer(entries, facts, policy)])
    rows = await admitted.fetchall()
    if not rows:
        raise Unavailable("the database has lost its channel: run `showtime migrate`")
    now, newest_id, version, document = rows[0][2:]
    kept = await up_to_date(connection, kept.read(version, document), newest_id)
    fresh, repeated = _sort_out(entries, facts, {row[0]: row[1] for row in rows if row[0]})
    return _Admitted(Admission(kept.state, now, fresh, repeated), kept)


def _offer(entries: Sequence[Entry], facts: Sequence[str | None], policy: Policy) -> list[object]:
    rows = [
        {
            "id": entry.id,
            "source": entry.source,
            "type": entry.type,
            "version": entry.version,
            "retry": entry.retry,
            "sent_at": entry.sent_at and format_time(entry.sent_at),
            "fact": fact,
        }
        for entry, fact in zip(entries, facts, strict=True)
    ]
    return [encode(rows), [entry.body for entry in entries], encode_policy(policy)]


def _fact(entry: Entry) -> str | None:
    return None if isinstance(entry.content, Malformed | Unknown) else natural_key(entry.content)


def _sort_out(
    entries: Sequence[Entry], facts: Sequence[str | None], new: dict[str, bool]
) -> tuple[tuple[Entry, ...], frozenset[str]]:
    """Pick the new entries, in order, and the ids of those whose fact was claimed by another."""
    fresh, repeated = [], set[str]()
    for entry, fact in zip(entries, facts, strict=True):
        is_claimed = new.pop(entry.id, None)  # an id that comes twice in a batch is new once
        if is_claimed is not None:
            fresh.append(entry)
            if fact and not is_claimed:
                repeated.add(entry.id)
    return tuple(fresh), frozenset(repeated)


async def _write(connection: Connection, page: Page, admitted: _Admitted, entry_count: int) -> KeptState:
    """Write and commit in one round trip; returns the state as it is kept from now on."""
    kept = admitted.kept.followed_by(page.state)
    async with connection.pipeline():
        await write_page(connection, page, admitted.admission.now, entry_count)
        if kept is not admitted.kept:
            await connection.execute(statements.KEEP_STATE, [encode_state(kept.state), kept.version])
        # Not `connection.commit()`: inside a pipeline it waits for an answer before all that is queued has
        # been sent, and with a large page both sides wait for ever.
        await connection.execute("commit")
    return kept
