"""The embedded PostgreSQL for systems that are no Unix: run by `pg_ctl`, reached by TCP on this machine.

What `embedded` asks of a Unix system (locks that a server inherits, sockets in closed folders, other users)
is not needed where one user runs one server. The first process on a data folder starts the server and stops
it; others that come meanwhile only use it. After a crash the server goes on, and the next first process
takes it over.
"""

import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from filelock import FileLock, Timeout
from psycopg import sql
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres.embedded_binaries import Binaries, EmbeddedPostgresError
from showtime_adapters.postgres.session import command_session

_HOST = "127.0.0.1"
_SECONDS = 120
_LIMITS = {"statement_timeout": "30s"}
_PORT_LINE = 3
"""Of `postmaster.pid`, counted from 0."""
_HAS_DATABASE = "select 1 from pg_database where datname = 'showtime'"
_CREATE_ROLE = sql.SQL("create role showtime login createdb password {}")
_DROP_ROLE = "drop role if exists showtime"
_CREATE_DATABASE = "create database showtime owner showtime"


@contextmanager
def portable_postgres(data_dir: Path, bin_dir: Path | None = None) -> Iterator[str]:
    """Run a server on this folder for a while, or use the one that runs; gives its connection string.

    Raises EmbeddedPostgresError.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    cluster = data_dir / "postgres"
    binaries = Binaries.for_cluster(cluster, bin_dir)
    password = _password(data_dir / "postgres.password")
    owner = FileLock(data_dir / "postgres-owner.lock")
    try:
        owner.acquire(timeout=0)
    except Timeout:
        yield _prepared(cluster, password)
        return
    try:
        if not (cluster / "PG_VERSION").exists():
            _make_cluster(binaries, cluster, password)
        if not _is_running(binaries, cluster):
            _start(binaries, cluster)
        try:
            yield _prepared(cluster, password)
        finally:
            _pg_ctl(binaries, cluster, "stop", "--mode=fast")
    finally:
        owner.release()


def _password(note: Path) -> str:
    """Give the password of this data folder, making one up the first time."""
    if not note.exists():
        with open(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(secrets.token_hex(16))
    return note.read_text()


def _make_cluster(binaries: Binaries, cluster: Path, password: str) -> None:
    """Make an empty cluster beside its place and move it there whole."""
    with tempfile.TemporaryDirectory(prefix="postgres.new-", dir=cluster.parent) as folder:
        draft, note = Path(folder) / "cluster", Path(folder) / "password"
        note.write_text(password)
        _run(
            binaries.initdb,
            f"--pgdata={draft}",
            "--username=postgres",
            f"--pwfile={note}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        )
        draft.rename(cluster)


def _is_running(binaries: Binaries, cluster: Path) -> bool:
    status = [str(binaries.pg_ctl), "status", f"--pgdata={cluster}"]
    asked = subprocess.run(status, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 - the words are ours
    return asked.returncode == 0


def _start(binaries: Binaries, cluster: Path) -> None:
    with socket.create_server((_HOST, 0)) as listener:
        port = listener.getsockname()[1]
    addresses = f"-p {port} -c listen_addresses={_HOST} -c unix_socket_directories=''"
    log = cluster.with_suffix(".log")
    _pg_ctl(binaries, cluster, "start", f"--log={log}", f"--options={addresses}")


def _pg_ctl(binaries: Binaries, cluster: Path, *words: str) -> None:
    _run(binaries.pg_ctl, *words, "--wait", f"--pgdata={cluster}")


def _run(program: Path, *words: str) -> None:
    """Run a program of PostgreSQL; raises EmbeddedPostgresError with its last words if it fails."""
    # Into a file, not a pipe: a server that `pg_ctl` starts keeps what it inherits open.
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603 - the words are ours
                [program, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as reason:
            output.seek(0)
            told = output.read().decode(errors="replace").strip()[-2000:]
            raise EmbeddedPostgresError(f"{program.name} {words[0]} failed: {told or reason}") from reason


def _prepared(cluster: Path, password: str) -> str:
    """Make user and database unless they are there; a crash between the two does no harm."""
    try:
        port = (cluster / "postmaster.pid").read_text().splitlines()[_PORT_LINE]
        ours = {"host": _HOST, "port": port, "password": password}
        as_superuser = make_conninfo("", **ours, user="postgres", dbname="postgres", connect_timeout=10)
        with command_session(as_superuser, _LIMITS) as connection:
            if connection.execute(_HAS_DATABASE).fetchone() is None:
                connection.execute(_DROP_ROLE)
                connection.execute(_CREATE_ROLE.format(sql.Literal(password)))
                connection.execute(_CREATE_DATABASE)
    except (OSError, IndexError, psycopg.Error) as reason:
        raise EmbeddedPostgresError(f"PostgreSQL in {cluster} cannot be used: {reason}") from reason
    return make_conninfo("", **ours, user="showtime", dbname="showtime")
