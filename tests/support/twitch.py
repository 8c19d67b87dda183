"""Twitch, as far as it sends EventSub messages: signed as its documentation says, independent of our code."""

import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from attrs import define, evolve, field, frozen

from support.server import SECRET

CHANNEL = {
    "broadcaster_user_id": "953753877",
    "broadcaster_user_login": "goldenvcr",
    "broadcaster_user_name": "GoldenVCR",
}


def viewer(name: str = "WashingtonFlick") -> dict[str, Any]:
    """Name a viewer as events do; the id follows from the name."""
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return {"user_id": str(number), "user_login": name.lower(), "user_name": name}


@frozen
class Message:
    """One message, ready to be sent as often as one likes."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["Twitch-Eventsub-Message-Id"]

    def again(self, retry: int = 1) -> "Message":
        """Resend it as Twitch does: only the count differs."""
        return self.with_headers(**{"Twitch-Eventsub-Message-Retry": str(retry)})

    def with_headers(self, **headers: str | None) -> "Message":
        """Change headers without signing anew; None leaves one out."""
        changed = {name: value for name, value in (self.headers | headers).items() if value is not None}
        return evolve(self, headers=changed)


def message(  # noqa: PLR0913 - what there is to choose of a message
    event_type: str,
    event: dict[str, Any] | None,
    *,
    message_type: str = "notification",
    at: datetime | None = None,
    timestamp: str | None = None,
    message_id: str | None = None,
    secret: str = SECRET,
    status: str = "enabled",
    extra: dict[str, Any] | None = None,
    body: bytes | None = None,
) -> Message:
    """Make a signed message."""
    message_id = message_id or str(uuid.uuid4())
    timestamp = timestamp or (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
    subscription = {
        "id": "f1c2a387-161a-49f9-a165-0f21d7a4e1c4",
        "status": status,
        "type": event_type,
        "version": "1",
        "cost": 0,
        "condition": {"broadcaster_user_id": CHANNEL["broadcaster_user_id"]},
        "transport": {"method": "webhook", "callback": "https://goldenvcr.com/api/showtime/callback"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    document = (
        {"subscription": subscription} | ({"event": event} if event is not None else {}) | (extra or {})
    )
    body = json.dumps(document).encode() if body is None else body
    signed = message_id.encode() + timestamp.encode() + body
    return Message(
        {
            "Twitch-Eventsub-Message-Id": message_id,
            "Twitch-Eventsub-Message-Retry": "0",
            "Twitch-Eventsub-Message-Type": message_type,
            "Twitch-Eventsub-Message-Signature": "sha256="
            + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
            "Twitch-Eventsub-Message-Timestamp": timestamp,
            "Twitch-Eventsub-Subscription-Type": event_type,
            "Twitch-Eventsub-Subscription-Version": "1",
            "Content-Type": "application/json",
        },
        body,
    )


def cheer(
    name: str = "WashingtonFlick", bits: int = 100, text: str = "Cheer100 be kind", **options: Any
) -> Message:
    event = viewer(name) | CHANNEL | {"is_anonymous": False, "message": text, "bits": bits}
    return message("channel.cheer", event, **options)


def follow(name: str = "WashingtonFlick", followed_at: datetime | None = None, **options: Any) -> Message:
    at = (followed_at or datetime.now(UTC)).isoformat()
    return message("channel.follow", viewer(name) | CHANNEL | {"followed_at": at}, **options)


def online(stream_id: str = "40123", started_at: datetime | None = None, **options: Any) -> Message:
    at = (started_at or datetime.now(UTC)).isoformat()
    event = CHANNEL | {"id": stream_id, "type": "live", "started_at": at}
    return message("stream.online", event, **options)


def offline(**options: Any) -> Message:
    return message("stream.offline", dict(CHANNEL), **options)


@define
class Twitch:
    """A sender on one connection."""

    url: str
    client: httpx.Client = field(factory=lambda: httpx.Client(timeout=15))

    def send(self, *messages: Message) -> list[httpx.Response]:
        return [
            self.client.post(f"{self.url}/callback", headers=each.headers, content=each.body)
            for each in messages
        ]
