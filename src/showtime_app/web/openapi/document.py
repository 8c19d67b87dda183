"""All routes as OpenAPI 3.1 describes them: generated from the handlers, and completed with what they say.

The framework knows parameters, bodies and answers from signatures. It does not know what is refused, and
nothing of handlers that speak ASGI themselves; these say it beside their code (`descriptions`).
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Server, Tag
from litestar.routes import ASGIRoute, HTTPRoute
from litestar.types import ControllerRouterHandler
from litestar.types.internal_types import PathParameterDefinition

from showtime_app import DISTRIBUTION
from showtime_app.web.etag import with_etag
from showtime_app.web.middleware.edge_limits import is_private
from showtime_app.web.openapi.descriptions import KEY, Described, Object, read_text

_PARTS: Object = json.loads(read_text("parts.json"))
"""What is said of all routes, or of all that have a token, a role, a body or a tag."""
_TAGS = {tag["name"]: tag["description"] for tag in _PARTS["tags"]}
_COMPONENTS = _PARTS["components"]


class UndescribedError(Exception):
    """A route says nothing of itself."""


def describe(
    handlers: Sequence[ControllerRouterHandler], beside: Mapping[str, Object], shapes: Mapping[str, Object]
) -> Object:
    """Describe these handlers, and the operations beside them, by path and method.

    `shapes` are the schemas that operations refer to by name. Raises UndescribedError.
    """
    app = Litestar(list(handlers), openapi_config=_config(), logging_config=None)
    document = app.openapi_schema.to_schema()
    paths: dict[str, Object] = document["paths"]
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    _complete(paths[route.path_format][method.lower()], handler)
        elif isinstance(route, ASGIRoute):
            paths[route.path_format] = _said(route.route_handler, route.path)
    paths |= beside
    for path, operations in paths.items():
        finished = {method: _finish(operation, path) for method, operation in operations.items()}
        paths[path] = finished | ({"head": _as_head(finished["get"])} if "get" in finished else {})
    schemas = document.get("components", {}).get("schemas", {})
    document["components"] = {**_COMPONENTS, "schemas": {**schemas, **_COMPONENTS["schemas"], **shapes}}
    return dict(sorted(document.items(), key=lambda part: part[0] != "openapi"))


def _config() -> OpenAPIConfig:
    return OpenAPIConfig(
        "showtime",
        version(DISTRIBUTION),
        description=_PARTS["about"],
        tags=[Tag(name, description=meaning) for name, meaning in _TAGS.items()],
        operation_id_creator=_name_operation,
        servers=[Server("../", description="Where this is served: a proxy may stand before it.")],
        render_plugins=[JsonRenderPlugin()],  # of which no use is made: see `web.schema`
        path="/of-the-framework",
    )


def _name_operation(handler: HTTPRouteHandler, _: str, path: Sequence[str | PathParameterDefinition]) -> str:
    return handler.handler_name if path or handler.paths == {"/"} else f"{handler.handler_name}_at_root"


def _said(handler: BaseRouteHandler, path: str) -> Any:  # noqa: ANN401 - of two kinds of handlers
    if KEY not in handler.opt:
        raise UndescribedError(f"{path} says nothing of itself: give it `opt=described(…)`, or `opt=raw(…)`")
    return handler.opt[KEY]


def _complete(operation: Object, handler: HTTPRouteHandler) -> None:
    """Add what the handler says to what the framework knows."""
    said: Described = _said(handler, str(handler))
    summary, _, more = cleandoc(handler.fn.__doc__ or "").partition("\n\n")
    operation["summary"] = " ".join(summary.split()).removesuffix(".")
    operation.setdefault("parameters", [])
    if more:
        operation["description"] = more
    if said.body:
        operation["requestBody"] = said.body
    responses = operation["responses"]
    success = responses[str(handler.status_code)]
    if handler.status_code == HTTPStatus.NO_CONTENT:
        success.pop("content", None)  # the framework describes nothing as null
    success["headers"] = {
        name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in said.headers.items()
    }
    for media in success.get("content", {}).values() if said.example is not None else ():
        media["example"] = said.example
    if with_etag in handler.resolve_middleware():
        operation["parameters"].append(_PARTS["ifNoneMatch"])
        success["headers"] |= _PARTS["kept"]
        responses["304"] = {"description": "What the caller has still holds.", "headers": _PARTS["kept"]}
    for code, messages in _refusals(operation, said).items():
        responses[code] = _refusal(HTTPStatus(int(code)), messages)


def _refusals(operation: Object, said: Described) -> dict[str, list[str]]:
    """Gather what the handler refuses, and what is refused before it is asked."""
    security, of = operation.get("security", []), _PARTS["refusals"]
    every = [
        of["all"],
        of["tokens"] if any("token" in requirement for requirement in security) else {},
        of["secrets"] if any("secret" in requirement for requirement in security) else {},
        of["sessions"] if any("session" in requirement for requirement in security) else {},
        of["roles"] if any(requirement.get("token") for requirement in security) else {},
        of["bodies"] if "requestBody" in operation else {},
        {str(code): messages for code, messages in said.refusals.items()},
    ]
    codes = sorted({code for refusals in every for code in refusals})
    return {
        code: list(dict.fromkeys(text for refusals in every for text in refusals.get(code, ())))
        for code in codes
    }


def _refusal(status: HTTPStatus, messages: Sequence[str]) -> Object:
    """Describe a refusal, which is told in the form that the caller reads."""
    problems = [{"title": status.phrase, "status": status, "detail": message} for message in messages]
    problem = {"$ref": "#/components/schemas/Problem"}
    content = {
        "text/plain": _media({"type": "string"}, messages),
        "application/problem+json": _media(problem, problems),
    }
    return {"description": "; ".join(messages), "content": content}


def _media(schema: Object, examples: Sequence[Any]) -> Object:
    numbered = {str(number): {"value": value} for number, value in enumerate(examples, 1)}
    return {"schema": schema, "examples": numbered}


def _as_head(operation: Object) -> Object:
    """Describe HEAD where there is GET: the same answers without their bodies."""
    return {
        **operation,
        "operationId": f"{operation['operationId']}_head",
        "summary": f"{operation['summary']}: the head alone",
        "responses": {
            code: {name: part for name, part in answer.items() if name != "content"}
            for code, answer in operation["responses"].items()
        },
    }


def _finish(operation: Object, path: str) -> Object:
    """Add the headers of all answers, and of all that the host gets; raises UndescribedError."""
    if not set(operation.get("tags", ())) & _TAGS.keys():
        raise UndescribedError(f"{path} is in no section: give it one of the tags {', '.join(_TAGS)}")
    headers = {"x-request-id": {"$ref": "#/components/headers/RequestId"}}
    if is_private(path):
        headers["Cache-Control"] = {"$ref": "#/components/headers/NoStore"}
    responses = {
        code: {**answer, "headers": {**answer.get("headers", {}), **headers}}
        for code, answer in operation["responses"].items()
    }
    return {**operation, "responses": responses}
