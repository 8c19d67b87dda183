"""Whether the database can be used: reachable, open for writing, and with the schema that is needed."""

from functools import partial
from typing import LiteralString

from attrs import define

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.migrations.migrate import pending
from showtime_core.errors import Refused, Unavailable

# A standby, or a database that its provider has closed since its disk is full, answers who only reads.
_IS_READ_ONLY: LiteralString = "select current_setting('transaction_read_only') = 'on'"


async def require_ready(pool: db.Pool) -> None:
    """Return if the database is fit for use; raises Unavailable with the reason and the remedy."""
    await db.retry_once(partial(_look, pool))


async def _look(pool: db.Pool) -> None:
    await require_schema(pool)
    if await db.fetch_value(pool, _IS_READ_ONLY):
        raise Unavailable(
            "the database is read-only: name one that is not a standby (PGHOST), or make room on its disk"
        )


async def require_schema(database: db.Pool | db.Connection) -> None:
    """Return if the schema is the one that this version expects; raises Unavailable with the remedy."""
    try:
        steps = await pending(database)
    except Refused as reason:
        raise Unavailable(str(reason)) from reason
    if steps:
        raise Unavailable(f"the database lacks {', '.join(steps)}: run `showtime migrate`")


@define
class SchemaCheck:
    """Whether the schema is the one expected: asked until it is, and then never again."""

    _is_known: bool = False

    async def require(self, database: db.Pool | db.Connection) -> None:
        """Return if it is; raises Unavailable with the remedy."""
        if not self._is_known:
            await require_schema(database)
            self._is_known = True
