"""Messages that are sent at a steady rate, each signed at the moment at which it is sent."""

import asyncio
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from uuid import uuid4

from callback.messages import BROADCASTER_ID, SECRET, SUBSCRIPTION_ID

_CONNECTIONS = 16
_VIEWER = {"user_id": "420001", "user_login": "tapehead", "user_name": "TapeHead"}
_CHANNEL = {
    "broadcaster_user_id": BROADCASTER_ID,
    "broadcaster_user_login": "goldenvcr",
    "broadcaster_user_name": "GoldenVCR",
}


class NotTakenError(Exception):
    """A message was not answered 204."""


async def post_steadily(
    port: int, per_second: float, seconds: float, *, is_alert: bool = True
) -> list[float]:
    """Send so many a second; gives for each how many seconds the answer took. Raises NotTakenError.

    An alert tells in its text when it was sent; what is none is an event of which nobody is told.
    """
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(_Connection(port))
    start, count = time.perf_counter(), max(1, round(per_second * seconds))

    async def send(number: int) -> float:
        await asyncio.sleep(start + number / per_second - time.perf_counter())
        connection = await free.get()
        try:
            return await connection.post(_cheer() if is_alert else _end_of_subscription())
        finally:
            free.put_nowait(connection)

    took = await asyncio.gather(*(send(number) for number in range(count)))
    while not free.empty():
        free.get_nowait().close()
    return took


def _cheer() -> bytes:
    said = {"is_anonymous": False, "bits": 100, "message": f"Cheer100 at={time.time()};"}
    return _request("channel.cheer", said)


def _end_of_subscription() -> bytes:
    return _request("channel.subscription.end", {"tier": "1000", "is_gift": False})


def _request(kind: str, said: dict[str, object]) -> bytes:
    subscription = {"id": SUBSCRIPTION_ID, "status": "enabled", "type": kind, "version": "1"}
    subscription |= {
        "condition": {"broadcaster_user_id": BROADCASTER_ID},
        "created_at": "2026-01-10T18:04:11Z",
    }
    body = json.dumps({"subscription": subscription, "event": {**_VIEWER, **_CHANNEL, **said}}).encode()
    message_id, timestamp = str(uuid4()), datetime.now(UTC).isoformat().replace("+00:00", "Z")
    signature = hmac.digest(SECRET.encode(), f"{message_id}{timestamp}".encode() + body, hashlib.sha256)
    fields = {
        "Host": "127.0.0.1",
        "Content-Length": len(body),
        "Content-Type": "application/json",
        "Twitch-Eventsub-Message-Id": message_id,
        "Twitch-Eventsub-Message-Retry": 0,
        "Twitch-Eventsub-Message-Type": "notification",
        "Twitch-Eventsub-Message-Timestamp": timestamp,
        "Twitch-Eventsub-Subscription-Type": kind,
        "Twitch-Eventsub-Subscription-Version": 1,
        "Twitch-Eventsub-Message-Signature": f"sha256={signature.hex()}",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /callback HTTP/1.1\r\n{head}\r\n".encode() + body


class _Connection:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> float:
        """Send a request; gives how many seconds the answer took."""
        start = time.perf_counter()
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 204 " not in answer:
            raise NotTakenError(answer.decode(errors="replace").splitlines()[0])
        return time.perf_counter() - start

    def close(self) -> None:
        """Close it."""
        if self.streams:
            self.streams[1].close()
