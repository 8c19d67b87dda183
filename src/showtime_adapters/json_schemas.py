"""The shapes of what the streams say, as JSON Schema: read off the values that `wire` writes."""

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, get_type_hints

from attrs import fields

from showtime_adapters.wire import ALERT_TYPES, Document, camel_case
from showtime_core.domain.broadcasts.broadcast import Snapshot

_SIMPLE: Mapping[Any, Document] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
}


def json_schemas() -> dict[str, Document]:
    """Give the JSON Schemas of an alert, of the state, and of a line of chat, by name."""
    alerts = {
        name: _object({"type": {"const": name}, "data": _schema_of(cls)}) for cls, name in ALERT_TYPES.items()
    }
    return {
        "Alert": {"oneOf": [*alerts.values()]},
        "State": _schema_of(Snapshot),
        # The lines of chat are written by hand, and so is their shape.
        "ChatLine": json.loads((files(__package__) / "chat_line.schema.json").read_text("utf-8")),
    }


def _schema_of(cls: type[Any]) -> Document:
    """Tell the shape of a value as `wire` writes it: what may be None is absent then."""
    hints = get_type_hints(cls)
    required = [camel_case(name) for name, kind in hints.items() if kind in _SIMPLE]
    properties = {camel_case(field.name): _of_type(hints[field.name]) for field in fields(cls)}
    return {**_object(properties, required), "description": (cls.__doc__ or "").partition("\n")[0]}


def _of_type(kind: Any) -> Document:  # noqa: ANN401 - of a field
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    [of_value] = [_SIMPLE[part] for part in kind.__args__ if part is not type(None)]
    return of_value


def _object(properties: Document, required: list[str] | None = None) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties] if required is None else required,
        "additionalProperties": False,
    }
