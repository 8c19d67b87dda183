"""Message timestamps as Twitch writes them: RFC 3339 in UTC with nanoseconds."""

import re
from datetime import UTC, datetime

WINDOW_SECONDS = 600
"""A message further than this from now, either way, is to be refused."""
SECOND = 10**9
_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def written(nanoseconds: int) -> str:
    """Write nanoseconds since 1970 with nine digits of fraction."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def read(timestamp: str) -> int:
    """Read nanoseconds since 1970; raises ValueError for what Twitch would not write."""
    match = _FORM.fullmatch(timestamp)
    if match is None:
        raise ValueError(f"{timestamp!r} is no timestamp like 2026-10-31T20:00:00.123456789Z")
    whole = int(datetime.fromisoformat(f"{match[1]}+00:00").timestamp())
    return whole * SECOND + int((match[2] or "0").ljust(9, "0"))


def shifted(timestamp: str, seconds: int) -> str:
    """Move a timestamp by whole seconds."""
    return written(read(timestamp) + seconds * SECOND)


def in_window(timestamp: str, now: int) -> bool:
    """Tell whether a correct server takes a message of that timestamp at `now` (nanoseconds)."""
    return abs(read(timestamp) - now) <= WINDOW_SECONDS * SECOND
