"""The data folder of the embedded PostgreSQL: what lies in it, who uses it, whose it is.

    <data_dir>/
      postgres/                the cluster; `postgres.new-…` while it is being made
      postgres.log             what the server says
      postgres.sockets         where its socket is
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
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from attrs import frozen

from showtime_adapters.postgres.embedded_binaries import EmbeddedPostgresError

_DRAFT = "postgres.new-"
_POLL_SECONDS = 0.02
# A socket's path is limited to 103 bytes on some systems; our part of it takes 34.
_LONGEST_TEMP_DIR = 69
_KEEP_LOG_BYTES = 10_000_000
_LAST_WORDS_BYTES = 4_000


@frozen
class Lock:
    """An advisory lock on a file, freed by the kernel when its last holder is gone."""

    file: IO[bytes]
    """Never shared with a child process unless it is passed on by name."""

    def try_exclusive(self) -> bool:
        """Take the lock alone if nobody else has it."""
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def exclusive(self, seconds: float) -> bool:
        """Take the lock alone, waiting at most so long; tell whether it was got."""
        deadline = time.monotonic() + seconds
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def share(self) -> None:
        """Take the lock along with others; raises BlockingIOError if somebody has it alone."""
        fcntl.flock(self.file, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go; a process that has inherited the lock goes on holding it."""
        self.file.close()


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
                _give_to_neighbours(path)
        return cls(path)

    @property
    def cluster(self) -> Path:
        """The files of the database."""
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "postgres.log"

    def make_draft(self) -> Path:
        """Make a place for the cluster until it is whole.

        Each attempt has its own: the initdb of a start that was killed may still be at work.
        """
        return Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.path))

    def drop_drafts(self) -> None:
        """Remove what attempts before have left; what is written meanwhile is left to the next start."""
        for draft in self.path.glob(f"{_DRAFT}*"):
            shutil.rmtree(draft, ignore_errors=True)

    def lock(self, name: str) -> Lock:
        """Open one of the lock files: guard, users or server."""
        return Lock(self._open(f"postgres-{name}.lock", os.O_RDWR, "r+b"))

    def open_log(self) -> IO[bytes]:
        """Open the log to append to it; one that has grown long is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _KEEP_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.old"))
        return self._open("postgres.log", os.O_RDWR | os.O_APPEND, "r+b")

    def last_words(self, since: int) -> str:
        """Give the end of what the log has had to say after that many bytes."""
        with self.log.open("rb") as log:
            log.seek(max(since, self.log.stat().st_size - _LAST_WORDS_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-12:])

    def read_note(self, name: str) -> str:
        """Read a small file of ours; nothing if there is none."""
        try:
            with self._open(f"postgres.{name}", os.O_RDONLY, "rb") as file:
                return file.read().decode()
        except UnicodeDecodeError:  # torn by a power cut
            return ""

    def write_note(self, name: str, text: str) -> None:
        """Keep a small file, readable for its owner alone."""
        with self._open(f"postgres.{name}", os.O_RDWR | os.O_TRUNC, "r+b") as file:
            file.write(text.encode())

    def _open(self, name: str, flags: int, mode: str) -> IO[bytes]:
        # Not through links: root must not be led astray in a folder that another user can write to.
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        path = self.path / name
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.fdopen(os.open(path, flags), mode, buffering=0)
        if os.geteuid() == 0:  # or the owner of the folder would be locked out of it afterwards
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return os.fdopen(descriptor, mode, buffering=0)


def socket_folder(folder: DataFolder, uid: int, gid: int) -> Path:
    """Give a short private folder for the socket of a server that is about to start as that user.

    The one of the last server is taken again: who has used that one keeps a conninfo that works.
    """
    recorded = Path(folder.read_note("sockets") or "/")
    if _is_private(recorded, uid):
        _empty(recorded)
        return recorded
    parent = tempfile.gettempdir()
    fitting = parent if len(os.fsencode(parent)) <= _LONGEST_TEMP_DIR else "/tmp"  # noqa: S108 - mkdtemp is safe
    made = Path(tempfile.mkdtemp(prefix="showtime-", dir=fitting))
    os.chown(made, uid, gid)
    folder.write_note("sockets", str(made))
    return made


def drop_socket_folder(folder: DataFolder, uid: int) -> None:
    """Remove the folder of the socket after its server has gone."""
    recorded = Path(folder.read_note("sockets") or "/")
    if _is_private(recorded, uid):
        _empty(recorded)
        with suppress(OSError):
            recorded.rmdir()
        folder.write_note("sockets", "")


def name_of(uid: int) -> str:
    """Name a user of this machine."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def foreign(path: Path) -> EmbeddedPostgresError:
    """Say whose folder it is that we may not use."""
    there = next(place for place in (path, *path.parents) if _visible(place))
    owner, we = there.stat().st_uid, os.geteuid()
    if owner == we:  # root without root's rights, in a container; or a folder that is closed to writing
        return EmbeddedPostgresError(
            f"the system does not let this process, which runs as {name_of(we)}, work in {there}:"
            " run as an ordinary user, or name another data folder with --data-dir"
        )
    return EmbeddedPostgresError(
        f"{there} belongs to {name_of(owner)}, and this process, which runs as {name_of(we)}, may not use it:"
        " name a data folder of your own with --data-dir"
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's complaints about the data folder into ours."""
    try:
        yield
    except PermissionError as reason:
        raise foreign(path) from reason
    except OSError as reason:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL cannot work in {path}: {reason};"
            " name another data folder with --data-dir"
        ) from reason


def _give_to_neighbours(path: Path) -> None:
    """Let the folder that root has made belong to the owner of the folder around it.

    So an ordinary user's checkout stays that user's own after root has run in it.
    """
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def _is_private(path: Path, uid: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return private and found.st_uid == uid and path.name.startswith("showtime-")


def _empty(sockets: Path) -> None:
    for leftover in sockets.glob(".s.PGSQL.*"):
        leftover.unlink()


def _visible(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True
