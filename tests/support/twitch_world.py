"""What Twitch knows: applications, users, streams, consents and subscriptions; without our code."""

import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from attrs import define, field

from support.twitch import Message, message

CLIENT_ID, CLIENT_SECRET = "t4p3d3ckcl13nt1d", "vhs-c-adapter-secret"
OUR_URL = "https://goldenvcr.example/api/showtime/callback"
BROADCASTER_ID = "953753877"

CHAT_SCOPES = {"user:read:chat", "user:bot", "channel:bot"}
SCOPES = {
    "channel.follow": {"moderator:read:followers"},
    "channel.cheer": {"bits:read"},
    "channel.bits.use": {"bits:read"},
    "channel.custom_power_up_redemption.add": {"bits:read"},
    "channel.ad_break.begin": {"channel:read:ads"},
    "channel.subscribe": {"channel:read:subscriptions"},
    "channel.subscription.message": {"channel:read:subscriptions"},
    "channel.subscription.gift": {"channel:read:subscriptions"},
    "channel.subscription.end": {"channel:read:subscriptions"},
    **{f"channel.hype_train.{phase}": {"channel:read:hype_train"} for phase in ("begin", "progress", "end")},
    **{
        f"channel.chat.{kind}": CHAT_SCOPES
        for kind in ("message", "message_delete", "clear", "clear_user_messages", "notification")
    },
}
VERSIONS = {
    "channel.update": "2",
    "channel.follow": "2",
    "channel.hype_train.begin": "2",
    "channel.hype_train.progress": "2",
    "channel.hype_train.end": "2",
}
KNOWN = {"stream.online", "stream.offline", "channel.update", "channel.raid", "user.update", *SCOPES}
BEFORE = {"moderator:read:followers", "bits:read", "channel:read:subscriptions"}
"""What was consented to when the predecessor was set up."""
EVERYTHING = {*BEFORE, "channel:read:hype_train", "channel:read:ads"}
TYPES = 16
"""How many subscriptions a channel has that does without chat."""
DEAD = "notification_failures_exceeded"


@define
class Sub:
    """A subscription, as Twitch keeps it: with its secret."""

    id: str
    type: str
    version: str
    condition: dict[str, str]
    callback: str
    secret: str
    status: str = "webhook_callback_verification_pending"
    created_at: float = field(factory=time.time)

    def document(self) -> dict[str, Any]:
        condition = dict(self.condition)
        if self.type == "channel.raid":  # both are listed, one of them empty
            condition = {"from_broadcaster_user_id": "", "to_broadcaster_user_id": "", **condition}
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "version": self.version,
            "condition": condition,
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat().replace("+00:00", "Z"),
            "transport": {"method": "webhook", "callback": self.callback},
            "cost": 0,
        }


@define
class World:
    """All of it; whoever changes it from outside holds no lock: one change at a time is enough."""

    users: dict[str, str] = field(factory=lambda: {"goldenvcr": BROADCASTER_ID, "tapehead": "31337"})
    consents: dict[str, set[str]] = field(factory=lambda: {BROADCASTER_ID: set(BEFORE)})
    """User id → what our application may see."""
    live: dict[str, dict[str, str]] = field(factory=dict)
    """User id → the stream that is listed."""
    subs: dict[str, Sub] = field(factory=dict)
    reached: dict[str, str] = field(factory=dict)
    """Public URL → where it really is; one that is missing cannot be reached."""
    withdrawn: set[tuple[str, str]] = field(factory=set)
    tells_id: bool = True
    """Whether a conflict names the subscription that is there."""
    before_challenge: Callable[[Sub], object] = lambda _: None
    """Called before each challenge: Twitch takes its time until it returns."""
    challenged: list[tuple[str, int]] = field(factory=list)
    """Type and answer of each challenge that was sent."""
    client: httpx.Client = field(factory=lambda: httpx.Client(timeout=10))
    _numbers: Any = field(factory=lambda: itertools.count(1))

    def add(self, kind: str, url: str = OUR_URL, status: str = "enabled", **changes: Any) -> Sub:
        """Let a subscription have been there all the time."""
        condition = changes.pop("condition", None) or condition_of(kind)
        version = changes.pop("version", VERSIONS.get(kind, "1"))
        secret = changes.pop("secret", "secret-of-somebody")
        sub = Sub(self._id(), kind, version, condition, url, secret, status)
        self.subs[sub.id] = sub
        return sub

    def create(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do as Twitch does with a request for a subscription."""
        kind, version, condition = document["type"], document["version"], document["condition"]
        transport = document["transport"]
        if refusal := self._refusal(kind, version, condition, transport):
            return refusal
        sub = Sub(self._id(), kind, version, condition, transport["callback"], transport["secret"])
        self.subs[sub.id] = sub
        created = {
            "data": [sub.document()],  # as it is before it is verified
            "total": len(self.subs),
            "total_cost": 0,
            "max_total_cost": 10000,
        }
        threading.Thread(target=self._verify, args=(sub,), daemon=True).start()
        return 202, created

    def _refusal(
        self, kind: str, version: str, condition: dict[str, str], transport: dict[str, str]
    ) -> tuple[int, dict[str, Any]] | None:
        if not transport["callback"].startswith("https://") or ":" in transport["callback"][8:]:
            return _refusal(400, "transport callback must be https on the standard port")
        if not 10 <= len(transport["secret"]) <= 100:
            return _refusal(400, "transport secret must be 10 to 100 characters")
        if (kind, version) in self.withdrawn:
            return _refusal(410, "the subscription type and version are no longer there")
        if kind not in KNOWN or version != VERSIONS.get(kind, "1") or condition != condition_of(kind):
            return _refusal(400, "invalid subscription type, version or condition")
        if not SCOPES.get(kind, set()) <= self.consents.get(condition.get("broadcaster_user_id", ""), set()):
            return _refusal(403, "subscription missing proper authorization")
        return self._in_the_way(kind, condition, transport["callback"])

    def _in_the_way(
        self, kind: str, condition: dict[str, str], url: str
    ) -> tuple[int, dict[str, Any]] | None:
        same = [each for each in self.subs.values() if (each.type, each.condition) == (kind, condition)]
        for each in same:
            if each.status in ("enabled", "webhook_callback_verification_pending") and each.callback == url:
                status, said = _refusal(409, "subscription already exists")
                return status, said | ({"id": each.id} if self.tells_id else {})
        if len(same) >= 3:
            return _refusal(429, "maximum subscriptions with type and condition exceeded")
        return None

    def delete(self, sub_id: str) -> tuple[int, dict[str, Any] | None]:
        return (204, None) if self.subs.pop(sub_id, None) else _refusal(404, "subscription not found")

    def of(self, url: str = OUR_URL) -> list[Sub]:
        """List what calls this URL."""
        return [sub for sub in list(self.subs.values()) if sub.callback == url]

    def statuses(self, url: str = OUR_URL) -> dict[str, str]:
        return {sub.type: sub.status for sub in self.of(url)}

    def emit(self, told: Message, kind: str) -> list[int]:
        """Send an event to whoever subscribes to it: one message each, with the id of its own."""
        answers = []
        for sub in list(self.subs.values()):
            if sub.type == kind and sub.status == "enabled" and (where := self.reached.get(sub.callback)):
                sent = message(kind, json.loads(told.body)["event"], secret=sub.secret)
                answers.append(self.client.post(where, headers=sent.headers, content=sent.body).status_code)
        return answers

    def revoke(self, sub: Sub, reason: str) -> int:
        """End a subscription, and say so."""
        sub.status = reason
        told = message(sub.type, None, message_type="revocation", status=reason, secret=sub.secret)
        return self.client.post(
            self.reached[sub.callback], headers=told.headers, content=told.body
        ).status_code

    def _verify(self, sub: Sub) -> None:
        """Send a challenge, and see whether the answer is just that."""
        self.before_challenge(sub)
        challenge = secrets.token_urlsafe(24)
        told = message(
            sub.type,
            None,
            message_type="webhook_callback_verification",
            secret=sub.secret,
            extra={"challenge": challenge},
        )
        where = self.reached.get(sub.callback)
        try:
            answer = where and self.client.post(where, headers=told.headers, content=told.body)
        except httpx.HTTPError:
            answer = None
        is_right = answer and (answer.status_code, answer.text) == (200, challenge)
        sub.status = "enabled" if is_right else "webhook_callback_verification_failed"
        self.challenged.append((sub.type, answer.status_code if answer else 0))

    def _id(self) -> str:
        return f"26b1c993-bfcf-44d9-b876-{next(self._numbers):012}"


def condition_of(kind: str) -> dict[str, str]:
    if kind == "user.update":
        return {"user_id": BROADCASTER_ID}
    if kind == "channel.raid":
        return {"to_broadcaster_user_id": BROADCASTER_ID}
    condition = {"broadcaster_user_id": BROADCASTER_ID}
    if kind == "channel.follow":
        condition["moderator_user_id"] = BROADCASTER_ID
    if kind.startswith("channel.chat."):
        condition["user_id"] = BROADCASTER_ID
    return condition


def _refusal(status: int, said: str) -> tuple[int, dict[str, Any]]:
    names = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 410: "Gone"}
    return status, {"error": names.get(status, "Too Many Requests"), "status": status, "message": said}
