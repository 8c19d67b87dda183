"""Where two accounts of one thing differ: told in the fields that do, and in no others."""

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import fields, frozen, has

from showtime_core.texts import format_time, quote

NOTHING = "-"
"""Stands where one of the two has none at all."""


@frozen
class Difference:
    """What was recorded of one thing, and what the replay came to instead."""

    kind: str
    """What it is about: `outcome` (of an entry), `alert`, `state` (as the streams show it), `effect`,
    `broadcast`, `screening`, or `channel` (the state that is kept)."""
    name: str
    """Which one: an id, or the name of a field."""
    recorded: str
    replayed: str


Tell = Callable[[Difference], None]
"""Takes differences as they are found."""


def compare(tell: Tell, kind: str, name: str, recorded: object, replayed: object) -> None:
    """Tell in which fields two values differ, if they do; None: there is none."""
    if recorded == replayed:
        return
    left, right = _fields(recorded), _fields(replayed)
    differing = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    tell(Difference(kind, name, _text(left, differing), _text(right, differing)))


def _fields(value: object) -> dict[str, object]:
    """Name the parts of a value, those of its parts among them."""
    if value is None:
        return {}
    kind = type(value)
    if isinstance(value, Mapping):
        parts = value
    elif has(kind):
        parts = {field.name: getattr(value, field.name) for field in fields(kind)}
    else:
        return {"": value}
    told: dict[str, object] = {}
    for name, part in parts.items():
        inner = _fields(part) if isinstance(part, Mapping) or has(type(part)) else {"": part}
        told |= {f"{name}.{key}".rstrip("."): each for key, each in inner.items()}
    return told


def _text(parts: Mapping[str, object], differing: list[str]) -> str:
    told = [f"{key} {_word(parts[key])}".lstrip() for key in differing if key in parts]
    return ", ".join(told) if parts and told else NOTHING


def _word(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else quote(str(value)) or "(empty)"
