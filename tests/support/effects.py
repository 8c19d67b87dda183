"""Effects in PostgreSQL for the state machine: instances whose sessions die, and a clock that is set."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any, LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.wire import decode_effect
from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import FeedItem
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep
from showtime_core.domain.viewers import Viewer
from showtime_core.ports import Outbox
from showtime_core.testing.machines.effects import SETTLE_AFTER
from showtime_core.testing.machines.effects_stage import EffectsStage, StoredEffect, StoredEffects

# Time passes: what was to come, and what has been, are nearer and farther by so much.
_PASS: LiteralString = """
    update showtime.outbox set
        due_at = due_at - %(time)s, leased_at = leased_at - %(time)s, check_at = check_at - %(time)s,
        doubted_since = doubted_since - %(time)s, answered_at = answered_at - %(time)s
"""
_SHOWN_PASS: LiteralString = "update showtime.ghost set shown_at = shown_at - %(time)s"
_EFFECTS: LiteralString = "select key, kind, payload, status, depends_on, remark from showtime.outbox"
_GHOSTS: LiteralString = """
    select id, viewer_id, viewer_login, viewer_display_name, subject, screening_id, step, flow_id, url,
           refusal, reason
    from showtime.ghost
"""
_SHOWN: LiteralString = """
    select entry_id, payload -> 'data' from showtime.feed where payload ->> 'type' = 'generated-images'
"""


async def let_time_pass(pool: AsyncConnectionPool[Connection], time: timedelta) -> None:
    """Bring what waits nearer, without waiting."""
    async with pool.connection() as connection:
        await connection.execute(_PASS, {"time": time})
        await connection.execute(_SHOWN_PASS, {"time": time})


@asynccontextmanager
async def effects_staged(conninfo: str) -> AsyncIterator[EffectsStage]:
    """Set a stage for effects on this database."""
    async with make_pool(conninfo, autocommit=True) as pool, AsyncExitStack() as stack:
        numbers, sessions = count(1984), dict[int, psycopg.AsyncConnection[Any]]()

        async def start() -> Outbox:
            outbox = PostgresOutbox(pool, SETTLE_AFTER, next(numbers))
            session = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
            sessions[outbox.owner] = await stack.enter_async_context(session)
            await session.execute("select pg_advisory_lock(%s)", [outbox.owner])
            return outbox

        async def die(outbox: Outbox) -> None:
            assert isinstance(outbox, PostgresOutbox)
            # Gone at once: that of a session that is closed is gone only when the server has noticed.
            await sessions[outbox.owner].execute("select pg_advisory_unlock(%s)", [outbox.owner])

        async def wait(time: timedelta) -> None:
            await let_time_pass(pool, time)

        async def read() -> StoredEffects:
            return await _read(pool)

        async def set_back(time: timedelta) -> None:
            await let_time_pass(pool, -time)

        units = PostgresUnitOfWork(pool)
        parked = PostgresParkedItems(pool)
        yield EffectsStage(units, parked, SETTLE_AFTER, start, die, wait, read, set_back)


async def _read(pool: AsyncConnectionPool[Connection]) -> StoredEffects:
    async with pool.connection() as connection:
        effects = await (await connection.execute(_EFFECTS)).fetchall()
        ghosts = await (await connection.execute(_GHOSTS)).fetchall()
        shown = await (await connection.execute(_SHOWN)).fetchall()
    return StoredEffects(
        {
            key: StoredEffect(decode_effect(kind, payload), EffectStatus(status), after, remark)
            for key, kind, payload, status, after, remark in effects
        },
        tuple(_ghost(*row) for row in ghosts),
        tuple(FeedItem(entry_id, _alert(**data)) for entry_id, data in shown),
    )


def _alert(username: str, description: str, urls: list[str]) -> GhostAlert:
    return GhostAlert(username, description, tuple(urls))


def _ghost(ghost_id: Any, *columns: Any) -> Ghost:
    viewer_id, login, name, subject, screening_id, step, flow_id, url, refusal, reason = columns
    viewer = Viewer(viewer_id, login, name)
    why = refusal and GhostRefusal(refusal)
    return Ghost(ghost_id, viewer, subject, screening_id, GhostStep(step), flow_id, url, why, reason)
