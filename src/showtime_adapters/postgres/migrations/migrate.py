"""Bringing a database to the schema that this code needs: from nothing, or from the predecessor's.

Each step is one transaction together with the row that records it, so that a crash leaves it done or not
begun. An advisory lock keeps instances apart; it belongs to a session, and is free as soon as that is gone.
So the connection must not go through a proxy that pools transactions.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import LiteralString

from attrs import frozen
from psycopg.errors import Diagnostic
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.migrations.session import Connection, lock, session
from showtime_adapters.postgres.migrations.steps import (
    AppliedMigration,
    Migration,
    missing_migrations,
    our_migrations,
    pending_migrations,
)
from showtime_core.errors import Refused

Report = Callable[[str], None]
"""Is told what was done, line by line."""

PREDECESSOR_VERSION = 12
"""The version of the predecessor's schema that our first step stands for."""
_PREDECESSOR_TABLES = {"broadcast", "image", "image_request", "screening", "viewer"}

_IS_OURS: LiteralString = "select to_regclass('showtime.migration') is not null"
_TAKEN: LiteralString = """
    select version, name, checksum, applied_at as at from showtime.migration order by version
"""
_APPLIED = class_row(AppliedMigration)
_TABLES: LiteralString = "select tablename::text from pg_tables where schemaname = 'showtime'"

# What the predecessor's own tool keeps.
_IS_PREDECESSORS: LiteralString = "select to_regclass('public.showtime_migrations') is not null"
_PREDECESSORS_STATE: LiteralString = """
    select max(version), coalesce(bool_or(dirty), false) from public.showtime_migrations
"""

# Where the steps taken are recorded; made together with the first.
_CREATE_RECORD: LiteralString = """
    create table showtime.migration (
        version integer primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
    );
    comment on table showtime.migration is 'The steps by which this schema came about.';
    comment on column showtime.migration.version is 'The number of the step; they are taken in this order.';
    comment on column showtime.migration.name is 'The name of its file, without the ending.';
    comment on column showtime.migration.checksum is
        'SHA-256 of its file as it was then: what was applied must not be changed afterwards.';
    comment on column showtime.migration.applied_at is 'When it was applied, by this database''s clock.';
"""
_RECORD: LiteralString = "insert into showtime.migration (version, name, checksum) values (%s, %s, %s)"
_SUCCESSFUL_COMPLETION = "00000"
"""The code of what a step raises as a notice; those of PostgreSQL's own making have others."""
_FORGET: LiteralString = "delete from showtime.migration where version = %s"


@frozen
class MigrationStatus:
    """When one migration was applied; None: it is pending."""

    name: str
    applied_at: datetime | None
    """None: it is pending."""


def migrate_up(conninfo: str, report: Report, steps: Sequence[Migration] | None = None) -> None:
    """Take the steps that are pending. Raises Refused or Unavailable, and says what to do about it."""
    with session(conninfo) as connection:
        if not _pending(connection, steps):  # looked up without the lock: somebody may hold it for long
            report("nothing to do: the database is up to date")
            return
        lock(connection)
        for step in _pending(connection, steps):
            _apply(connection, step, report)


def migrate_down(conninfo: str, report: Report, steps: Sequence[Migration] | None = None) -> None:
    """Undo the newest step, with all that its tables hold. Raises Refused or Unavailable.

    What the predecessor made is never undone.
    """
    with session(conninfo) as connection:
        lock(connection)
        pending = _pending(connection, steps)
        taken = [step for step in steps or our_migrations() if step not in pending]
        if not taken:
            raise Refused("there is nothing to undo: no step was ever taken in this database")
        _undo(connection, taken[-1], report)


def status(conninfo: str, steps: Sequence[Migration] | None = None) -> tuple[MigrationStatus, ...]:
    """Tell of each step when it was taken. Raises Refused or Unavailable, and says what to do about it."""
    with session(conninfo) as connection:
        _pending(connection, steps)
        times = {past.version: past.at for past in _applied(connection)}
    return tuple(MigrationStatus(step.name, times.get(step.version)) for step in steps or our_migrations())


async def pending(database: db.Database) -> tuple[str, ...]:
    """Name the steps that a service waits for, in two small queries.

    Raises Refused if others were taken that it cannot live with.
    """
    is_ours = await db.fetch_value(database, _IS_OURS)
    taken = await db.fetch_all(database, _TAKEN, _APPLIED) if is_ours else []
    return tuple(step.name for step in missing_migrations(taken, our_migrations()))


def _apply(connection: Connection, step: Migration, report: Report) -> None:
    """Take a step; what it announces is passed on once it is certain."""
    is_first = not _is_true(connection, _IS_OURS)
    is_adopted = is_first and _is_true(connection, _IS_PREDECESSORS)
    announced: list[str] = []

    def collect(notice: Diagnostic) -> None:
        if notice.sqlstate == _SUCCESSFUL_COMPLETION and notice.message_primary:
            announced.append(notice.message_primary)

    connection.add_notice_handler(collect)
    with connection.transaction():
        if not is_adopted:
            connection.execute(step.up.encode())
        if is_first:
            connection.execute(_CREATE_RECORD)
        connection.execute(_RECORD, [step.version, step.name, step.checksum])
    connection.remove_notice_handler(collect)
    report(f"adopted the predecessor's tables as {step.name}" if is_adopted else f"applied {step.name}")
    for line in announced:
        report(line)


def _undo(connection: Connection, step: Migration, report: Report) -> None:
    if step.down is None:
        raise Refused(f"{step.name} is never undone: its tables hold the channel's history")
    with connection.transaction():
        connection.execute(step.down.encode())
        connection.execute(_FORGET, [step.version])
    report(f"undid {step.name}")


def _pending(connection: Connection, steps: Sequence[Migration] | None) -> tuple[Migration, ...]:
    """Tell what is to be done of these steps, or of ours; raises Refused if this is no database for us."""
    # In this order: whoever takes the first step at this moment makes its tables and its record at once.
    tables = {name for (name,) in connection.execute(_TABLES)}
    taken = _applied(connection)
    if len(taken) <= 1:  # the predecessor may still be at work here, or again
        _check_origin(connection, tables, is_ours=bool(taken))
    return pending_migrations(taken, steps or our_migrations())


def _applied(connection: Connection) -> list[AppliedMigration]:
    if not _is_true(connection, _IS_OURS):
        return []
    return connection.cursor(row_factory=_APPLIED).execute(_TAKEN).fetchall()


def _is_true(connection: Connection, question: LiteralString) -> bool:
    return connection.execute(question).fetchone() == (True,)


def _check_origin(connection: Connection, tables: set[str], *, is_ours: bool) -> None:
    """Make sure that we start from nothing, or from the predecessor's last schema."""
    if _is_true(connection, _IS_PREDECESSORS):
        _check_predecessor(connection, missing=_PREDECESSOR_TABLES - tables)
    elif tables and not is_ours:
        raise Refused(
            "the database has a schema showtime that is neither ours nor the predecessor's (its tables:"
            f" {_listed(tables)}): choose another database by PGDATABASE, or rename that schema"
        )


def _check_predecessor(connection: Connection, missing: set[str]) -> None:
    version, dirty = connection.execute(_PREDECESSORS_STATE).fetchone() or (None, False)
    found = f"the predecessor's schema is at version {version}, says public.showtime_migrations"
    wanted = f"version {PREDECESSOR_VERSION}"
    goal = f"{wanted} with the predecessor's own tool"
    if dirty:
        what = f", and dirty: one of its steps failed halfway. Repair what that step left, bring it to {goal}"
    elif version is None or version < PREDECESSOR_VERSION:
        what = f": bring it to {goal}"
    elif version > PREDECESSOR_VERSION:
        what = f", and this showtime knows it up to {wanted}: install a newer showtime, or go back to {goal}"
    elif missing:
        what = f", but tables are missing ({_listed(missing)}): restore them"
    else:
        return
    raise Refused(f"{found}{what}, then run this again")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
