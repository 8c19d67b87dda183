"""The server process of the embedded PostgreSQL: making its cluster, starting, finding and stopping it."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from attrs import frozen
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from showtime_adapters.postgres.embedded.data_folder import (
    DataFolder,
    EmbeddedPostgresError,
    lock_alone,
    poll,
)
from showtime_adapters.postgres.embedded.programs import Binaries, ServerUser, major_of

_DEFAULT_PORT = 5432
_LOCK = "postgres-server.lock"
_DRAFT = "postgres.new-"
_INITDB_SECONDS = 120
_READY_SECONDS = 60
_ORPHANS_SECONDS = 15
_PING_SECONDS = "5"
_LAST_WORDS = 2_000
# In order, at once, by force.
_STOPS = ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))
# No process can have this id: kernels give out far smaller ones.
_NO_PROCESS = 2**31 - 1

# The machine in mind has one CPU and 1 GB.
_SMALL_MACHINE = {
    "shared_buffers": "64MB",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@frozen
class Postmaster:
    """What a running server says of itself in `postmaster.pid`."""

    pid: int
    port: int
    sockets: str
    """The folder of its socket."""
    tcp_host: str
    """Empty without TCP."""

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """Read the file; None if it is not there, or not written to its end yet."""
        try:
            pid, _, _, port, sockets, tcp_host, *_ = (cluster / "postmaster.pid").read_text().splitlines()
            return cls(int(pid), int(port), sockets, tcp_host)
        except (FileNotFoundError, ValueError):
            return None

    def conninfo(self, user: str = "showtime", **others: str) -> str:
        """Say for libpq how the database of that user is reached: by the socket, unless a host is given."""
        usual = {"host": self.sockets, "port": str(self.port), "user": user, "dbname": user}
        return make_conninfo("", **usual | others)


def await_ready(folder: DataFolder) -> Postmaster | None:
    """Wait until the server that runs answers; None once none runs.

    Raises EmbeddedPostgresError if neither happens.
    """
    found = poll(_READY_SECONDS, lambda: not _is_running(folder) or _ready(folder))
    if not found:
        raise EmbeddedPostgresError(
            f"PostgreSQL runs in {folder.path}, but does not get ready; its log is {folder.log}"
        )
    return found if isinstance(found, Postmaster) else None


def launch(
    folder: DataFolder, bin_dir: Path | None, tcp_port: int | None, settings: Mapping[str, str]
) -> Postmaster:
    """Start a server on a folder that has none running, making the cluster first if need be.

    Raises EmbeddedPostgresError with the last words of the server if it does not come up.
    """
    binaries = Binaries.for_cluster(folder.cluster, bin_dir)
    account = ServerUser.of(folder)
    sockets = folder.take_sockets(account.uid, account.gid)
    postgres = binaries.folder / "postgres"
    account = account.reaching(postgres, [folder.path, sockets])
    for draft in folder.path.glob(f"{_DRAFT}*"):  # an initdb that outlives its killed start may write there
        shutil.rmtree(draft, ignore_errors=True)
    if major_of(folder.cluster) is None:
        _make_cluster(folder, binaries, account, sync=settings.get("fsync") != "off")
    addresses = {
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": str(tcp_port or _DEFAULT_PORT),
    }
    words = [f"--{name}={value}" for name, value in (_SMALL_MACHINE | dict(settings) | addresses).items()]
    return _spawn(folder, account.running(postgres, "-D", folder.cluster, *words))


def stop(folder: DataFolder) -> None:
    """Stop the server if one runs, by force if it does not listen.

    Raises EmbeddedPostgresError if even that does not help.
    """
    for number, seconds in _STOPS:
        if poll(seconds, partial(_has_ended, folder, number)):
            return
    raise EmbeddedPostgresError(
        f"PostgreSQL in {folder.path} does not stop; its log is {folder.log}. End its processes by hand"
    )


def _has_ended(folder: DataFolder, number: signal.Signals) -> bool:
    """Tell whether no process of the server lives; sends the signal if one does."""
    if not _is_running(folder):
        return True
    found = Postmaster.read(folder.cluster)
    if found and _serves(found.pid, folder.cluster):
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
    return False


def _is_running(folder: DataFolder) -> bool:
    with folder.open(_LOCK) as lock:
        return not lock_alone(lock)


def _ready(folder: DataFolder, pid: int | None = None) -> Postmaster | None:
    found = Postmaster.read(folder.cluster)
    if found is None or pid not in {None, found.pid}:
        return None
    # The file alone proves little: it outlives a server that was killed.
    ping = PGconn.ping(found.conninfo("postgres", connect_timeout=_PING_SECONDS).encode())
    return found if ping == Ping.OK else None


def _make_cluster(folder: DataFolder, binaries: Binaries, account: ServerUser, *, sync: bool) -> None:
    """Make an empty cluster beside its place and move it there whole, so that a crash leaves no half one."""
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder.path))
    os.chown(draft, account.uid, account.gid)
    options = account.running(
        binaries.folder / "initdb",
        f"--pgdata={draft}",
        "--username=postgres",
        "--auth-local=trust",  # the socket lies in a folder that is closed to others
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        *([] if sync else ["--no-sync"]),
    ) | {"stdout": subprocess.PIPE, "text": True, "errors": "replace", "timeout": _INITDB_SECONDS}
    result = subprocess.run(check=False, **options)
    if result.returncode != 0:
        raise EmbeddedPostgresError(f"initdb could not make {draft}: {result.stdout.strip()[-_LAST_WORDS:]}")
    draft.rename(folder.cluster)
    parent = os.open(folder.path, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _spawn(folder: DataFolder, command: dict[str, Any]) -> Postmaster:
    with folder.open_log() as log:
        since = log.seek(0, os.SEEK_END)
        with folder.open(_LOCK) as lock:
            # Children of a server that was killed live on for the length of their query.
            if not lock_alone(lock, _ORPHANS_SECONDS):
                raise EmbeddedPostgresError(
                    f"processes of a former PostgreSQL still work in {folder.path}:"
                    " wait for them, or end them by hand"
                )
            _disarm_stale_pid(folder.cluster)
            process = subprocess.Popen(**command, stdout=log, pass_fds=[lock.fileno()])
        # Collects the process whenever it ends, also long after we have left it to others.
        threading.Thread(target=process.wait, name="embedded-postgres", daemon=True).start()
        found = poll(_READY_SECONDS, lambda: process.poll() is not None or _ready(folder, process.pid))
        if isinstance(found, Postmaster):
            return found
        log.seek(since)
        last_words = log.read()[-_LAST_WORDS:].decode(errors="replace")
    ended = f"ended with {process.returncode}" if process.returncode is not None else "is not ready"
    raise EmbeddedPostgresError(
        f"PostgreSQL in {folder.path} {ended}; see {folder.log}, which ends with:\n{last_words}"
    )


def _disarm_stale_pid(cluster: Path) -> None:
    """Keep a `postmaster.pid` that a crash has left from naming an innocent process.

    PostgreSQL would refuse to start because of it. The file is not removed: it also names the shared
    memory, by which PostgreSQL finds out for itself if another server does work on this cluster.
    """
    path = cluster / "postmaster.pid"
    try:
        first, *others = path.read_text().splitlines(keepends=True)
        if not _serves(abs(int(first)), cluster):
            path.write_text("".join([f"{_NO_PROCESS}\n", *others]))
    except FileNotFoundError:
        return
    except ValueError:  # torn by a power cut
        path.unlink()


def _serves(pid: int, cluster: Path) -> bool:
    """Tell whether the process works in the cluster, as its postmaster does, and nothing else would."""
    process = Path("/proc") / str(pid)
    try:
        return (process / "cwd").samefile(cluster)
    except PermissionError:  # even for root, where a container holds back the right to trace
        with suppress(OSError):
            return os.fsencode(cluster) in (process / "cmdline").read_bytes().split(b"\0")
        return False
    except OSError:
        if Path("/proc/self").exists():
            return False
    # Where there is no /proc, PostgreSQL's own rule holds: a living process of that id is taken for it.
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
