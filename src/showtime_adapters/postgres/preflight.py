"""What came of the tries before a night, in PostgreSQL, and what is tried of PostgreSQL itself."""

import asyncio
import shutil
from typing import LiteralString

from attrs import frozen
from psycopg.rows import scalar_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.readiness import require_ready
from showtime_adapters.postgres.writability import Writability
from showtime_core.domain.preflight.links import Finding, Link, LinkResult, LinkState
from showtime_core.domain.preflight.runs import Preflight, PreflightRun
from showtime_core.ports import ChangeRun

# The latest run, and what time it is.
_READ_RUN: LiteralString = """
    select clock_timestamp() as now, run_id, began_at, ended_at, callback_at from showtime.preflight_run
"""

# The same, held until the transaction ends.
_TAKE_RUN: LiteralString = _READ_RUN + " for update"

_KEEP_RUN: LiteralString = """
    update showtime.preflight_run
    set run_id = %(run_id)s, began_at = %(began_at)s, ended_at = %(ended_at)s, callback_at = %(callback_at)s
"""

_READ_RESULTS: LiteralString = """
    select link, state, said, remedy, tried_at, milliseconds from showtime.preflight_result
"""

# Keeps the latest; one that was begun earlier and ended later does not hide it.
_KEEP_RESULT: LiteralString = """
    insert into showtime.preflight_result (link, state, said, remedy, tried_at, milliseconds)
    values (%s, %s, %s, %s, %s, %s)
    on conflict (link) do update set state = excluded.state, said = excluded.said, remedy = excluded.remedy,
        tried_at = excluded.tried_at, milliseconds = excluded.milliseconds
    where preflight_result.tried_at <= excluded.tried_at
"""

# Where the files of the database are, if whoever asks may know that and the server is on the same machine.
_DATA_FOLDER: LiteralString = """
    select setting from pg_settings
    where name = 'data_directory'
      and (inet_server_addr() is null or host(inet_server_addr()) in ('127.0.0.1', '::1'))
"""


@frozen
class PostgresPreflightStore:
    """The latest run and the latest results; see `showtime_core.ports.PreflightStore`.

    Its pool is one in which each statement is a transaction of its own.
    """

    pool: db.Pool

    async def read(self) -> Preflight:
        """Read the latest results, and the latest run."""
        async with db.connected(self.pool) as connection:
            return await _read(connection, _READ_RUN)

    async def change(self, change: ChangeRun) -> Preflight:
        """Change the run in one step, and give all that is known then."""
        async with db.connected(self.pool) as connection, connection.transaction():
            kept = await _read(connection, _TAKE_RUN)
            run = change(kept.run, kept.now)
            row = db.columns(run, "began_at", "ended_at", "callback_at") | {"run_id": run.id}
            await connection.execute(_KEEP_RUN, row)
        return Preflight(kept.now, run, kept.results)

    async def save(self, result: LinkResult) -> None:
        """Keep a result, unless there is a later one of the link."""
        found = result.finding
        row = [result.link, found.state, found.said, found.remedy, result.tried_at, result.milliseconds]
        async with db.connected(self.pool) as connection:
            await connection.execute(_KEEP_RESULT, row)


async def _read(connection: db.Connection, query: LiteralString) -> Preflight:
    [run] = await db.fetch_all(connection, query, db.by_name)
    rows = await db.fetch_all(connection, _READ_RESULTS, db.by_name)
    results = {
        Link(row.link): LinkResult(
            Link(row.link),
            Finding(LinkState(row.state), row.said, row.remedy),
            row.tried_at,
            row.milliseconds,
        )
        for row in rows
        if row.link in set(Link)  # a newer version knows others
    }
    return Preflight(run.now, PreflightRun(run.run_id, run.began_at, run.ended_at, run.callback_at), results)


@frozen
class PostgresTrial:
    """The database as whoever writes sees it; see `showtime_core.ports.WritableDatabase`."""

    pool: db.Pool
    writes: Writability

    async def write(self) -> None:
        """Write for a try, and leave nothing of it; raises Unavailable."""
        await require_ready(self.pool)
        await self.writes.write()

    async def free_bytes(self) -> int | None:
        """Tell how much space is left on its disk; None: that cannot be seen from here."""
        folder = await db.fetch_one(self.pool, _DATA_FOLDER, scalar_row)
        return await asyncio.to_thread(_free, folder) if folder else None


def _free(folder: str) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
