"""The routes that speak ASGI themselves, as OpenAPI describes them: the streams, and the callback."""

from collections.abc import Mapping
from typing import Any

from showtime_app.web.openapi.descriptions import Object, text

_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The last id that the client has seen; one that is not known counts as none.",
    "schema": {"type": "string"},
}
_BACKLOG = {
    "name": "backlog",
    "in": "query",
    "required": False,
    "description": "So many of the latest messages first, for a client that does not resume; 256 at most.",
    "schema": {"type": "integer", "minimum": 0},
}
_NOT_SUPPORTED = "content-type text/html is not supported"
_FAULT = text("A fault of ours, which is in the log.", "internal error")


def _stream(  # noqa: PLR0913 - what a stream is made of
    operation_id: str, summary: str, more: str, shape: str, example: str, *parameters: Object, bad: str = ""
) -> Object:
    """Describe a stream: as OpenAPI 3.1 has it, the schema is that of each event."""
    event = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "retry": {"type": "integer"},
            "event": {"const": "message", "description": "It is left out: the default event."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": f"#/components/schemas/{shape}"},
            },
        },
    }
    media = {"schema": event, "example": example}
    answer = {
        "description": "The stream; it is opened and kept open also while the database is away.",
        "headers": {
            "Cache-Control": {"description": "`no-cache`", "schema": {"type": "string", "const": "no-cache"}}
        },
        "content": {"text/event-stream": media},
    }
    refused = [_NOT_SUPPORTED] + ([bad] if bad else [])
    return {
        "operationId": operation_id,
        "tags": ["streams"],
        "summary": summary,
        "description": f"{more} Served to whoever accepts `text/event-stream`.",
        "parameters": [*parameters],
        "responses": {"200": answer, "400": text("It is not served so.", *refused), "500": _FAULT},
    }


ALERTS = _stream(
    "follow_alerts",
    "Follow the alerts of the overlay",
    "A comment, the id that the alerts have come to, then each alert with its id. A client that brings the "
    "last id it has seen gets what it missed, in order and each once, on any instance.",
    "Alert",
    ":\n\nid: c2466d51-41\nretry: 3000\n\nid: c2466d51-42\n"
    'data: {"type":"follow","data":{"username":"VHSVera"}}\n\n',
    _LAST_EVENT_ID,
)
CHAT = _stream(
    "follow_chat",
    "Follow chat",
    "As the alerts: a comment, an id, then each line of chat with its id.",
    "ChatLine",
    ':\n\nid: c2466d51-7\nretry: 3000\n\nid: c2466d51-8\ndata: {"type":"clear"}\n\n',
    _LAST_EVENT_ID,
    _BACKLOG,
    bad="backlog must be a whole number",
)
STATE = _stream(
    "follow_state",
    "Follow what is on",
    "The state as it is, then each change of it; no ids.",
    "State",
    'data: {"isLive":false}\n\nretry: 3000\n\n',
)


def _header(name: str, meaning: str, schema: Mapping[str, Any], *, required: bool = True) -> Object:
    return {"name": name, "in": "header", "required": required, "description": meaning, "schema": schema}


CALLBACK: Object = {
    "post": {
        "operationId": "receive_message",
        "tags": ["twitch"],
        "summary": "Receive a message of Twitch's EventSub",
        "description": (
            "Authorised by its signature. A message is recorded before it is answered, and once, however "
            "often it comes. What is signed is answered 2xx also if it cannot be understood: then it waits "
            "for the operator."
        ),
        "parameters": [
            _header(
                "Twitch-Eventsub-Message-Id",
                "The same again is a duplicate.",
                {"type": "string", "minLength": 1, "maxLength": 512},
            ),
            _header(
                "Twitch-Eventsub-Message-Timestamp",
                "Within ten minutes of now, either way.",
                {"type": "string", "format": "date-time"},
            ),
            _header(
                "Twitch-Eventsub-Message-Signature",
                "HMAC-SHA256 of id, timestamp and body, by any of the secrets.",
                {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
            ),
            _header(
                "Twitch-Eventsub-Message-Type",
                "`notification`, `webhook_callback_verification` or `revocation`.",
                {"type": "string"},
                required=False,
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "description": "A notification has `subscription` and `event`, a verification "
                        "`challenge`. Any other JSON is kept as well, for the operator."
                    },
                    "example": {
                        "subscription": {"type": "channel.update", "version": "2"},
                        "event": {"title": "VHS"},
                    },
                }
            },
        },
        "responses": {
            "200": text(
                "The challenge of a verification, and nothing else.", "pogchamp-kappa-360noscope-vohiyo"
            ),
            "204": {"description": "It is recorded and reacted to; or it was before."},
            "400": text("It is not taken.", "Signature verification failed"),
            "413": text("It is too large.", "the body is larger than 1 MiB"),
            "500": _FAULT,
            "503": text(
                "It may not be recorded: send it again.", "it was not recorded in time; send it again"
            ),
        },
    }
}
