"""What was: the nights with a tape, what was on during each, and the ghosts that viewers paid for."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from attrs import frozen

from showtime_core.errors import Refused
from showtime_core.texts import trim

MAX_URL_LENGTH = 2048
"""Longer ones are not understood everywhere."""
WEB_ADDRESS = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?"
"""An address that a website may link to, in the notation of regular expressions."""


@frozen
class ListedBroadcast:
    """A night on which at least one tape was on, as the list of all nights shows it."""

    id: int
    started_at: datetime
    vod_url: str
    """Where to watch the recording; empty: not known."""
    tape_ids: tuple[int, ...]
    """In the order in which they were put on; a tape that was on twice is there twice."""


@frozen
class LastTape:
    """A tape that was on, and when it was last."""

    tape_id: int
    last_on_at: datetime
    """When it was put on for the last time."""
    times: int
    """How often it was put on."""


@frozen
class PaidGhost:
    """A ghost that was paid for."""

    id: UUID
    username: str
    subject: str
    """What it is a ghost of, in the viewer's words."""


@frozen
class ListedGhost:
    """A ghost that was paid for, as the gallery shows it."""

    id: UUID
    number: int
    """Its place among all that were paid for, from 1, by when that was."""
    username: str
    subject: str
    url: str
    """Where its first image is; empty: nowhere."""
    paid_at: datetime
    broadcast_id: int | None
    """The night on which it came; None: no tape was on."""
    tape_id: int | None


@frozen
class GhostPage:
    """Some of the ghosts, and how many there are in all."""

    total: int
    ghosts: tuple[ListedGhost, ...]
    """The newest first."""


@frozen
class PastScreening:
    """A tape that was on, and the ghosts that appeared over it."""

    tape_id: int
    started_at: datetime
    ended_at: datetime | None
    ghosts: tuple[PaidGhost, ...]
    """The oldest first."""


@frozen
class PastBroadcast:
    """A night with all that was on; it may still be live."""

    id: int
    started_at: datetime
    ended_at: datetime | None
    vod_url: str
    screenings: tuple[PastScreening, ...]


def broadcasts_by_tape(broadcasts: Iterable[ListedBroadcast]) -> dict[int, list[int]]:
    """Tell for each tape on which nights it was on: each night once, in the order of the list."""
    found = defaultdict[int, list[int]](list)
    for broadcast in broadcasts:
        for tape_id in set(broadcast.tape_ids):
            found[tape_id].append(broadcast.id)
    return dict(found)


def displayed_name(display_name: str, twitch_user_id: str) -> str:
    """Name a viewer as people see it: the display name, or `User <id>` where only the id is known."""
    return trim(display_name) or f"User {twitch_user_id}"


def check_vod_url(url: str) -> str:
    """Return the address of a recording as it is kept; empty: none. Raises Refused with the reason."""
    if url and not re.fullmatch(WEB_ADDRESS, url):
        raise Refused("the VOD URL must begin with http:// or https://, name a host, and hold ASCII alone")
    if len(url) > MAX_URL_LENGTH:
        raise Refused(f"the VOD URL must be <= {MAX_URL_LENGTH} characters")
    return url
