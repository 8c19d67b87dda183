"""The channel's state, as its row keeps it; or, where none is kept yet, from the tables themselves."""

import secrets

from attrs import evolve, frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, connected
from showtime_adapters.postgres.readiness import require_schema
from showtime_adapters.postgres.statements import NEWEST_BROADCAST, READ_STATE, SCREENINGS_OF
from showtime_adapters.wire import decode_state
from showtime_core.domain.broadcasts.broadcast import ChannelState, TapePlayback
from showtime_core.domain.broadcasts.timeline import Night, Timeline
from showtime_core.errors import Unavailable


@frozen
class VersionedState:
    """The state together with its version in the channel's row; version 0 stands for none.

    Versions are drawn by lot: a database that was made anew, or restored, never has one of another state.
    """

    version: int = 0
    state: ChannelState = ChannelState()

    def read(self, version: int, document: object) -> "VersionedState":
        """Take over what the row holds; `document` is None where it is this very state, or there is none."""
        if version == self.version:
            return self
        return VersionedState(version, decode_state(document)) if version else VersionedState()

    def next(self, state: ChannelState) -> "VersionedState":
        """Tell the next state, under a version of its own if it is another, or the first to be kept."""
        if self.version and state is self.state:
            return self
        return VersionedState(secrets.randbelow(2**63 - 1) + 1, state)


async def current_state(
    connection: Connection, kept: VersionedState, newest_id: int | None
) -> VersionedState:
    """Give the state; from the tables if none is kept, or if somebody else has recorded a broadcast since."""
    if kept.version and (newest_id or 0) <= kept.state.last_broadcast_id:
        return kept
    return VersionedState(kept.version, await _from_tables(connection, kept.state))


async def read_state(pool: AsyncConnectionPool[Connection]) -> ChannelState:
    """Read the state as it stands, without the lock; raises Unavailable."""
    async with connected(pool) as connection:
        await require_schema(connection)
        row = await (await connection.execute(READ_STATE)).fetchone()
        if row is None:
            raise Unavailable("the database has lost its channel: run `showtime migrate`")
        version, document, newest_id = row
        return (await current_state(connection, VersionedState().read(version, document), newest_id)).state


async def _from_tables(connection: Connection, known: ChannelState) -> ChannelState:
    """Work out the state from the newest broadcast in the tables, whoever recorded it."""
    newest = await (await connection.execute(NEWEST_BROADCAST)).fetchone()
    if newest is None:
        return evolve(known, timeline=Timeline(), tapes=(), last_broadcast_id=0)
    broadcast_id, started_at, ended_at, last_id = newest
    screenings = await (await connection.execute(SCREENINGS_OF, [broadcast_id])).fetchall()
    night = Night(started_at, ended_at, id=broadcast_id)
    return evolve(
        known,
        timeline=Timeline(base=night, base_until=ended_at or started_at, nights=(night,)),
        # A screening that ended with its broadcast goes on if the broadcast does.
        tapes=tuple(
            TapePlayback(screening_id, tape_id, at, None if stopped_at == ended_at else stopped_at)
            for screening_id, tape_id, at, stopped_at in screenings
        ),
        last_broadcast_id=last_id,
    )
