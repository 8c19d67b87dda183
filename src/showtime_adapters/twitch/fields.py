"""Reading the fields of Twitch's JSON: each as its reference says, or a reason that names the field."""

from datetime import UTC, datetime
from typing import Any

from showtime_core.domain.viewers import Viewer
from showtime_core.texts import clean

_MAX_COUNT = 2**31 - 1  # the ledger, the overlay and the tables count in 32 bits
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # where a time is not set, Go writes the year 1

Json = dict[str, Any]


class FieldError(Exception):
    """A field is missing, or is not what the reference says."""


def read_object(parent: Json, name: str) -> Json:
    """Read an object; raises FieldError."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise FieldError(f"'{name}' is not an object")
    return value


def read_text(parent: Json, name: str) -> str:
    """Read a text that must be there; raises FieldError."""
    text = read_optional_text(parent, name)
    if not text:
        raise FieldError(f"'{name}' is missing or empty")
    return text


def read_optional_text(parent: Json, name: str) -> str:
    """Read a text, empty where there is none; raises FieldError for what is no text."""
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(f"'{name}' is not a text")
    return clean(value)


def read_message_text(event: Json) -> str:
    """Read what somebody wrote with something, empty where there is nothing; raises FieldError."""
    message = event.get("message")
    return read_optional_text(message, "text") if isinstance(message, dict) else ""


def read_viewer(event: Json, prefix: str = "user") -> Viewer:
    """Read who it was; raises FieldError for somebody without an id or a name."""
    viewer = Viewer(
        id=read_text(event, f"{prefix}_id"),
        login=read_optional_text(event, f"{prefix}_login"),
        display_name=read_optional_text(event, f"{prefix}_name"),
    )
    if not viewer.name:
        raise FieldError(f"'{prefix}_login' and '{prefix}_name' are both empty")
    return viewer


def read_count(parent: Json, name: str, least: int = 0) -> int:
    """Read a whole number; raises FieldError for one that is too small, or beyond 32 bits."""
    value = parent.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_COUNT:
        raise FieldError(f"'{name}' is not a whole number from {least} to {_MAX_COUNT}")
    return value


def read_moment(parent: Json, name: str) -> datetime:
    """Read a time; raises FieldError."""
    try:
        moment = read_time(read_text(parent, name))
    except ValueError as reason:
        raise FieldError(f"'{name}' is not a time: {reason}") from reason
    if moment < _EARLIEST:
        raise FieldError(f"'{name}' is not a time after {_EARLIEST.year}")
    return moment


def read_time(text: str) -> datetime:
    """Read an RFC 3339 time with up to nine digits of a second; raises ValueError."""
    moment = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small t and z as well
    if not moment.tzinfo:
        raise ValueError("it names no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as reason:
        raise ValueError("it is out of range") from reason
