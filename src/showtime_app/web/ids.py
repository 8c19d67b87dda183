"""Ids in paths."""

from uuid import UUID

from showtime_core.errors import NotFound


def read_id(text: str, no_such: str) -> UUID:
    """Read an id; one that is malformed names nothing: raises NotFound, with these words."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(no_such) from None
