"""The channel's state, as its row keeps it; or, where none is kept yet, from the tables themselves."""

import secrets
from datetime import datetime
from typing import Any

from attrs import evolve, frozen
from psycopg.rows import class_row

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.readiness import require_schema
from showtime_adapters.postgres.statements import (
    CHAT_TIP,
    NEWEST_BROADCAST,
    NEWEST_BROADCAST_BEFORE,
    SCREENINGS_OF,
    TIP,
)
from showtime_adapters.wire import decode_state, snapshot_document
from showtime_core.domain.broadcasts.broadcast import ChannelState, TapePlayback, snapshot_of
from showtime_core.domain.broadcasts.timeline import Night, Timeline
from showtime_core.domain.feed import FeedPosition
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
    connection: db.Connection, kept: VersionedState, newest_id: int | None
) -> VersionedState:
    """Give the state; from the tables if none is kept, or if somebody else has recorded a broadcast since."""
    if kept.version and (newest_id or 0) <= kept.state.last_broadcast_id:
        return kept
    return VersionedState(kept.version, await _from_tables(connection, kept.state))


def require_channel(row: Any) -> Any:  # noqa: ANN401 - a named tuple
    """Give the row that the channel has; raises Unavailable for None."""
    if row is None:
        raise Unavailable("the database has lost its channel: run `showtime migrate`")
    return row


async def read_tip(connection: db.Connection) -> FeedPosition:
    """Tell where the feed stands, and the state at that point, without the lock; raises Unavailable."""
    row, state = await _read(connection)
    return FeedPosition(row.epoch, row.id, encode(snapshot_document(snapshot_of(state))))


async def read_chat_tip(connection: db.Connection) -> FeedPosition:
    """Tell where the chat stands; raises Unavailable."""
    row = require_channel(await db.fetch_one(connection, CHAT_TIP, db.by_name))
    return FeedPosition(row.epoch, row.id, snapshot="")


async def read_state(pool: db.Pool) -> ChannelState:
    """Read the state as it stands, without the lock; raises Unavailable."""
    async with db.connected(pool) as connection:
        await require_schema(connection)
        return await read_state_of(connection)


async def read_state_of(connection: db.Connection) -> ChannelState:
    """Read the state as it stands for this connection; raises Unavailable where there is no channel."""
    _, state = await _read(connection)
    return state


async def state_before(connection: db.Connection, moment: datetime, *, only_ended: bool) -> ChannelState:
    """Give what the tables say of the nights that had begun before a moment, or that had ended."""
    wanted = {"moment": moment, "only_ended": only_ended}
    newest = await db.fetch_one(connection, NEWEST_BROADCAST_BEFORE, db.by_name, wanted)
    state = await _from_newest(connection, ChannelState(), newest)
    return evolve(state, tapes=tuple(tape for tape in state.tapes if tape.at < moment))


async def _read(connection: db.Connection) -> tuple[Any, ChannelState]:
    row = require_channel(await db.fetch_one(connection, TIP, db.by_name))
    kept = await current_state(connection, VersionedState().read(row.state_version, row.state), row.newest_id)
    return row, kept.state


async def _from_tables(connection: db.Connection, known: ChannelState) -> ChannelState:
    """Work out the state from the newest broadcast in the tables, whoever recorded it."""
    newest = await db.fetch_one(connection, NEWEST_BROADCAST, db.by_name)
    return await _from_newest(connection, known, newest)


async def _from_newest(connection: db.Connection, known: ChannelState, newest: Any) -> ChannelState:  # noqa: ANN401 - a named tuple
    if newest is None:
        return evolve(known, timeline=Timeline(), tapes=(), last_broadcast_id=0)
    night = Night(newest.started_at, newest.ended_at, id=newest.id)
    tapes = await db.fetch_all(connection, SCREENINGS_OF, class_row(TapePlayback), [night.ended_at, night.id])
    return evolve(
        known,
        timeline=Timeline(base=night, base_until=night.ended_at or night.started_at, nights=(night,)),
        tapes=tuple(tapes),
        last_broadcast_id=newest.last_id,
    )
