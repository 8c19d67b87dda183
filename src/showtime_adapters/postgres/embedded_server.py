"""The server process of the embedded PostgreSQL: making its cluster, starting, finding and stopping it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from attrs import frozen
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from showtime_adapters.postgres.embedded_account import Account
from showtime_adapters.postgres.embedded_binaries import Binaries, EmbeddedPostgresError, major_of
from showtime_adapters.postgres.embedded_folder import DataFolder, socket_folder

DEFAULT_PORT = 5432
_INITDB_SECONDS = 120
_READY_SECONDS = 60
_ORPHANS_SECONDS = 15
_PING_SECONDS = 5
_POLL_SECONDS = 0.02
# In order, at once, by force.
_STOPS = ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))
# No process can have this id: kernels give out far smaller ones.
_NO_PROCESS = 2**31 - 1
_PID_FILE_LINES = 8

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
    ready: bool

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """Read the file; None if it is not there, or not written to its end yet."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            pid, _, _, port, sockets, tcp_host, _, status = lines[:_PID_FILE_LINES]
            return cls(int(pid), int(port), sockets, tcp_host, status.strip() == "ready")
        except (FileNotFoundError, ValueError):
            return None


def make_cluster(folder: DataFolder, binaries: Binaries, account: Account, *, sync: bool) -> None:
    """Make an empty cluster beside its place and move it there whole, so that a crash leaves no half one.

    Raises EmbeddedPostgresError with the words of initdb if it fails.
    """
    draft = folder.make_draft()
    account.own(draft)
    command = [
        str(binaries.initdb),
        f"--pgdata={draft}",
        "--username=postgres",
        "--auth-local=trust",  # the socket lies in a folder that is closed to others
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        *([] if sync else ["--no-sync"]),
    ]
    result = account.run(command, _INITDB_SECONDS)
    if result.returncode != 0:
        raise EmbeddedPostgresError(f"initdb could not make {draft}: {result.stdout.strip()[-2000:]}")
    draft.rename(folder.cluster)
    _sync(folder.path)


def launch(
    folder: DataFolder, bin_dir: Path | None, tcp_port: int | None, settings: Mapping[str, str]
) -> Postmaster:
    """Start a server on a folder that has none running, making the cluster first if need be.

    Raises EmbeddedPostgresError with the last words of the server if it does not come up.
    """
    binaries = Binaries.for_cluster(folder.cluster, bin_dir)
    account = Account.of(folder)
    sockets = socket_folder(folder, account.uid, account.gid)
    account = account.reaching(binaries.postgres, [folder.path, sockets])
    folder.drop_drafts()
    if major_of(folder.cluster) is None:
        make_cluster(folder, binaries, account, sync=settings.get("fsync") != "off")
    options = _SMALL_MACHINE | dict(settings) | _addresses(sockets, tcp_port)
    words = [f"--{name}={value}" for name, value in options.items()]
    return _spawn(folder, account, [str(binaries.postgres), "-D", str(folder.cluster), *words])


def is_running(folder: DataFolder) -> bool:
    """Tell whether a process of the server lives."""
    lock = folder.lock("server")
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()


def await_ready(folder: DataFolder) -> Postmaster | None:
    """Wait until the server that runs answers; None once none runs.

    Raises EmbeddedPostgresError if neither happens.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while is_running(folder):
        found = Postmaster.read(folder.cluster)
        if found is not None and found.ready and _answers(found):
            return found
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL runs in {folder.path}, but does not get ready; its log is {folder.log}"
            )
        time.sleep(_POLL_SECONDS)
    return None


def stop(folder: DataFolder) -> None:
    """Stop the server if one runs, by force if it does not listen.

    Raises EmbeddedPostgresError if even that does not help.
    """
    for number, seconds in _STOPS:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_running(folder):
                return
            _signal(folder, number)
            time.sleep(_POLL_SECONDS)
    raise EmbeddedPostgresError(
        f"PostgreSQL in {folder.path} does not stop; its log is {folder.log}. End its processes by hand"
    )


def _answers(found: Postmaster) -> bool:
    # The file alone proves little: it outlives a server that was killed.
    conninfo = make_conninfo(
        host=found.sockets, port=found.port, user="postgres", dbname="postgres", connect_timeout=_PING_SECONDS
    )
    return PGconn.ping(conninfo.encode()) == Ping.OK


def _addresses(sockets: Path, tcp_port: int | None) -> dict[str, str]:
    return {
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": str(tcp_port or DEFAULT_PORT),
    }


def _spawn(folder: DataFolder, account: Account, command: list[str]) -> Postmaster:
    lock = folder.lock("server")
    try:
        # Children of a server that was killed live on for the length of their query.
        if not lock.exclusive(_ORPHANS_SECONDS):
            raise EmbeddedPostgresError(
                f"processes of a former PostgreSQL still work in {folder.path}:"
                " wait for them, or end them by hand"
            )
        _disarm_stale_pid(folder.cluster)
        with folder.open_log() as log:
            since = os.fstat(log.fileno()).st_size
            process = account.spawn(command, log, lock.file.fileno())
    finally:
        lock.close()
    # Collects the process whenever it ends, also long after we have left it to others.
    threading.Thread(target=process.wait, name="embedded-postgres", daemon=True).start()
    return _await_birth(folder, process, since)


def _await_birth(folder: DataFolder, process: subprocess.Popen[bytes], since: int) -> Postmaster:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = Postmaster.read(folder.cluster)
        if found is not None and found.pid == process.pid and found.ready:
            return found
        time.sleep(_POLL_SECONDS)
    ended = f"ended with {process.returncode}" if process.returncode is not None else "is not ready"
    raise EmbeddedPostgresError(
        f"PostgreSQL in {folder.path} {ended}; see {folder.log}, which ends with:\n{folder.last_words(since)}"
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


def _signal(folder: DataFolder, number: signal.Signals) -> None:
    found = _pid(folder.cluster)
    if found is not None and _serves(found, folder.cluster):
        with suppress(ProcessLookupError):
            os.kill(found, number)


def _pid(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, cluster: Path) -> bool:
    """Tell whether the process works in the cluster, as its postmaster does, and nothing else would."""
    process = Path("/proc") / str(pid)
    try:
        return (process / "cwd").samefile(cluster)
    except PermissionError:  # even for root, where a container holds back the right to trace
        return _was_started_on(process, cluster)
    except OSError:
        # Where there is no /proc, PostgreSQL's own rule holds: a living process of that id is taken for it.
        return not Path("/proc/self").exists() and _lives(pid)


def _was_started_on(process: Path, cluster: Path) -> bool:
    try:
        return os.fsencode(cluster) in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
