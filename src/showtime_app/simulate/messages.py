"""EventSub messages on the wire: envelope, headers, signature, and the ways to get them wrong on purpose."""

import hashlib
import hmac
import json
from enum import StrEnum

from attrs import field, frozen

from showtime_app.simulate import timestamps
from showtime_app.simulate.event_options import Json

_OVERSIZE = 1024 * 1024
"""Bytes; a server takes up to this much."""
_BEYOND_WINDOW_SECONDS = timestamps.WINDOW_SECONDS + 60
_SUBSCRIBED_AT = "2025-10-31T20:00:00.000000000Z"


class MessageKind(StrEnum):
    """The message types of EventSub."""

    NOTIFICATION = "notification"
    CHALLENGE = "webhook_callback_verification"
    REVOCATION = "revocation"


class Flaw(StrEnum):
    """A way to get a message wrong that a correct server refuses."""

    STALE = "stale"
    FUTURE = "future"
    FORGED = "forged"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    OVERSIZED = "oversized"


@frozen
class Expectation:
    """The answers that a correct server gives to a message."""

    words: str
    statuses: frozenset[int]


ACCEPTED = Expectation("2xx", frozenset(range(200, 300)))
REFUSED = Expectation("400", frozenset({400}))
TOO_LARGE = Expectation("413", frozenset({413}))
KNOWN_OR_REFUSED = Expectation("400, or 2xx for an id it knows", ACCEPTED.statuses | REFUSED.statuses)


@frozen
class Address:
    """Where messages go, and what signs them."""

    url: str
    secret: str = field(repr=False)


@frozen
class MessageSubscription:
    """The subscription that a message belongs to."""

    id: str
    type: str
    version: str
    condition: dict[str, str]
    callback: str
    status: str = "enabled"

    def as_json(self) -> Json:
        """Give it as the envelope holds it."""
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "version": self.version,
            "cost": 0,
            "condition": self.condition,
            "transport": {"method": "webhook", "callback": self.callback},
            "created_at": _SUBSCRIBED_AT,
        }


@frozen
class Message:
    """A message as Twitch makes it, before it is signed; a resend differs in `retry` only."""

    id: str
    kind: MessageKind
    subscription: MessageSubscription
    timestamp: str
    content: Json
    """What stands beside the subscription: `event`, `challenge` or nothing."""
    retry: int = 0


@frozen
class Request:
    """A message ready to be sent, and the answer that is right."""

    label: str
    """What it is, for people."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    expected: Expectation


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign as Twitch does: HMAC-SHA256 over id, timestamp and raw body, without separators."""
    signed = f"{message_id}{timestamp}".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def moment(flaw: Flaw | None, now: int) -> int:
    """Say when a message claims to be sent, given the time (nanoseconds) and its flaw."""
    shift = {Flaw.STALE: -_BEYOND_WINDOW_SECONDS, Flaw.FUTURE: _BEYOND_WINDOW_SECONDS}
    return now + (shift.get(flaw, 0) if flaw else 0) * timestamps.SECOND


def expectation(flaw: Flaw | None, *, in_window: bool, may_be_known: bool = False) -> Expectation:
    """Say how a correct server answers.

    A server looks up the id before the time, so an id that it may know makes both answers right.
    """
    if flaw is Flaw.OVERSIZED:
        return TOO_LARGE
    if flaw in {Flaw.FORGED, Flaw.UNSIGNED}:
        return REFUSED
    if flaw or not in_window:
        return KNOWN_OR_REFUSED if may_be_known else REFUSED
    return ACCEPTED


def request(message: Message, secret: str, expected: Expectation, flaw: Flaw | None = None) -> Request:
    """Sign a message, flawed as wished, with all the headers that Twitch sends."""
    body = _body(message, flaw)
    key = f"not {secret}" if flaw is Flaw.FORGED else secret
    headers = {
        "Twitch-Eventsub-Message-Id": message.id,
        "Twitch-Eventsub-Message-Retry": str(message.retry),
        "Twitch-Eventsub-Message-Type": message.kind.value,
        "Twitch-Eventsub-Message-Signature": sign(key, message.id, message.timestamp, body),
        "Twitch-Eventsub-Message-Timestamp": message.timestamp,
        "Twitch-Eventsub-Subscription-Type": message.subscription.type,
        "Twitch-Eventsub-Subscription-Version": message.subscription.version,
        "Content-Type": "application/json",
    }
    if flaw is Flaw.UNSIGNED:
        del headers["Twitch-Eventsub-Message-Signature"]
    return Request(_label(message, flaw), tuple(headers.items()), body, expected)


def _label(message: Message, flaw: Flaw | None) -> str:
    words = [flaw.value] if flaw else []
    words += [message.subscription.type]
    if message.kind is MessageKind.REVOCATION:
        words += [f"revoked ({message.subscription.status})"]
    if message.kind is MessageKind.CHALLENGE:
        words += ["challenge"]
    if message.retry:
        words += [f"(retry {message.retry})"]
    return " ".join(words)


def _body(message: Message, flaw: Flaw | None) -> bytes:
    envelope: Json = {"subscription": message.subscription.as_json(), **message.content}
    if flaw is Flaw.OVERSIZED:
        envelope["padding"] = "~" * _OVERSIZE
    body = _encoded(envelope)
    # Cut before its last brace it is no JSON any more, and the signature still fits.
    return body[:-1] if flaw is Flaw.MALFORMED else body


def _encoded(envelope: Json) -> bytes:
    try:
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half a character from a broken terminal has no UTF-8, only an escape.
        return json.dumps(envelope, separators=(",", ":")).encode()
