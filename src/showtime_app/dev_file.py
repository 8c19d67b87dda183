"""The note that `showtime dev` leaves in its data folder, so that `simulate` and `token` find it."""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from attrs import asdict, field, frozen

from showtime_core.errors import Refused

DEFAULT_DATA_DIR = Path(".showtime")
_FILE_NAME = "dev.json"
_OURS = ("dev.", "gallery", "ghosts", "postgres")
"""How the names of all begin that is kept in a data folder."""


class NoDevServerError(Refused):
    """No `showtime dev` has run with this data folder."""


@frozen
class DevFile:
    """Where the local server listens, and the secrets it made for itself."""

    url: str
    """Base URL, without a slash at the end."""
    webhook_secret: str = field(repr=False)
    """Signs and verifies EventSub messages."""
    token_secret: str | None = field(repr=False)
    """Signs and verifies bearer tokens; None if the server does not accept tokens of our own."""

    @classmethod
    def read(cls, data_dir: Path) -> Self:
        """Read the note; raises NoDevServerError if there is none that can be read."""
        path = data_dir / _FILE_NAME
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, TypeError, ValueError) as reason:
            raise NoDevServerError(
                f"{path} cannot be read: start `showtime dev` first, or name its folder with --data-dir"
            ) from reason

    def write(self, data_dir: Path) -> None:
        """Write the note in one step, and close the folder and what is in it to others. Raises OSError.

        The folder is made unless it is there.
        """
        _make(data_dir)
        _close(data_dir)
        path = data_dir / _FILE_NAME
        draft = path.with_suffix(f".{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)
            if hasattr(os, "geteuid") and os.geteuid() == 0:  # root leaves it to whose folder it is
                owner = data_dir.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        draft.replace(path)


def hold(data_dir: Path) -> bool:
    """Make the folder unless it is there, and hold its note for as long as this process lives.

    Gives False where another process holds it. Raises OSError.
    """
    _make(data_dir)
    try:
        import fcntl  # noqa: PLC0415 - Unix alone has it
    except ImportError:
        return True
    with suppress(BlockingIOError):
        fcntl.flock(os.open(data_dir, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _make(data_dir: Path) -> None:
    data_dir = data_dir.resolve()
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        data_dir.mkdir(mode=0o700)


def _close(data_dir: Path) -> None:
    """Leave the folder and what is ours in it to its owner alone.

    What others keep in it is left as it is; and so is then the folder itself.
    """
    found = list(data_dir.iterdir())
    ours = [path for path in found if path.name.startswith(_OURS)]
    for top in ours if len(ours) < len(found) else [data_dir]:
        _close_all(top)


def _close_all(top: Path) -> None:
    for path in [top, *(top.rglob("*") if not top.is_symlink() else ())]:
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or another user's
            mode = path.lstat().st_mode
            if mode & 0o077 and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~0o077)
