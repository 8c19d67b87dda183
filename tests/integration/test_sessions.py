"""Every session is set by us, whatever the role, the database and the environment say."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import showtime_adapters
from showtime_adapters.postgres.migrations.session import session
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.session import LIMITS, PLANS, VALUES, command_session, listening_session

ODD = {
    "bytea_output": "escape",
    "datestyle": "German, DMY",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "enable_bitmapscan": "on",
    "enable_indexonlyscan": "off",
    "enable_indexscan": "off",
    "enable_nestloop": "off",
    "extra_float_digits": "-15",
    "idle_in_transaction_session_timeout": "1h",
    "idle_session_timeout": "1h",
    "intervalstyle": "iso_8601",
    "jit": "on",
    "lock_timeout": "1h",
    "plan_cache_mode": "force_generic_plan",
    "search_path": "nowhere",
    "standard_conforming_strings": "off",
    "statement_timeout": "1h",
    "synchronous_commit": "off",
    "timezone": "Asia/Kolkata",
    "transform_null_equals": "on",
}
"""What a database or a role may have been set to."""
ASK = "select key, pg_catalog.current_setting(key, true) from pg_catalog.unnest(%s::text[]) as key"
READ = "select timestamptz '2023-11-25 20:00:00Z', interval '1 day 2 s', '\\x00ff'::bytea, 0.1::float8 + 0.2"


def alter(conninfo: str, what: str, settings: dict[str, str]) -> None:
    """Set a database, or a role in this database alone."""
    name = conninfo_to_dict(conninfo)["dbname"]
    on = {"database": "alter database {0}", "role": "alter role current_user in database {0}"}[what]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for setting, value in settings.items():
            change = sql.SQL(
                f"{on} set {setting} to {{1}}"
                if setting != "search_path"
                else f"{on} set {setting} to nowhere"
            )
            connection.execute(change.format(sql.Identifier(str(name)), sql.Literal(value)))


@pytest.fixture(params=["database", "role", "environment", "connection string"])
def odd(request, database, monkeypatch) -> str:
    """Give the conninfo of a database whose sessions begin in an odd way."""
    if request.param in {"database", "role"}:
        alter(database, request.param, ODD)
    elif request.param == "environment":
        monkeypatch.setenv(
            "PGOPTIONS", " ".join(f"-c {name}={value.replace(' ', '')}" for name, value in ODD.items())
        )
        monkeypatch.setenv("PGDATESTYLE", "SQL, DMY")
        monkeypatch.setenv("PGTZ", "Asia/Kolkata")
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    else:
        options = " ".join(f"-c {name}={value.replace(' ', '')}" for name, value in ODD.items())
        return psycopg.conninfo.make_conninfo(database, options=options, client_encoding="LATIN1")
    return database


def canonical(settings: dict[str, str]) -> dict[str, str]:
    """Leave out what only a newer server knows."""
    return {name: value for name, value in settings.items() if name != "transaction_timeout"}


EXPECTED = canonical({**VALUES, **LIMITS})


@pytest.mark.parametrize("autocommit", [True, False])
async def test_a_pool_sets_its_sessions(odd, autocommit):
    """What is read means what it says, and plans mind no statistics, in each connection of a pool."""
    expected = {**EXPECTED, **PLANS}
    async with make_pool(odd, autocommit=autocommit) as pool, pool.connection() as connection:
        found = await (await connection.execute(ASK, [list(expected)])).fetchall()
        assert dict(found) == expected
        shown = await (await connection.execute("show transaction_isolation")).fetchone()
        assert shown == ("read committed",)
        row = await (await connection.execute(READ)).fetchone()
    assert row == (
        datetime(2023, 11, 25, 20, tzinfo=UTC),
        timedelta(days=1, seconds=2),
        b"\x00\xff",
        0.1 + 0.2,
    )


async def test_a_session_of_its_own_is_set(odd):
    """So are the sessions in which the feed, the chat, the relay and leaders listen and hold locks."""
    expected = {**EXPECTED, **PLANS}
    async with listening_session(odd) as connection:
        assert dict(await (await connection.execute(ASK, [list(expected)])).fetchall()) == expected


@contextmanager
def preparing(conninfo):
    """Connect as the embedded PostgreSQL does to prepare itself."""
    with command_session(conninfo, {"statement_timeout": "30s"}) as connection:
        yield connection


@pytest.mark.parametrize(
    ("connect", "limits"),
    [
        (
            session,
            {"statement_timeout": "0", "lock_timeout": "20s", "idle_in_transaction_session_timeout": "0"},
        ),
        (preparing, {"statement_timeout": "30s"}),
    ],
)
def test_the_session_of_a_command_is_set(odd, connect, limits):
    """It reads and writes as a service does, with limits of its own."""
    expected = {**EXPECTED, **limits}
    with connect(odd) as connection:
        assert dict(connection.execute(ASK, [list(expected)]).fetchall()) == expected


def test_nobody_connects_in_another_way():
    """No module makes a connection but the one that sets sessions, and the pool by its help."""
    connecting = re.compile(r"(psycopg|AsyncConnection|Connection)\.connect\(|AsyncConnectionPool\(")
    folder = Path(next(iter(showtime_adapters.__path__))).parent
    found = {path.name for path in folder.rglob("*.py") if connecting.search(path.read_text())}
    assert found == {"session.py", "pool.py"}


async def test_what_the_operator_says_about_writing_is_kept(database):
    """A database that is closed to writers stays closed, and one that waits for standbys waits for them."""
    kept = {"default_transaction_read_only": "on", "synchronous_commit": "remote_apply"}
    alter(database, "database", kept)
    async with listening_session(database) as connection:
        assert dict(await (await connection.execute(ASK, [list(kept)])).fetchall()) == kept
