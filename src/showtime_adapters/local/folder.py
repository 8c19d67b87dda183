"""The bucket and the gallery on a laptop: two folders, which `showtime dev` serves itself."""

import asyncio
import html
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from attrs import asdict, field, frozen

from showtime_core.errors import Unavailable

_KEY = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]*(/[0-9A-Za-z_-][0-9A-Za-z_.-]*)*")
"""A place within a folder: no part of it is hidden, or leads out."""
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Ghosts</title>
<link rel="stylesheet" href="{here}gallery.css">
<h1>#ghosts</h1>
<p>Here is what would be posted to Discord, the newest first.</p>
<main>
{posts}
</main>
</html>
"""
_POST = """\
<figure>
<img src="{here}posts/{image}" alt="" width="1024" height="1024" loading="lazy">
<figcaption>Ghost from <b>{username}</b>: <i>{subject}</i> <time>{at}</time></figcaption>
</figure>"""
_SHOWN = 200
"""How many posts the page shows at most."""
_NONE = "<p>Nobody has asked for a ghost yet.</p>"


@frozen
class LocalFolder:
    """A folder that files are put into and read from, its owner's alone; it is made when it is needed."""

    path: Path

    async def write(self, key: str, data: bytes) -> None:
        """Put a file into the folder, in place of what is there, whole or not at all. Raises Unavailable."""
        try:
            await asyncio.to_thread(self._write, key, data)
        except OSError as reason:
            raise Unavailable(
                f"{self.path} cannot be written ({reason.strerror}): make room, or choose another --data-dir"
            ) from reason

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
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
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
class _Post:
    """A ghost that was posted."""

    username: str
    subject: str
    image: str
    at: str = field(factory=lambda: datetime.now(UTC).isoformat(" ", "seconds"))


@frozen
class LocalGallery:
    """Shows ghosts on a page of its own."""

    folder: LocalFolder

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost. Raises Unavailable."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        post = _Post(username, subject, f"{name}.jpg")
        await self.folder.write(post.image, jpeg)
        await self.folder.write(f"{name}.json", json.dumps(asdict(post)).encode())

    async def page(self, here: str = "") -> str:
        """Make a page of all that was posted, the newest first; `here` stands before each reference of it."""
        posts = await asyncio.to_thread(self._posts)
        shown = [
            _POST.format(here=here, **{name: html.escape(text) for name, text in asdict(post).items()})
            for post in posts
        ]
        return _PAGE.format(here=here, posts="\n".join(shown) or _NONE)

    def _posts(self) -> list[_Post]:
        notes = sorted(self.folder.path.glob("*.json"), reverse=True)[:_SHOWN]
        return [_Post(**json.loads(note.read_text("utf-8"))) for note in notes]


def _leave_to_owner(path: Path) -> None:
    """Give what root has made to whom the folder around it belongs."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
