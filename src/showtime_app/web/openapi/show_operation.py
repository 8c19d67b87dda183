"""The stream of the show, as OpenAPI describes it."""

from showtime_app.web import sse
from showtime_app.web.middleware.access import SHOW_READER
from showtime_app.web.openapi.asgi_operations import BACKLOG, FAULT
from showtime_app.web.openapi.descriptions import Object, request_header, response_header, text

LAYERS = ("state", "queue", "health", "alert", "chat")
"""The names of its events."""
_LAYER = "|".join(LAYERS)
_SOME_LAYERS = f"^(({_LAYER})(,({_LAYER}))*)?$"

SHOW: Object = {
    "operationId": "follow_show",
    "tags": ["streams"],
    "summary": "Follow the show",
    "description": "State, queue and health as they are, then what changes of them; each alert; and chat, "
    "which alone is replayed, for a client that brings the last id it has seen. A comment comes after 15 "
    "seconds of silence.",
    "security": SHOW_READER,
    "parameters": [
        request_header("Last-Event-ID", "The last id that the client has seen."),
        BACKLOG,
        {
            "name": "layers",
            "in": "query",
            "required": False,
            "description": "The events that are wanted, with commas between them; all, if it is left out.",
            "schema": {"type": "string", "pattern": _SOME_LAYERS, "examples": ["state,queue"]},
        },
    ],
    "responses": {
        "200": {
            "description": "The stream.",
            "headers": {
                "Cache-Control": response_header("Nobody keeps or changes it.", const=sse.CACHE_CONTROL),
                "X-Accel-Buffering": response_header(
                    "nginx does not hold it back.", const=sse.ACCEL_BUFFERING
                ),
            },
            "content": {
                "text/event-stream": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "event": {"type": "string", "enum": [*LAYERS]},
                            "id": {"type": "string"},
                            "data": {"type": "string", "contentMediaType": "application/json"},
                        },
                    },
                    "example": ':\n\nevent: state\ndata: {"isLive":false}\n\n',
                }
            },
        },
        "400": text("It is not served so.", "no such layer: video; choose state, queue, health, alert, chat"),
        "401": text("Nobody knows who asks.", "access token was not accepted"),
        "403": text("Who asks may not.", "insufficient access: requires overlay; you are hotkey"),
        "500": FAULT,
        "503": text("Nobody can tell who asks.", "the database cannot be reached"),
    },
}
