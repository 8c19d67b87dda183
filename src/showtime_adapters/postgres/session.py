"""What every session with PostgreSQL is set to, in one place, by whoever connects.

A session begins with what the role, the database, the server's configuration, a service file and the
environment (PGOPTIONS, PGDATESTYLE, PGTZ and so on) say, and several of these change what is read, what is
written, or how much work a statement makes. So each connection sets them itself, once it stands. The
parameter `options` of the connection would lose to PGDATESTYLE and PGTZ, and PgBouncer refuses it.

Two things stay as they are found, since whoever looks after the database says them to us:
`default_transaction_read_only`, by which a database is closed to writers, and `synchronous_commit` where it
is anything but `off`. Settings that change nothing here are left alone: `lc_*`, `xmloption`.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from showtime_adapters.encoding import encode

Connection = AsyncConnection[tuple[Any, ...]]

VALUES: Mapping[str, str] = {
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",  # psycopg reads no other
    "default_transaction_deferrable": "off",
    # Statements that follow each other in a transaction see what was committed between them.
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
    "intervalstyle": "postgres",  # psycopg reads no other
    "row_security": "off",  # rather an error than rows that are hidden from us
    "search_path": "pg_catalog, pg_temp",  # every name of ours says its schema
    "standard_conforming_strings": "on",
    "synchronous_commit": "on",  # what is acknowledged to Twitch is on the disk
    "timezone": "UTC",
    "transform_null_equals": "off",
}
"""What is read and written means the same in every session."""

PLANS: Mapping[str, str] = {
    # A plan is kept for long, and made while a table may be small, or its statistics old or missing: then
    # reading all of it looks cheapest, and stays so while it grows. What has an index is read by the index.
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_nestloop": "on",
    "jit": "off",  # whatever cannot but read all of a table counts as dear, and would be compiled
    "plan_cache_mode": "auto",
}
"""What a statement costs does not depend on statistics. Hidden queries of foreign keys obey these as well."""

LIMITS: Mapping[str, str] = {
    "idle_in_transaction_session_timeout": "3s",
    "idle_session_timeout": "0",  # who listens is silent for long
    "lock_timeout": "3s",  # leaves /callback, which has 5 s in all, the time to succeed after all
    "statement_timeout": "4s",
    "transaction_timeout": "0",  # since PostgreSQL 17
}
"""What waits has an end, and what is idle has none."""

_SERVING = encode({**VALUES, **PLANS, **LIMITS})

# Sets the session, as far as this version of the server knows each setting. A transaction that began before
# keeps its own isolation: this is a transaction by itself.
_SET: LiteralString = """
    select pg_catalog.set_config(key, value, false) from pg_catalog.json_each_text(%s)
    where pg_catalog.current_setting(key, true) is not null
      and (key <> 'synchronous_commit' or pg_catalog.current_setting(key) = 'off')
"""

CONNECTING: dict[str, Any] = {
    "application_name": "showtime",
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Keyword arguments of every connection of a service, beside its connection string."""


async def begin_serving(connection: Connection) -> None:
    """Set a session that has just begun to what a service needs; raises psycopg.Error, and closes it then."""
    try:
        await connection.execute(_SET, [_SERVING])
        await connection.commit()
    except BaseException:
        await connection.close()
        raise


@asynccontextmanager
async def listening_session(conninfo: str) -> AsyncIterator[Connection]:
    """Hold a session of its own, in which each statement is a transaction; raises psycopg.Error."""
    async with await AsyncConnection.connect(conninfo, autocommit=True, **CONNECTING) as connection:
        await begin_serving(connection)
        yield connection


@contextmanager
def command_session(
    conninfo: str,
    limits: Mapping[str, str],
    **others: Any,  # noqa: ANN401
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Hold a session for a command, with limits of its own; raises psycopg.Error.

    Each statement is a transaction. How they are planned is left to the server: a step of the schema reads
    whole tables.
    """
    with psycopg.connect(conninfo, autocommit=True, **others) as connection:
        connection.execute(_SET, [encode({**VALUES, **LIMITS, **limits})])
        yield connection
