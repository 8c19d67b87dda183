"""What a handler says of itself, beyond what its signature says, for the description of all routes.

A handler that says nothing cannot be described, and that is found when the description is made.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from attrs import frozen
from litestar.params import Parameter

KEY = "described"
"""Under this name a handler keeps it among its options."""

AWAY: Mapping[int, Sequence[str]] = {503: ["the database cannot be reached"]}
"""What a route refuses that needs the database."""

Object = dict[str, Any]
"""An object of JSON."""


@frozen
class Described:
    """What callers want to know of a route."""

    example: Any = None
    """An answer."""
    refusals: Mapping[int, Sequence[str]] = {}
    """What it refuses: for each status the messages, word for word or as an example."""
    headers: Mapping[str, str] = {}
    """Headers of the answer, and what each means."""
    body: Object | None = None
    """What is sent, as OpenAPI writes it, where the handler reads it itself."""


def described(**how: Any) -> Object:  # noqa: ANN401 - the fields of Described
    """Describe a handler that the framework serves: its option `opt`."""
    return {KEY: Described(**how)}


def raw(**operations: Object) -> Object:
    """Describe a handler that speaks ASGI itself: its option `opt`, an operation of OpenAPI by method."""
    return {KEY: operations}


def says(meaning: str, **schema: Any) -> Any:  # noqa: ANN401 - the framework's own type says nothing more
    """Say what a field or a parameter means, and what it may be, as JSON Schema writes it."""
    return Parameter(description=meaning, schema_extra=schema or None)


def response_header(meaning: str, **schema: Any) -> Object:  # noqa: ANN401 - as JSON Schema writes it
    """Describe a header of an answer, as OpenAPI writes it: a string, unless the schema says otherwise."""
    return {"description": meaning, "schema": {"type": "string", **schema}}


def request_header(name: str, meaning: str, **schema: Any) -> Object:  # noqa: ANN401 - as JSON Schema writes it
    """Describe a header of requests that no signature has, and that may be left out."""
    return {"name": name, "in": "header", "required": False, **response_header(meaning, **schema)}


def json_body(schema: Object, example: Object) -> Object:
    """Describe the body of a request, as OpenAPI writes it."""
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def text(meaning: str, *examples: str) -> Object:
    """Describe an answer in plain text, as OpenAPI writes it."""
    return {"description": meaning, "content": {"text/plain": _media({"type": "string"}, examples)}}


def refusal(status: HTTPStatus, messages: Sequence[str]) -> Object:
    """Describe a refusal, which is told in the form that the caller reads."""
    answer = text("; ".join(messages), *messages)
    problems = [{"title": status.phrase, "status": status, "detail": message} for message in messages]
    problem = _media({"$ref": "#/components/schemas/Problem"}, problems)
    answer["content"]["application/problem+json"] = problem
    return answer


def _media(schema: Object, examples: Sequence[Any]) -> Object:
    return {
        "schema": schema,
        "examples": {str(number): {"value": value} for number, value in enumerate(examples, 1)},
    }
