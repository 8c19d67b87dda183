"""The note that `showtime dev` leaves in its data folder, so that `simulate` and `token` find it."""

import json
import os
from pathlib import Path
from typing import Self

from attrs import asdict, field, frozen

DEFAULT_DATA_DIR = Path(".showtime")
_FILE_NAME = "dev.json"


class NoDevServerError(Exception):
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
        """Write the note, readable for the folder's owner alone, in one step. Raises OSError."""
        data_dir.mkdir(parents=True, exist_ok=True)
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
