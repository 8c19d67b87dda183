"""A real PostgreSQL for a laptop and for tests: it comes as a wheel, and lives in one data folder.

Several processes may use one folder: the first starts the server, the last to leave stops it. If that one
is killed instead, the server stays, harming nobody, until the next start on the folder replaces it.
"""

import fcntl
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, LiteralString, Self

import psycopg
from attrs import field, frozen
from psycopg import sql

from showtime_adapters.postgres.embedded import server
from showtime_adapters.postgres.embedded.data_folder import (
    DataFolder,
    EmbeddedPostgresError,
    explained_errors,
    lock_alone,
)
from showtime_adapters.postgres.embedded.programs import ServerUser
from showtime_adapters.postgres.session import command_session

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

# Longer than the slowest start or stop of somebody else.
_GUARD_SECONDS = 240
_PASSWORD_BYTES = 16
_CONNECT_SECONDS = 10
_LIMITS = {"statement_timeout": "30s"}

# What tells whether something is there, and what makes it. The role may make further databases, for tests,
# and read where the files are, for their free space; otherwise it is as small as a user of the real thing.
_NEEDED: Sequence[tuple[LiteralString, LiteralString]] = (
    ("select 1 from pg_roles where rolname = 'showtime'", "create role showtime login createdb"),
    (
        "select 1 where pg_has_role('showtime', 'pg_read_all_settings', 'member')",
        "grant pg_read_all_settings to showtime",
    ),
    ("select 1 from pg_database where datname = 'showtime'", "create database showtime owner showtime"),
)
_SET_PASSWORD = sql.SQL("alter role showtime password {}")


@frozen
class EmbeddedPostgres:
    """A running server, and our share in it."""

    conninfo: str
    """For libpq, by way of the Unix socket, as the user and database `showtime`."""
    tcp_conninfo: str | None = field(repr=False)
    """The same by way of 127.0.0.1, with a password; None unless a port was asked for."""
    _folder: DataFolder = field(repr=False)
    _users: IO[bytes] = field(repr=False)

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        bin_dir: Path | None = None,
        tcp_port: int | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        """Start the server of this data folder, or join the users of the one that runs.

        Who joins finds the programs and settings of who came first. Raises EmbeddedPostgresError.
        """
        with explained_errors(data_dir.absolute()):
            folder = DataFolder.prepare(data_dir)
            with _guarded(folder):
                users = folder.open("postgres-users.lock")
                try:
                    if lock_alone(users):  # what runs now is left over from users who were killed
                        server.stop(folder)
                    fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    postmaster = server.await_ready(folder)
                    postmaster = postmaster or server.launch(folder, bin_dir, tcp_port, settings)
                    tcp_conninfo = _prepare(folder, postmaster, tcp_port)
                    return cls(postmaster.conninfo(), tcp_conninfo, folder, users)
                except BaseException:
                    with suppress(EmbeddedPostgresError, OSError):
                        _leave(folder, users)
                    raise

    def stop(self) -> None:
        """Leave; the server stops if we were the last. Doing it twice does no harm.

        Raises EmbeddedPostgresError if the server cannot be stopped.
        """
        if self._users.closed:
            return
        with self._users, explained_errors(self._folder.path), _guarded(self._folder):
            _leave(self._folder, self._users)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def _guarded(folder: DataFolder) -> Iterator[None]:
    """Let one process at a time start or stop the server."""
    with folder.open("postgres-guard.lock") as guard:
        if not lock_alone(guard, _GUARD_SECONDS):
            raise EmbeddedPostgresError(
                f"another process has been starting or stopping PostgreSQL in {folder.path} for too long:"
                " end it, or name another folder with --data-dir"
            )
        yield


def _leave(folder: DataFolder, users: IO[bytes]) -> None:
    with users:
        if lock_alone(users):
            server.stop(folder)
            folder.drop_sockets(ServerUser.of(folder).uid)


def _prepare(folder: DataFolder, postmaster: server.Postmaster, tcp_port: int | None) -> str | None:
    """Make what is lacking of the user, the database and, with a port, the password; gives the TCP conninfo.

    A crash between the steps does no harm.
    """
    if tcp_port is not None and (not postmaster.tcp_host or postmaster.port != tcp_port):
        raise EmbeddedPostgresError(
            f"PostgreSQL already runs for another process, without TCP on port {tcp_port}:"
            " stop that process first, or do without the port"
        )
    password = None if tcp_port is None else _password(folder)
    superuser = postmaster.conninfo("postgres")
    try:
        with command_session(superuser, _LIMITS, connect_timeout=_CONNECT_SECONDS) as connection:
            for is_there, make in _NEEDED:
                if connection.execute(is_there).fetchone() is None:
                    connection.execute(make)
            if password:
                connection.execute(_SET_PASSWORD.format(sql.Literal(password)))
    except psycopg.Error as reason:
        raise EmbeddedPostgresError(f"PostgreSQL has started, but cannot be prepared: {reason}") from reason
    return postmaster.conninfo(host=postmaster.tcp_host, password=password) if password else None


def _password(folder: DataFolder) -> str:
    """Read the password of this data folder, making one up the first time."""
    with folder.open("postgres.password") as file:
        password = file.read().decode(errors="replace")
        if len(password) != 2 * _PASSWORD_BYTES:  # new, or torn by a power cut
            password = secrets.token_hex(_PASSWORD_BYTES)
            file.seek(0)
            file.truncate()
            file.write(password.encode())
        return password
