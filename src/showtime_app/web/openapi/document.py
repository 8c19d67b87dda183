"""All routes as OpenAPI 3.1 describes them: generated from the handlers, and completed with what they say.

The framework knows parameters, bodies and answers from signatures. It does not know what is refused, and
nothing of handlers that speak ASGI themselves; these say it beside their code (`descriptions`).
"""

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
from showtime_app.web.middleware.edge_limits import is_of_host
from showtime_app.web.openapi.descriptions import (
    AWAY,
    KEY,
    Described,
    Object,
    refusal,
    request_header,
    response_header,
)
from showtime_app.web.problems import PROBLEM

_ABOUT = (
    "The backend of a live show on Twitch. Paths are relative to where this is served. What is refused is "
    "told in plain text; whoever accepts JSON gets a problem document (RFC 9457). HEAD is answered as GET, "
    "without the body; of a stream, by its headers and the end."
)
_TAGS = {
    "status": "How it stands: for people, load balancers and Prometheus.",
    "streams": "What happens, as server-sent events: no `event:`, but for `/show`, and a comment in silence.",
    "history": "What was.",
    "ghosts": "Ghosts for points.",
    "host": "What the broadcaster does.",
    "show": "What is on the screen: overlays take alerts one at a time, and acknowledge them.",
    "twitch": "Where Twitch delivers.",
    "schema": "This description.",
}
Refusals = Mapping[int, Sequence[str]]
_IF_NONE_MATCH = request_header("If-None-Match", "The `ETag` of an answer that the caller has.")
_OF_KEPT = {
    "ETag": response_header("Names the answer by its content."),
    "Cache-Control": response_header(
        "`no-cache`: it may be kept, if it is asked each time whether it holds."
    ),
}
_COMPONENTS = {
    "securitySchemes": {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A Twitch user access token, or a token of the auth service. `Bearer`, in any "
            "case, may be left out.",
        },
        "secret": {
            "type": "http",
            "scheme": "bearer",
            "description": "A secret that the broadcaster has made, of an overlay or of a hotkey.",
        },
    },
    "headers": {
        "RequestId": response_header(
            "The caller's `x-request-id`, or one made here; the log has it too.", maxLength=128
        ),
        "NoStore": response_header(
            "Nobody on the way, and no browser, keeps what the host is told.", enum=["no-store"]
        ),
    },
}
_NO_TOKEN = "Twitch user access token or internal JWT must be supplied in Authorization header"  # noqa: S105
_OF_TOKENS: Refusals = {
    400: [_NO_TOKEN],
    401: ["access token was not accepted"],
    503: ["the auth service cannot be reached"],
}
_OF_SECRETS: Refusals = {
    400: [_NO_TOKEN],
    401: ["access token was not accepted"],
    403: ["insufficient access: requires overlay; you are hotkey"],
    **AWAY,
}
_OF_ROLES: Refusals = {403: ["insufficient access: requires broadcaster; you are viewer"]}
_OF_BODIES: Refusals = {408: ["the body did not come in time"], 413: ["Request Entity Too Large"]}
_OF_ALL: Refusals = {500: ["internal error"]}


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
    document["components"] = {**_COMPONENTS, "schemas": {**schemas, "Problem": PROBLEM, **shapes}}
    return dict(sorted(document.items(), key=lambda part: part[0] != "openapi"))


def _config() -> OpenAPIConfig:
    return OpenAPIConfig(
        "showtime",
        version(DISTRIBUTION),
        description=_ABOUT,
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
    success["headers"] = {name: response_header(meaning) for name, meaning in said.headers.items()}
    for media in success.get("content", {}).values() if said.example is not None else ():
        media["example"] = said.example
    if with_etag in handler.resolve_middleware():
        operation["parameters"].append(_IF_NONE_MATCH)
        success["headers"] |= _OF_KEPT
        responses["304"] = {"description": "What the caller has still holds.", "headers": _OF_KEPT}
    for code, messages in _refusals(operation, said).items():
        responses[str(code)] = refusal(HTTPStatus(code), messages)


def _refusals(operation: Object, said: Described) -> dict[int, list[str]]:
    """Gather what the handler refuses, and what is refused before it is asked."""
    security = operation.get("security", [])
    every = [
        _OF_ALL,
        _OF_TOKENS if any("token" in requirement for requirement in security) else {},
        _OF_SECRETS if any("secret" in requirement for requirement in security) else {},
        _OF_ROLES if any(requirement.get("token") for requirement in security) else {},
        _OF_BODIES if "requestBody" in operation else {},
        said.refusals,
    ]
    codes = sorted({code for refusals in every for code in refusals})
    return {
        code: list(dict.fromkeys(text for refusals in every for text in refusals.get(code, ())))
        for code in codes
    }


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
    if is_of_host(path):
        headers["Cache-Control"] = {"$ref": "#/components/headers/NoStore"}
    responses = {
        code: {**answer, "headers": {**answer.get("headers", {}), **headers}}
        for code, answer in operation["responses"].items()
    }
    return {**operation, "responses": responses}
