"""Messages signed beforehand, as the bytes of whole requests: the client has nothing left to work out."""

import hashlib
import hmac
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from attrs import frozen

SECRET = "a secret of the benchmark"
SUBSCRIPTION_ID = "f1c2a387-161a-49f9-a165-0f21d7a4e1c4"
BROADCASTER_ID = "1337"
VIEWERS = 1000
"""Among so many viewers the cheers are spread, at random but the same each time."""

_BODY = {
    "subscription": {
        "id": SUBSCRIPTION_ID,
        "status": "enabled",
        "type": "channel.cheer",
        "version": "1",
        "condition": {"broadcaster_user_id": BROADCASTER_ID},
        "transport": {"method": "webhook", "callback": "https://example.com/callback"},
        "created_at": "2026-01-10T18:04:11.634234626Z",
        "cost": 0,
    },
    "event": {
        "user_id": "ID-OF-USER",
        "user_login": "fan_ID-OF-USER",
        "user_name": "Fan_ID-OF-USER",
        "broadcaster_user_id": BROADCASTER_ID,
        "broadcaster_user_login": "thursdays_pilots",
        "broadcaster_user_name": "Thursdays_Pilots",
        "is_anonymous": False,
        "message": "Cheer100 that ghost was a beauty",
        "bits": 100,
    },
}
# The signature comes last: it stands in the middle of the request, where LuaJIT looks for a difference
# when it hashes a long text.
_HEAD = (
    "POST /callback HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "User-Agent: Go-http-client/1.1\r\n"
    "Content-Length: {length}\r\n"
    "Content-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n"
    "Twitch-Eventsub-Message-Id: {id}\r\n"
    "Twitch-Eventsub-Message-Retry: 0\r\n"
    "Twitch-Eventsub-Message-Type: notification\r\n"
    "Twitch-Eventsub-Message-Timestamp: {timestamp}\r\n"
    "Twitch-Eventsub-Subscription-Type: channel.cheer\r\n"
    "Twitch-Eventsub-Subscription-Version: 1\r\n"
    "Twitch-Eventsub-Message-Signature: sha256={signature}\r\n"
    "\r\n"
)


@frozen
class Messages:
    """A file of requests, all of one size and each with an id of its own."""

    path: Path
    size: int
    count: int
    body_size: int


def write_messages(path: Path, count: int) -> Messages:
    """Sign messages of this moment: receivers take them for ten minutes."""
    template = json.dumps(_BODY, separators=(",", ":"))
    bodies = [template.replace("ID-OF-USER", str(10_000_000 + n)).encode() for n in range(VIEWERS)]
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    choose = random.Random(0).choice
    with path.open("wb") as file:
        for _ in range(count):
            size = file.write(_request(str(uuid4()), timestamp, choose(bodies)))
    return Messages(path, size, count, len(bodies[0]))


def _request(message_id: str, timestamp: str, body: bytes) -> bytes:
    signature = hmac.digest(SECRET.encode(), f"{message_id}{timestamp}".encode() + body, hashlib.sha256)
    head = _HEAD.format(length=len(body), id=message_id, timestamp=timestamp, signature=signature.hex())
    return head.encode() + body
