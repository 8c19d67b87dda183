"""Messages of EventSub as Twitch writes them, each with an id of its own; and ways to get them wrong."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import Factory, evolve, field, frozen

from showtime_app.conform.http1 import Place
from showtime_app.simulate.messages import eventsub_headers, sign

Json = dict[str, Any]
_CREATED_AT = "2026-10-31T20:00:00.000000000Z"
FOLLOW: Json = {
    "user_id": "1337",
    "user_login": "vhsvera",
    "user_name": "VHSVera",
    "broadcaster_user_id": "953753877",
    "broadcaster_user_login": "goldenvcr",
    "broadcaster_user_name": "GoldenVCR",
    "followed_at": _CREATED_AT,
}
CHEER: Json = {
    "is_anonymous": True,
    "user_id": None,
    "user_login": None,
    "user_name": None,
    **{name: value for name, value in FOLLOW.items() if name.startswith("broadcaster")},
    "message": "Cheer100 be kind, rewind",
    "bits": 100,
}


def timestamp(ago: timedelta, digits: int) -> str:
    """Write a time as Twitch does, with nanoseconds."""
    moment = datetime.now(UTC) - ago
    fraction = f"{moment.microsecond:06d}{time.monotonic_ns() % 1000:03d}"[:digits]
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


@frozen
class ProbeMessage:
    """A message, ready to be signed and sent."""

    place: Place
    secret: str = field(repr=False)
    kind: str = "notification"
    type: str = "channel.follow"
    version: str = "2"
    content: Json = Factory(dict)
    """What stands beside the subscription: `event`, `challenge` or nothing."""
    status: str = "enabled"
    id: str = Factory(lambda: str(uuid.uuid4()))
    ago: timedelta = timedelta()
    digits: int = 9
    """Of the fraction of its time."""
    timestamp: str = Factory(lambda self: timestamp(self.ago, self.digits), takes_self=True)
    retry: str = "0"
    raw: bytes | None = None
    """The body, where it is not what the rest says."""
    signature: str | None = None
    """Where it is not the right one; empty: the header is left out."""
    signed: bytes | None = None
    """What is signed in place of the body."""
    extra: dict[str, str] = Factory(dict)
    """Headers beside, or in place of, those of Twitch."""

    def but(self, **changes: Any) -> "ProbeMessage":  # noqa: ANN401 - the fields of a message
        """Give the same message, but for this."""
        return evolve(self, **changes)

    @property
    def body(self) -> bytes:
        """Give the body, to the byte."""
        if self.raw is not None:
            return self.raw
        subscription = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.type)),
            "status": self.status,
            "type": self.type,
            "version": self.version,
            "cost": 0,
            "condition": {"broadcaster_user_id": "953753877"},
            "transport": {"method": "webhook", "callback": f"https://{self.place.host}{self.place.target}"},
            "created_at": _CREATED_AT,
        }
        return json.dumps({"subscription": subscription, **self.content}, ensure_ascii=False).encode()

    @property
    def headers(self) -> dict[str, str]:
        """Give all headers of the message."""
        signed = self.body if self.signed is None else self.signed
        signature = self.signature
        if signature is None:
            signature = sign(self.secret, self.id, self.timestamp, signed)
        subscription = self.type, self.version
        headers = {
            **eventsub_headers(self.id, self.kind, self.timestamp, signature, subscription, retry=self.retry),
            "Content-Length": str(len(self.body)),
            **self.extra,
        }
        return {name: value for name, value in headers.items() if value}

    def head(self, http: str = "1.1", method: str = "POST") -> bytes:
        """Write the head of the request."""
        host = f"{self.place.host}:{self.place.port}"
        lines = [f"{method} {self.place.target} HTTP/{http}", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def request(self) -> bytes:
        """Write the whole request."""
        return self.head() + self.body
