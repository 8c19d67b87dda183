"""What a handler says of itself, beyond what its signature says, for the description of all routes.

A handler that says nothing cannot be described, and that is found when the description is made.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from attrs import frozen
from litestar.params import HeaderParameter, Parameter

KEY = "described"
"""Under this name a handler keeps it among its options."""

AWAY: Mapping[int, Sequence[str]] = {503: ["the database cannot be reached"]}
"""What a route refuses that needs the database."""

Object = dict[str, Any]
"""An object of JSON."""


def read_text(name: str) -> str:
    """Read a file that stands beside this module."""
    return files(__package__).joinpath(name).read_text("utf-8")


_HANDLERS: Mapping[str, Object] = json.loads(read_text("handlers.json"))
"""What handlers say, by their names; as the fields of `Described`."""
OPERATIONS: Object = json.loads(read_text("operations.json"))
"""The routes that speak ASGI themselves, as OpenAPI describes them: operations by path and method."""


@frozen
class Described:
    """What callers want to know of a route."""

    example: Any = None
    """An answer."""
    refusals: Mapping[int | str, Sequence[str]] = {}
    """What it refuses: for each status the messages, word for word or as an example."""
    headers: Mapping[str, str] = {}
    """Headers of the answer, and what each means."""
    body: Object | None = None
    """What is sent, as OpenAPI writes it, where the handler reads it itself."""


def described(**how: Any) -> Object:  # noqa: ANN401 - the fields of Described
    """Describe a handler that the framework serves: its option `opt`."""
    return {KEY: Described(**how)}


def said(name: str, refusals: Mapping[int, Sequence[str]] = MappingProxyType({})) -> Object:
    """Describe a handler as `handlers.json` says, and by refusals in its own words: its option `opt`."""
    how = _HANDLERS[name]
    return described(**{**how, "refusals": {**how.get("refusals", {}), **refusals}})


def raw(**operations: Object) -> Object:
    """Describe a handler that speaks ASGI itself: its option `opt`, an operation of OpenAPI by method."""
    return {KEY: operations}


def says(meaning: str, **schema: Any) -> Any:  # noqa: ANN401 - the framework's own type says nothing more
    """Say what a field or a parameter means, and what it may be, as JSON Schema writes it."""
    return Parameter(description=meaning, schema_extra=schema or None)


def header(name: str, meaning: str, **schema: Any) -> Any:  # noqa: ANN401 - as above
    """Say the same of a header of requests."""
    return HeaderParameter(name=name, description=meaning, schema_extra=schema or None)
