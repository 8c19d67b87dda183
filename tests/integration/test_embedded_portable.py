"""The embedded PostgreSQL of systems that are no Unix, tried on one that is."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

SOURCE = Path(__file__).parents[2] / "src"
SECONDS = 90

# Uses the server until its standard input ends.
HOLDER = """
import sys
from pathlib import Path
from showtime_adapters.postgres.embedded_portable import EmbeddedPostgresError, portable_postgres
try:
    with portable_postgres(Path(sys.argv[1])) as conninfo:
        print(conninfo, flush=True)
        sys.stdin.read()
except EmbeddedPostgresError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Give a folder to the user that the server will run as."""
    folder = Path(tempfile.mkdtemp(prefix="portable-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
    yield folder / "data"
    shutil.rmtree(folder)


def _as_nobody() -> list[str]:
    """Step down from root, which PostgreSQL refuses to be, and keep the right to read what is root's."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv of util-linux is not installed")
    user, kept = pwd.getpwnam("nobody"), "-all,+dac_read_search"
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        f"--inh-caps={kept}",
        f"--ambient-caps={kept}",
        "--securebits=+no_setuid_fixup",
        "--",
    ]


@contextmanager
def using(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [*_as_nobody(), sys.executable, "-c", HOLDER, str(data_dir)],
        env={"PATH": os.defpath, "PYTHONPATH": str(SOURCE)},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        conninfo = process.stdout.readline().strip()
        if not conninfo:
            raise AssertionError(process.communicate(timeout=SECONDS)[1])
        yield process, conninfo
        process.communicate(timeout=SECONDS)


def ask(conninfo: str, question: str) -> object:
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def test_a_folder_has_one_server_and_keeps_its_data(data_dir):
    """The first starts it and stops it, others join; what was written is there the next time."""
    with using(data_dir) as (_, conninfo):
        assert "host=127.0.0.1" in conninfo
        with psycopg.connect(conninfo) as connection:
            connection.execute("create table tape as select 'Psycho' as title")
        with using(data_dir) as (_, another):
            assert another == conninfo
        assert ask(conninfo, "select title from tape") == "Psycho"
    with pytest.raises(psycopg.OperationalError):
        ask(conninfo, "select 1")
    with using(data_dir) as (_, conninfo):
        assert ask(conninfo, "select title from tape") == "Psycho"


def test_who_comes_after_a_crash_takes_the_server_over(data_dir):
    """A user that is killed leaves the server running; the next one uses it, and stops it."""
    with using(data_dir) as (process, conninfo):
        process.send_signal(signal.SIGKILL)
    assert ask(conninfo, "select current_user") == "showtime"
    with using(data_dir) as (_, another):
        assert another == conninfo
    with pytest.raises(psycopg.OperationalError):
        ask(conninfo, "select 1")


def test_nobody_comes_in_without_the_password(data_dir):
    """The port is open to everybody on this machine, so the password is asked for."""
    with using(data_dir) as (_, conninfo), pytest.raises(psycopg.OperationalError, match="password"):
        ask(f"{conninfo} password=guess", "select 1")


def test_what_is_wrong_is_told(data_dir):
    """A folder that holds something else is left alone."""
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "mine.txt").write_text("mine")
    with (
        pytest.raises(AssertionError, match="is no PostgreSQL cluster, and it is not empty"),
        using(data_dir),
    ):
        pass
