"""Databases for tests: fresh ones, and ones that go away."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from showtime_app import composition

_EMPTY = """
    truncate showtime.journal, showtime.payment, showtime.fact, showtime.outbox, showtime.feed,
        showtime.ghost, showtime.image_request, showtime.broadcast, showtime.screening,
        showtime.viewer, showtime.show, showtime.showing, showtime.overlay, showtime.show_secret,
        showtime.preflight_result cascade;
    insert into showtime.show default values;
    update showtime.preflight_run set run_id = null, began_at = null, ended_at = null, callback_at = null;
    update showtime.channel set state = null, state_version = 0, last_position = 0, last_feed_id = 0;
"""


@functools.cache
def _template(of_server: str) -> str:
    """Make a database that showtime can use, for others to be copied from; gives its name."""
    name = f"template_{uuid4().hex}"
    with psycopg.connect(of_server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    composition.migrate_up(make_conninfo(of_server, dbname=name), lambda _: None)
    return name


@contextmanager
def fresh_database(of_server: str, *, is_migrated: bool = True) -> Iterator[str]:
    """Make a database for a while; gives its conninfo."""
    name = f"test_{uuid4().hex}"
    template = _template(of_server) if is_migrated else "template1"
    with psycopg.connect(of_server, autocommit=True) as connection:
        create = sql.SQL("create database {} template {} strategy file_copy")  # half of what its WAL costs
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            conninfo = make_conninfo(of_server, dbname=name)
            if is_migrated:
                with psycopg.connect(conninfo) as migrated:
                    migrated.execute("update showtime.channel set epoch = default")  # it is another database
            yield conninfo
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def copied(conninfo: str) -> Iterator[str]:
    """Copy a database for a while, to which nobody is connected; gives the conninfo of the copy."""
    source, name = str(conninfo_to_dict(conninfo)["dbname"]), f"copy_{uuid4().hex}"
    with psycopg.connect(make_conninfo(conninfo, dbname="postgres"), autocommit=True) as connection:
        create = sql.SQL("create database {} template {} strategy file_copy")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(source)))
        try:
            yield make_conninfo(conninfo, dbname=name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def empty(conninfo: str) -> None:
    """Make a channel as it was before its first night."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(_EMPTY)


_STRAYS = """
    select 'fact', key from showtime.fact where entry_id not in (select id from showtime.journal)
    union all select 'feed', id::text from showtime.feed
        where entry_id not in (select id from showtime.journal)
    union all select 'outbox', key from showtime.outbox
        where entry_id not in (select id from showtime.journal)
    union all select 'ghost', id::text from showtime.ghost
        where entry_id not in (select id from showtime.journal)
           or viewer_id not in (select twitch_user_id from showtime.viewer)
    union all select 'waiting', key from showtime.outbox
        where status = 'waiting' and depends_on not in (select key from showtime.outbox)
    union all select 'left behind', key from showtime.outbox as first
        where status = 'due' and place = 'behind' and not exists (
            select from showtime.outbox as other where other.lane = first.lane and (
                other.status = 'leased' or other.status = 'due' and other.position < first.position))
"""


def strays(conninfo: str) -> list[tuple[str, str]]:
    """List what names something that is not there, or waits behind nothing: no constraint forbids it."""
    with psycopg.connect(conninfo) as connection:
        return connection.execute(_STRAYS).fetchall()


@contextmanager
def gone(conninfo: str, of_server: str) -> Iterator[None]:
    """Take a database away from everybody, and give it back."""
    name = conninfo_to_dict(conninfo)["dbname"]
    allow = sql.SQL("alter database {} with allow_connections {}")
    with psycopg.connect(of_server, autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@contextmanager
def read_only(conninfo: str, of_server: str) -> Iterator[None]:
    """Let a database take nothing for a while: who was connected must connect again."""
    name = sql.Identifier(str(conninfo_to_dict(conninfo)["dbname"]))
    change = sql.SQL("alter database {} set default_transaction_read_only to {}")

    def let(*, be_read_only: bool) -> None:
        with psycopg.connect(of_server, autocommit=True) as connection:
            connection.execute(change.format(name, sql.Literal(be_read_only)))
        with gone(conninfo, of_server):
            pass

    let(be_read_only=True)
    try:
        yield
    finally:
        let(be_read_only=False)


@contextmanager
def locked(conninfo: str) -> Iterator[None]:
    """Hold the channel's lock: whatever is received waits for it, and is then taken in one batch."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("select from showtime.channel for update")
        yield
