"""The runner of the migrations: whoever runs it, however often, several at once, killed or not."""

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres.migrations.migrate import migrate_down, migrate_up, pending, status
from showtime_adapters.postgres.migrations.session import NAME, lock, session
from showtime_adapters.postgres.migrations.steps import Migration, our_migrations, read_migrations
from showtime_core.errors import Refused, Unavailable
from support.following import await_some

ROOT = Path(__file__).parents[2]
PREDECESSOR = Path(__file__).with_name("predecessor.sql").read_bytes()
ALL = [step.name for step in our_migrations()]
DONE = [f"applied {name}" for name in ALL]
NEWEST = ALL[-1]
NOTHING = ["nothing to do: the database is up to date"]
STEPS_TAKEN = "select name from showtime.migration order by version"
RECORD = "select version, name, checksum, applied_at from showtime.migration order by version"


def tell(conninfo: str, statement: str | bytes) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(statement)


def ask(conninfo: str, question: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(question).fetchall()


def told(act: Callable[..., None], *arguments: object) -> list[str]:
    """Do it; gives what was reported."""
    said: list[str] = []
    act(arguments[0], said.append, *arguments[1:])
    return said


def refusal(act: Callable[..., None], *arguments: object) -> str:
    """Do it in vain; gives the reason."""
    with pytest.raises(Refused) as refused:
        told(act, *arguments)
    return str(refused.value)


def tables(conninfo: str) -> set[str]:
    return {
        name
        for (name,) in ask(
            conninfo, "select tablename from pg_tables where schemaname in ('showtime', 'public')"
        )
    }


# --- up, down, status -----------------------------------------------------------------------------


def test_an_empty_database_gets_everything(database):
    """All steps are taken in order, and said."""
    assert told(migrate_up, database) == DONE
    assert ALL[:2] == ["001_predecessor", "002_journal"]
    assert ask(database, STEPS_TAKEN) == [(name,) for name in ALL]


def test_running_it_again_changes_nothing(database):
    """The second run finds nothing to do, and leaves even the record alone."""
    told(migrate_up, database)
    record = ask(database, RECORD)
    assert told(migrate_up, database) == NOTHING
    assert ask(database, RECORD) == record


def test_with_nothing_to_do_nobody_is_waited_for(database):
    """An up-to-date database is told so at once, while another migration holds the lock."""
    told(migrate_up, database)
    with session(database) as other:
        lock(other)
        assert told(migrate_up, database) == NOTHING


def test_a_schema_that_was_made_beforehand_is_used(database):
    """Where only an administrator may make schemas, an empty one is enough."""
    tell(database, "create schema showtime")
    assert told(migrate_up, database) == DONE


def test_the_status_changes_nothing(database):
    """An empty database is told to lack all steps, and is empty afterwards."""
    assert [(step.name, step.applied_at) for step in status(database)] == [(name, None) for name in ALL]
    assert tables(database) == set()


def test_the_status_tells_when_each_step_was_taken(database):
    """Times are those of the database's record; what was undone is pending."""
    told(migrate_up, database)
    assert [(step.name, step.applied_at) for step in status(database)] == [
        (name, at) for _, name, _, at in ask(database, RECORD)
    ]
    told(migrate_down, database)
    assert [step.name for step in status(database) if step.applied_at] == ALL[:-1]


def test_the_way_down_is_one_step(database):
    """Our steps are undone from the newest on, the predecessor's tables stay, and no call gets further."""
    told(migrate_up, database)
    for name in reversed(ALL[1:]):
        assert told(migrate_down, database) == [f"undid {name}"]
    rest = {"viewer", "broadcast", "screening", "image_request", "image", "migration"}
    assert tables(database) == rest
    assert "never undone" in refusal(migrate_down, database)
    assert tables(database) == rest
    assert told(migrate_up, database) == DONE[1:]


def test_there_is_no_way_down_from_nothing(database):
    """A database in which no step was taken is left alone."""
    assert "nothing to undo" in refusal(migrate_down, database)
    tell(database, PREDECESSOR)
    assert "nothing to undo" in refusal(migrate_down, database)


async def test_a_service_can_ask_what_is_pending(database):
    """Two small questions on a connection of its own tell whether to serve; an old schema is not current."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        assert await pending(connection) == tuple(ALL)
        await connection.rollback()
        told(migrate_up, database)
        assert await pending(connection) == ()
        await connection.rollback()
        told(migrate_down, database)
        assert await pending(connection) == (NEWEST,)


async def test_a_service_goes_on_while_a_newer_version_adds_to_the_schema(database):
    """What is added hurts nobody; what is taken away hurts who does not know the step that its name tells."""
    told(migrate_up, database)
    insert = "insert into showtime.migration (version, name, checksum) values"
    newest = int(NEWEST[:3])
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(f"{insert} (997, '997_more', ''), (998, '998_less_after_{newest:03}', '')")
        assert await pending(connection) == ()
        await connection.execute(f"{insert} (999, '999_less_after_{newest + 1:03}', '')")
        with pytest.raises(Refused, match=r"newer than this showtime.*999_less"):
            await pending(connection)
    assert "newer than this showtime" in refusal(migrate_up, database)


def test_what_takes_away_says_after_which_step():
    """Since the first version that is at work somewhere, a step that takes or demands is named for it."""
    taking = re.compile(r"\b(drop (table|column|function)|rename (to|column)|set not null)\b", re.IGNORECASE)
    assert [step.name for step in our_migrations() if taking.search(step.up)], "it finds those of before"
    names = [step.name for step in our_migrations() if step.version > 8 and taking.search(step.up)]
    assert [name for name in names if not re.search(r"_after_\d{3}$", name)] == []


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("(11, false)", "is at version 11, .* bring it to version 12 with the predecessor's own tool"),
        ("(13, false)", "is at version 13, .* install a newer showtime, or go back to version 12"),
        ("(12, true)", "dirty: .* Repair .* bring it to version 12"),
        ("(11, true)", "dirty: .* Repair .* bring it to version 12"),
        (None, "is at version None, .* bring it to version 12"),
    ],
)
def test_another_state_of_the_predecessor_is_refused(database, state, reason):
    """Only its version 12, whole, is adopted; otherwise nothing is touched, and the remedy is named."""
    tell(database, PREDECESSOR)
    tell(database, "truncate public.showtime_migrations")
    if state:
        tell(database, f"insert into public.showtime_migrations values {state}")
    before = tables(database)
    for act in (migrate_up, migrate_down):
        with pytest.raises(Refused, match=reason):
            told(act, database)
    with pytest.raises(Refused, match=reason):
        status(database)
    assert tables(database) == before


def test_a_predecessor_without_its_tables_is_refused(database):
    """A version number alone is no schema."""
    tell(database, PREDECESSOR)
    tell(database, "drop table showtime.image")
    assert "tables are missing (image)" in refusal(migrate_up, database)


def test_a_predecessor_that_went_on_after_the_way_down_is_refused(database):
    """Whoever gave the tables back does not know what has become of them."""
    tell(database, PREDECESSOR)
    told(migrate_up, database)
    for _ in ALL[1:]:
        told(migrate_down, database)
    tell(database, "update public.showtime_migrations set version = 13")
    assert "version 13" in refusal(migrate_up, database)


def test_a_schema_of_somebody_else_is_refused(database):
    """A schema showtime with tables that are neither ours nor the predecessor's is not touched."""
    tell(database, "create schema showtime; create table showtime.cinema ()")
    assert "cinema" in refusal(migrate_up, database)
    assert tables(database) == {"cinema"}


def test_a_step_that_was_changed_after_it_was_applied_is_refused(database):
    """What a database went through cannot be changed afterwards; the remedy is a step of its own."""
    told(migrate_up, database)
    changed = [evolve(step, up=step.up + "-- better so\n" * (step.version == 2)) for step in our_migrations()]
    for act in (migrate_up, migrate_down):
        assert "002_journal.up.sql is not the file" in refusal(act, database, changed)
    assert told(migrate_up, database) == NOTHING


def test_a_database_from_the_future_is_refused(database):
    """An older showtime does not touch what a newer one has made, in neither direction."""
    told(
        migrate_up,
        database,
        [*our_migrations(), Migration(998, "998_later", "create table showtime.later ()", "")],
    )
    for act in (migrate_up, migrate_down):
        assert "newer than this showtime, which does not know its step 998_later" in refusal(act, database)


def test_a_step_that_fails_leaves_nothing_behind(database):
    """The steps before it stand; its own work is undone, and the database's reason is passed on."""
    broken = Migration(998, "998_broken", "create table showtime.half (); select 1 / 0", None)
    reason = refusal(migrate_up, database, [*our_migrations(), broken])
    assert "division by zero" in reason
    assert "nothing of that step was done" in reason
    assert ask(database, STEPS_TAKEN) == [(name,) for name in ALL]
    assert "half" not in tables(database)


def test_a_step_and_its_record_are_one(database):
    """Where the record cannot be written, the step is not taken either; the same holds for the way down."""
    drop_record = "drop table showtime.migration"
    later = Migration(
        998, "998_later", "create table showtime.later ()", f"drop table showtime.later; {drop_record}"
    )
    lost = Migration(999, "999_lost", f"create table showtime.lost (); {drop_record}", None)
    told(migrate_up, database, [*our_migrations(), later])
    before = tables(database)
    refusal(migrate_up, database, [*our_migrations(), later, lost])
    assert tables(database) == before
    refusal(migrate_down, database, [*our_migrations(), later])
    assert tables(database) == before
    assert ask(database, STEPS_TAKEN) == [(name,) for name in [*ALL, "998_later"]]


def test_a_user_without_rights_is_told_whose_rights_it_takes(database):
    """Adopting takes the owner of the tables."""
    guest = f"guest_{uuid4().hex}"
    administrator = make_conninfo(database, user="postgres", dbname="postgres")
    tell(database, PREDECESSOR)
    tell(administrator, f"create role {guest} login")
    try:
        assert "owns the database" in refusal(migrate_up, make_conninfo(database, user=guest))
    finally:
        # Its session may take a moment to end, and the database cannot be dropped by another user before.
        gone = f"select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '{guest}'"
        tell(administrator, gone)
        tell(administrator, f"drop role {guest}")


def test_a_database_that_is_away_is_said_to_be(database):
    """Nobody has to read a trace to learn that the address is wrong."""
    with pytest.raises(Unavailable, match="PGHOST"):
        migrate_up(make_conninfo(database, port=1), [].append)


# --- several at once, and kill -9 -----------------------------------------------------------------


@pytest.mark.parametrize("left", [b"", PREDECESSOR])
def test_several_at_once_do_the_work_once(database, left):
    """Each step is taken by one of them; the others, who come at any moment, find nothing to do."""
    tell(database, left)
    together = Barrier(12)

    def run(number: int) -> list[str]:
        together.wait()
        time.sleep(number * 0.004)
        return told(migrate_up, database)

    with ThreadPoolExecutor(12) as pool:
        said = [line for outcome in pool.map(run, range(12)) for line in outcome]
    assert sum("001_predecessor" in line for line in said) == 1
    assert said.count("applied 002_journal") == 1
    assert ask(database, STEPS_TAKEN) == [(name,) for name in ALL]


def test_waiting_for_another_has_an_end(database):
    """Who cannot get the lock says so in time, and how to find the one that holds it."""
    with session(database) as one, session(database) as other:
        lock(one)
        with pytest.raises(Unavailable, match=f"'{NAME}' in pg_stat_activity"):
            lock(other, seconds=0.2)


def test_whoever_holds_on_to_the_tables_is_named_as_the_reason(database):
    """A step does not queue for ever behind a program that is still at work, with everybody behind it."""

    def take_impatiently() -> None:
        with session(database) as connection:
            assert connection.execute("show lock_timeout").fetchone() == ("20s",)
            connection.execute("set lock_timeout = '50ms'")
            connection.execute(our_migrations()[1].up.encode())

    tell(database, PREDECESSOR)
    with psycopg.connect(database) as at_work:
        at_work.execute("insert into showtime.broadcast default values")
        with pytest.raises(Unavailable, match="stop the predecessor"):
            take_impatiently()


MIGRATE_FROM = """
import sys
from pathlib import Path
from showtime_adapters.postgres.migrations.steps import read_migrations
from showtime_adapters.postgres.migrations.migrate import migrate_up
migrate_up(sys.argv[1], print, read_migrations(Path(sys.argv[2])))
"""
ASLEEP = "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"


def test_killed_in_the_middle_of_a_step(database, tmp_path):
    """The step was never begun, the lock is free again at once, and the next run does the rest."""
    tell(database, PREDECESSOR)
    tell(database, "insert into showtime.broadcast (started_at) values (now() - interval '1 day'), (now())")
    for step in our_migrations():
        slowly = "" if step.version == 1 else "select pg_sleep(120);"
        (tmp_path / f"{step.name}.up.sql").write_text(step.up + slowly)
    with subprocess.Popen([sys.executable, "-c", MIGRATE_FROM, database, str(tmp_path)]) as process:
        try:
            await_some(lambda: ask(database, ASLEEP) != [])
        finally:
            process.send_signal(signal.SIGKILL)
    assert ask(database, STEPS_TAKEN) == [("001_predecessor",)]
    started = time.monotonic()
    healed = "healed: older broadcasts that were still open have ended: 1"
    assert told(migrate_up, database) == [DONE[1], healed, *DONE[2:]]
    assert time.monotonic() - started < 60  # while the step would sleep for two minutes
    assert ask(database, STEPS_TAKEN) == [(name,) for name in ALL]


# --- where the steps are --------------------------------------------------------------------------


def test_line_endings_are_no_change(tmp_path):
    """A checkout on Windows has the same steps."""
    for step in our_migrations():
        (tmp_path / f"{step.name}.up.sql").write_bytes(step.up.replace("\n", "\r\n").encode())
    assert [step.checksum for step in read_migrations(tmp_path)] == [
        step.checksum for step in our_migrations()
    ]


def test_a_wheel_brings_the_steps_and_all_data_along(tmp_path):
    """Installed without a checkout, showtime finds the same steps in its package, and its data."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    listed = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, check=True, capture_output=True, text=True)
    data = [Path(name) for name in listed.stdout.splitlines() if not name.endswith(".py")]
    assert Path("src/showtime_adapters/local/figure.toml") in data
    for path in data:
        installed = tmp_path / "installed" / path.relative_to("src")
        assert installed.read_bytes() == (ROOT / path).read_bytes()
    question = (
        "from showtime_adapters.postgres.migrations import steps as m;"
        "print(m.__file__, *(step.checksum for step in m.our_migrations()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", question],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert Path(answer[0]).is_relative_to(tmp_path / "installed")
    assert answer[1:] == [step.checksum for step in our_migrations()]
