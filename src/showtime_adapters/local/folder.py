"""The bucket and the gallery on a laptop: two folders, which `showtime dev` serves itself."""

import asyncio
import html
import json
import os
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

from attrs import frozen

from showtime_core.errors import Unavailable

_KEY = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]*(/[0-9A-Za-z_-][0-9A-Za-z_.-]*)*")
"""A place within a folder: no part of it is hidden, or leads out."""
_PAGE, _POST = ((files(__package__) / f"{name}.html").read_text("utf-8") for name in ("gallery", "post"))
_SHOWN = 200
"""How many posts the page shows at most."""
_NONE = "<p>Nobody has asked for a ghost yet.</p>\n"


@frozen
class LocalFolder:
    """A folder that files are put into and read from, its owner's alone; it is made when it is needed."""

    path: Path

    async def write(self, key: str, data: bytes) -> None:
        """Put a file into the folder, in place of what is there, whole or not at all. Raises Unavailable."""
        try:
            await asyncio.to_thread(self._write, key, data)
        except OSError as reason:
            remedy = "make room, or choose another --data-dir"
            raise Unavailable(f"{self.path} cannot be written ({reason.strerror}): {remedy}") from reason

    async def read(self, key: str) -> bytes | None:
        """Read a file; None if there is none."""
        if not _KEY.fullmatch(key):
            return None
        try:
            return await asyncio.to_thread((self.path / key).read_bytes)
        except OSError:
            return None

    def _write(self, key: str, data: bytes) -> None:
        path = self.path / key
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no place in a folder")
        for folder in reversed([path.parent, *path.parent.parents]):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _leave_to_owner(folder)
        draft = path.with_suffix(f".{uuid4().hex}")
        draft.touch(0o600, exist_ok=False)
        draft.write_bytes(data)
        _leave_to_owner(draft)
        draft.replace(path)


@frozen
class LocalBucket:
    """Stores images in a folder."""

    folder: LocalFolder
    base_url: str
    """Where the folder is served, without a slash at the end."""

    async def store(self, key: str, jpeg: bytes) -> str:
        """Store an image under a key, in place of what is there; returns its URL. Raises Unavailable."""
        await self.folder.write(key, jpeg)
        return f"{self.base_url}/{key}"


@frozen
class LocalGallery:
    """Shows ghosts on a page of its own."""

    folder: LocalFolder

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost. Raises Unavailable."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S.%f}"
        image, at = f"{name}.jpg", now.isoformat(" ", "seconds")
        note = {"username": username, "subject": subject, "image": image, "at": at}
        await self.folder.write(image, jpeg)
        await self.folder.write(f"{name}.json", json.dumps(note).encode())

    async def page(self, here: str = "") -> str:
        """Make a page of all that was posted, the newest first; `here` stands before each reference of it."""
        posts = await asyncio.to_thread(self._posts)
        shown = [
            _POST.format(here=here, **{name: html.escape(text) for name, text in post.items()})
            for post in posts
        ]
        return _PAGE.format(here=here, posts="".join(shown) or _NONE)

    def _posts(self) -> list[dict[str, str]]:
        notes = sorted(self.folder.path.glob("*.json"), reverse=True)[:_SHOWN]
        return [json.loads(note.read_text("utf-8")) for note in notes]


def _leave_to_owner(path: Path) -> None:
    """Give what root has made to whom the folder around it belongs."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
