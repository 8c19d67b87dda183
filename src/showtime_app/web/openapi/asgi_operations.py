"""The routes that speak ASGI themselves, as OpenAPI describes them: the streams, and the callback."""

from typing import Any

from showtime_app.web import sse
from showtime_app.web.openapi.descriptions import Object, json_body, request_header, response_header, text

_LAST_EVENT_ID = request_header(
    "Last-Event-ID", "The last id that the client has seen; one that is not known counts as none."
)
BACKLOG: Object = {
    "name": "backlog",
    "in": "query",
    "required": False,
    "description": "So many of the latest messages first, for a client that does not resume; 256 at most.",
    "schema": {"type": "integer", "minimum": 0},
}
_NOT_SUPPORTED = "content-type text/html is not supported"
FAULT = text("A fault of ours, which is in the log.", "internal error")


def _stream(
    shape: str, about: str, example: str, *parameters: Object, refused: tuple[str, ...] = (), **names: str
) -> Object:
    """Describe a stream: as OpenAPI 3.1 has it, the schema is that of each event."""
    data = {"$ref": f"#/components/schemas/{shape}"}
    event = {
        "id": {"type": "string"},
        "retry": {"type": "integer"},
        "event": {"const": "message", "description": "It is left out: the default event."},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
    }
    media = {"schema": {"type": "object", "properties": event}, "example": example}
    answer = {
        "description": "The stream; it is opened and kept open also while the database is away.",
        "headers": {
            "Cache-Control": response_header("Nobody keeps or changes it.", const=sse.CACHE_CONTROL),
            "X-Accel-Buffering": response_header("nginx does not hold it back.", const=sse.ACCEL_BUFFERING),
        },
        "content": {"text/event-stream": media},
    }
    refusal = text("It is not served so.", _NOT_SUPPORTED, *refused)
    return {
        **names,
        "tags": ["streams"],
        "description": f"{about} Served to whoever accepts `text/event-stream`.",
        "parameters": [*parameters],
        "responses": {"200": answer, "400": refusal, "500": FAULT},
    }


ALERTS = _stream(
    "Alert",
    "A comment, the id that the alerts have come to, then each alert with its id. A client that brings the "
    "last id it has seen gets what it missed, in order and each once, on any instance.",
    ":\n\nid: c2466d51-41\nretry: 3000\n\nid: c2466d51-42\n"
    'data: {"type":"follow","data":{"username":"VHSVera"}}\n\n',
    _LAST_EVENT_ID,
    operationId="follow_alerts",
    summary="Follow the alerts of the overlay",
)
CHAT = _stream(
    "ChatLine",
    "As the alerts: a comment, an id, then each line of chat with its id.",
    ':\n\nid: c2466d51-7\nretry: 3000\n\nid: c2466d51-8\ndata: {"type":"clear"}\n\n',
    _LAST_EVENT_ID,
    BACKLOG,
    refused=("backlog must be a whole number",),
    operationId="follow_chat",
    summary="Follow chat",
)
STATE = _stream(
    "State",
    "The state as it is, then each change of it; no ids.",
    'data: {"isLive":false}\n\nretry: 3000\n\n',
    operationId="follow_state",
    summary="Follow what is on",
)


def _of_message(name: str, meaning: str, **schema: Any) -> Object:  # noqa: ANN401 - as JSON Schema writes it
    return {**request_header(f"Twitch-Eventsub-Message-{name}", meaning, **schema), "required": True}


CALLBACK: Object = {
    "post": {
        "operationId": "receive_message",
        "tags": ["twitch"],
        "summary": "Receive a message of Twitch's EventSub",
        "description": "Authorised by its signature. A message is recorded before it is answered, and once, "
        "however often it comes. What is signed is answered 2xx also if it cannot be understood: then it "
        "waits for the operator.",
        "parameters": [
            _of_message("Id", "The same again is a duplicate.", minLength=1, maxLength=512),
            _of_message("Timestamp", "Within ten minutes of now, either way.", format="date-time"),
            _of_message(
                "Signature",
                "HMAC-SHA256 of id, timestamp and body, by any of the secrets.",
                pattern="^sha256=[0-9a-f]{64}$",
            ),
            request_header(
                "Twitch-Eventsub-Message-Type",
                "`notification`, `webhook_callback_verification` or `revocation`.",
            ),
        ],
        "requestBody": json_body(
            {
                "description": "A notification has `subscription` and `event`, a verification `challenge`. "
                "Any other JSON is kept as well, for the operator."
            },
            {"subscription": {"type": "channel.update", "version": "2"}, "event": {"title": "VHS"}},
        ),
        "responses": {
            "200": text(
                "The challenge of a verification, and nothing else.", "pogchamp-kappa-360noscope-vohiyo"
            ),
            "204": {"description": "It is recorded and reacted to; or it was before."},
            "400": text("It is not taken.", "Signature verification failed"),
            "413": text("It is too large.", "the body is larger than 1 MiB"),
            "500": FAULT,
            "503": text(
                "It may not be recorded: send it again.", "it was not recorded in time; send it again"
            ),
        },
    }
}
