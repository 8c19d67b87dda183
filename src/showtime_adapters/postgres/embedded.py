"""A real PostgreSQL for a laptop and for tests: it comes as a wheel, and lives in one data folder.

Several processes may use one folder: the first starts the server, the last to leave stops it. If that one
is killed instead, the server stays, harming nobody, until the next start on the folder replaces it.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import psycopg
from attrs import field, frozen
from psycopg import sql
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres import embedded_server as server
from showtime_adapters.postgres.embedded_account import Account
from showtime_adapters.postgres.embedded_binaries import EmbeddedPostgresError
from showtime_adapters.postgres.embedded_folder import (
    DataFolder,
    Lock,
    drop_socket_folder,
    explained,
)
from showtime_adapters.postgres.session import command_session

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_NAME = "showtime"
# Longer than the slowest start or stop of somebody else.
_GUARD_SECONDS = 240
_CONNECT_SECONDS = 10
_LIMITS = {"statement_timeout": "30s"}

_HAS_ROLE = "select 1 from pg_roles where rolname = 'showtime'"
# May make further databases, for tests; otherwise as small as a user of the real thing.
_CREATE_ROLE = "create role showtime login createdb"
_HAS_DATABASE = "select 1 from pg_database where datname = 'showtime'"
_CREATE_DATABASE = "create database showtime owner showtime"
_SET_PASSWORD = sql.SQL("alter role showtime password {}")


@frozen
class EmbeddedPostgres:
    """A running server, and our share in it."""

    conninfo: str
    """For libpq, by way of the Unix socket, as the user and database `showtime`."""
    tcp_conninfo: str | None = field(repr=False)
    """The same by way of 127.0.0.1, with a password; None unless a port was asked for."""
    _folder: DataFolder = field(repr=False)
    _users: Lock = field(repr=False)

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
        with explained(data_dir.absolute()):
            folder = DataFolder.prepare(data_dir)
            with _guarded(folder):
                return cls._enter(folder, folder.lock("users"), bin_dir, tcp_port, settings)

    @classmethod
    def _enter(
        cls,
        folder: DataFolder,
        users: Lock,
        bin_dir: Path | None,
        tcp_port: int | None,
        settings: Mapping[str, str],
    ) -> Self:
        try:
            if users.try_exclusive():  # what runs now is left over from users who were killed
                server.stop(folder)
            users.share()
            postmaster = server.await_ready(folder) or server.launch(folder, bin_dir, tcp_port, settings)
            return cls._connected(folder, users, postmaster, tcp_port)
        except BaseException:
            with suppress(EmbeddedPostgresError, OSError):
                _leave(folder, users)
            raise

    @classmethod
    def _connected(
        cls, folder: DataFolder, users: Lock, postmaster: server.Postmaster, tcp_port: int | None
    ) -> Self:
        superuser = _conninfo(postmaster, user="postgres", dbname="postgres")
        _ensure_database(superuser)
        tcp_conninfo = None
        if tcp_port is not None:
            _check_port(postmaster, tcp_port)
            password = _set_password(folder, superuser)
            tcp_conninfo = _conninfo(postmaster, host=postmaster.tcp_host, password=password)
        return cls(_conninfo(postmaster), tcp_conninfo, folder, users)

    def stop(self) -> None:
        """Leave; the server stops if we were the last. Doing it twice does no harm.

        Raises EmbeddedPostgresError if the server cannot be stopped.
        """
        if self._users.file.closed:
            return
        try:
            with explained(self._folder.path), _guarded(self._folder):
                _leave(self._folder, self._users)
        finally:
            self._users.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def _guarded(folder: DataFolder) -> Iterator[None]:
    """Let one process at a time start or stop the server."""
    guard = folder.lock("guard")
    try:
        if not guard.exclusive(_GUARD_SECONDS):
            raise EmbeddedPostgresError(
                f"another process has been starting or stopping PostgreSQL in {folder.path} for too long:"
                " end it, or name another folder with --data-dir"
            )
        yield
    finally:
        guard.close()


def _conninfo(postmaster: server.Postmaster, **others: str) -> str:
    usual: dict[str, Any] = {
        "host": postmaster.sockets,
        "port": postmaster.port,
        "user": _NAME,
        "dbname": _NAME,
    }
    return make_conninfo(**usual | others)


def _check_port(postmaster: server.Postmaster, tcp_port: int) -> None:
    if not postmaster.tcp_host or postmaster.port != tcp_port:
        raise EmbeddedPostgresError(
            f"PostgreSQL already runs for another process, without TCP on port {tcp_port}:"
            " stop that process first, or do without the port"
        )


def _leave(folder: DataFolder, users: Lock) -> None:
    try:
        if users.try_exclusive():
            server.stop(folder)
            drop_socket_folder(folder, Account.of(folder).uid)
    finally:
        users.close()


def _ensure_database(superuser: str) -> None:
    """Make the user and the database unless a former start has; a crash between the two does no harm."""
    with _connect(superuser) as connection:
        if connection.execute(_HAS_ROLE).fetchone() is None:
            connection.execute(_CREATE_ROLE)
        if connection.execute(_HAS_DATABASE).fetchone() is None:
            connection.execute(_CREATE_DATABASE)


def _set_password(folder: DataFolder, superuser: str) -> str:
    """Give the user the password of this data folder, making one up the first time."""
    password = folder.read_note("password") or secrets.token_hex(16)
    folder.write_note("password", password)
    with _connect(superuser) as connection:
        connection.execute(_SET_PASSWORD.format(sql.Literal(password)))
    return password


@contextmanager
def _connect(conninfo: str) -> Iterator[psycopg.Connection]:
    """Connect for a few statements; raises EmbeddedPostgresError whatever goes wrong."""
    try:
        with command_session(conninfo, _LIMITS, connect_timeout=_CONNECT_SECONDS) as connection:
            yield connection
    except psycopg.Error as reason:
        raise EmbeddedPostgresError(f"PostgreSQL has started, but cannot be prepared: {reason}") from reason
