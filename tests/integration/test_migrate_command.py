"""`showtime migrate`, as people and scripts run it."""

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.migrations.steps import our_migrations
from showtime_app.cli.migrate import migrate

PREDECESSOR = Path(__file__).with_name("predecessor.sql").read_bytes()
ALL = [step.name for step in our_migrations()]
DONE = "".join(f"applied {name}\n" for name in ALL)
VARIABLES = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"}


@pytest.fixture
def run(database, tmp_path, monkeypatch):
    """Run the command with the database named by the environment."""
    monkeypatch.chdir(tmp_path)
    named = {VARIABLES[key]: str(value) for key, value in conninfo_to_dict(database).items()}

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(migrate, arguments, env=named)

    return invoke


def test_without_an_argument_it_migrates(run):
    """The plain command takes all steps, and says so; once more it says that there is nothing to do."""
    result = run()
    assert (result.exit_code, result.output) == (0, DONE)
    assert (run("up").exit_code, run("up").output) == (0, "nothing to do: the database is up to date\n")


def test_the_status_has_an_exit_code_for_scripts(run):
    """The status exits with 3 while something is pending, and with 0 once nothing is."""
    result = run("status")
    assert result.exit_code == 3
    assert [line.split() for line in result.output.splitlines()] == [["pending", name] for name in ALL]
    run()
    result = run("status")
    assert result.exit_code == 0
    assert [line.split()[::2] for line in result.output.splitlines()] == [["applied", name] for name in ALL]


def test_what_was_healed_is_printed(run, database):
    """The operator who adopts a database learns what was changed in it."""
    with psycopg.connect(database) as connection:
        connection.execute(PREDECESSOR)
        connection.execute(
            "insert into showtime.broadcast (started_at) values ('2023-09-01'), ('2023-09-08')"
        )
    assert run().output.splitlines() == [
        "adopted the predecessor's tables as 001_predecessor",
        "applied 002_journal",
        "healed: older broadcasts that were still open have ended: 1",
        *DONE.splitlines()[2:],
    ]


def test_a_refusal_ends_with_1(run, database):
    """A refusal exits with 1, and prints the reason and the remedy, but no traceback."""
    with psycopg.connect(database) as connection:
        connection.execute(PREDECESSOR)
        connection.execute("update public.showtime_migrations set version = 11")
    for action in ("up", "down", "status"):
        result = run(action)
        assert result.exit_code == 1
        assert result.output.startswith("Error: the predecessor's schema is at version 11")


def test_a_step_can_be_undone(run):
    """`down` takes the newest step back; the predecessor's tables it refuses."""
    run()
    for _ in ALL[1:]:
        assert (run("down").exit_code, run("status").exit_code) == (0, 3)
    assert run("down").exit_code == 1


def test_a_database_that_is_away_ends_with_1(tmp_path, monkeypatch):
    """The message names the variables that say where the database is."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(migrate, env={"PGHOST": str(tmp_path)})
    assert result.exit_code == 1
    assert "PGHOST" in result.output


def test_the_database_of_dev_is_migrated_by_its_folder(tmp_path, monkeypatch):
    """With --data-dir the embedded database is started if need be, and the environment is ignored."""
    monkeypatch.chdir(tmp_path)
    nowhere = {"PGHOST": str(tmp_path)}
    with EmbeddedPostgres.start(tmp_path / "data", settings={"fsync": "off"}) as server:
        result = CliRunner().invoke(migrate, ["--data-dir", str(tmp_path / "data")], env=nowhere)
        assert (result.exit_code, result.output) == (0, DONE)
        with psycopg.connect(server.conninfo) as connection:
            assert connection.execute("select count(*) from showtime.migration").fetchone() == (len(ALL),)
    result = CliRunner().invoke(migrate, ["status", "--data-dir", str(tmp_path / "data")], env=nowhere)
    assert result.exit_code == 0


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    """A mistyped --data-dir is an error of usage, not a new database."""
    result = CliRunner().invoke(migrate, ["status", "--data-dir", str(tmp_path / "typo")])
    assert result.exit_code == 2
    assert not (tmp_path / "typo").exists()
