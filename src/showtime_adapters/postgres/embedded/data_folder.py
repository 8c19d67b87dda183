"""The data folder of the embedded PostgreSQL: what lies in it, who uses it, whose it is.

    <data_dir>/
      postgres/                the cluster; `postgres.new-…` while it is being made
      postgres.log             what the server says
      postgres.sockets         names the folder of its socket
      postgres.password        for TCP, on request
      postgres-guard.lock      held while somebody starts or stops the server
      postgres-users.lock      shared by everybody who uses the server
      postgres-server.lock     inherited by the server: held as long as one of its processes lives

The locks are the kernel's: they end with their holder, however that dies, and the files may lie about.
"""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self, TypeVar

from attrs import frozen

from showtime_core.errors import Unavailable

_SOCKETS = "postgres.sockets"
_POLL_SECONDS = 0.02
# A socket's path is limited to 103 bytes on some systems; our part of it takes 34.
_LONGEST_TEMP_DIR = 69
_KEEP_LOG_BYTES = 10_000_000

Found = TypeVar("Found")


class EmbeddedPostgresError(Unavailable):
    """The embedded PostgreSQL cannot be had; the message says why, and what helps."""


@frozen
class DataFolder:
    """One folder with one cluster in it."""

    path: Path
    """Absolute, without symbolic links."""

    @classmethod
    def prepare(cls, path: Path) -> Self:
        """Make the folder unless it is there; raises OSError if that is not possible."""
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            if os.geteuid() == 0:
                # An ordinary user's checkout stays that user's own after root has run in it.
                owner = path.parent.stat()
                os.chown(path, owner.st_uid, owner.st_gid)
        return cls(path)

    @property
    def cluster(self) -> Path:
        """The files of the database."""
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "postgres.log"

    def open_log(self) -> IO[bytes]:
        """Open the log to append to it; one that has grown long is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _KEEP_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.old"))
        return self.open(self.log.name, os.O_APPEND)

    def open(self, name: str, flags: int = 0) -> IO[bytes]:
        """Open a file of ours to read and write, making it unless it is there; it is for its owner alone."""
        # Not through links: root must not be led astray in a folder that another user can write to.
        flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path / name, flags | os.O_CREAT | os.O_EXCL, 0o600)
            if os.geteuid() == 0:  # or the owner of the folder would be locked out of it afterwards
                owner = self.path.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        except FileExistsError:
            descriptor = os.open(self.path / name, flags)
        return os.fdopen(descriptor, "r+b", buffering=0)

    def take_sockets(self, uid: int, gid: int) -> Path:
        """Give a short private folder for the socket of a server that is about to start as that user.

        The one of the last server is taken again: who has used that one keeps a conninfo that works.
        """
        recorded = self._sockets(uid)
        if recorded:
            for leftover in recorded.iterdir():
                leftover.unlink()
            return recorded
        parent = tempfile.gettempdir()
        fitting = parent if len(os.fsencode(parent)) <= _LONGEST_TEMP_DIR else "/tmp"  # noqa: S108 - mkdtemp is safe
        made = Path(tempfile.mkdtemp(prefix="showtime-", dir=fitting))
        os.chown(made, uid, gid)
        with self.open(_SOCKETS, os.O_TRUNC) as note:
            note.write(os.fsencode(made))
        return made

    def drop_sockets(self, uid: int) -> None:
        """Remove the folder of the socket after its server has gone."""
        recorded = self._sockets(uid)
        if recorded:
            shutil.rmtree(recorded, ignore_errors=True)
            (self.path / _SOCKETS).unlink()

    def _sockets(self, uid: int) -> Path | None:
        """Read the note, if it names a folder that only this user may enter."""
        try:
            descriptor = os.open(self.path / _SOCKETS, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as note:
                recorded = Path(os.fsdecode(note.read()))
            found = recorded.lstat()
        except (OSError, ValueError):  # there is none, or it was torn by a power cut
            return None
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077 and found.st_uid == uid
        return recorded if private and recorded.name.startswith("showtime-") else None


def poll(seconds: float, ask: Callable[[], Found]) -> Found:
    """Ask until the answer is true, or the time is over; gives the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return answer


def lock_alone(file: IO[bytes], seconds: float = 0) -> bool:
    """Lock the file with nobody beside us, waiting at most so long; tell whether that was possible."""

    def lock() -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    return poll(seconds, lock)


@contextmanager
def explained_errors(path: Path) -> Iterator[None]:
    """Turn the system's complaints about the data folder into ours."""
    try:
        yield
    except subprocess.TimeoutExpired as reason:
        raise EmbeddedPostgresError(
            f"{reason.cmd[0]} has not ended within {reason.timeout} s: is the machine overloaded? Try again"
        ) from reason
    except PermissionError as reason:
        there = next(place for place in (path, *path.parents) if os.path.exists(place))  # noqa: PTH110 - raises not
        # Its owner may be ourselves: root without root's rights, in a container; or it is closed to writing.
        raise EmbeddedPostgresError(
            f"{there} belongs to {_name_of(there.stat().st_uid)}, and the system does not let this process,"
            f" which runs as {_name_of(os.geteuid())}, work in it: run as another user, or name a data folder"
            " of your own with --data-dir"
        ) from reason
    except OSError as reason:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL cannot work in {path}: {reason};"
            " name another data folder with --data-dir"
        ) from reason


def _name_of(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"
