"""EventSub messages on the wire: envelope, headers, signature, and the ways to get them wrong on purpose."""

import hashlib
import hmac
import json
import re
from enum import StrEnum

from attrs import field, frozen

from showtime_app.simulate import timestamps
from showtime_app.simulate.event_options import Json

_HALVES = re.compile("[\ud800-\udfff]")
_OVERSIZE = 1024 * 1024
"""Bytes; a server takes up to this much."""
_BEYOND_WINDOW_SECONDS = timestamps.WINDOW_SECONDS + 60


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
class Message:
    """A message as Twitch makes it, before it is signed; a resend differs in `retry` only."""

    id: str
    kind: MessageKind
    subscription: Json
    """What it belongs to, as the envelope has it."""
    timestamp: str
    content: Json
    """What stands beside the subscription: `event`, `challenge` or nothing."""
    flaw: Flaw | None = None
    retry: int = 0

    def __str__(self) -> str:
        words = [self.flaw.value] if self.flaw else []
        words += [str(self.subscription["type"])]
        if self.kind is MessageKind.REVOCATION:
            words += [f"revoked ({self.subscription['status']})"]
        if self.kind is MessageKind.CHALLENGE:
            words += ["challenge"]
        if self.retry:
            words += [f"(retry {self.retry})"]
        return " ".join(words)


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


def eventsub_headers(  # noqa: PLR0913 - all that Twitch sends
    message_id: str,
    kind: str,
    timestamp: str,
    signature: str,
    subscription: tuple[str, str],
    *,
    retry: str = "0",
) -> dict[str, str]:
    """Give all the headers that Twitch sends; a subscription has a type and a version."""
    return {
        "Twitch-Eventsub-Message-Id": message_id,
        "Twitch-Eventsub-Message-Retry": retry,
        "Twitch-Eventsub-Message-Type": kind,
        "Twitch-Eventsub-Message-Signature": signature,
        "Twitch-Eventsub-Message-Timestamp": timestamp,
        "Twitch-Eventsub-Subscription-Type": subscription[0],
        "Twitch-Eventsub-Subscription-Version": subscription[1],
        "Content-Type": "application/json",
    }


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


def request(message: Message, secret: str, expected: Expectation) -> Request:
    """Sign a message, flawed as it is meant to be, with all the headers that Twitch sends."""
    body = _body(message)
    key = f"not {secret}" if message.flaw is Flaw.FORGED else secret
    signature = sign(key, message.id, message.timestamp, body)
    subscription = str(message.subscription["type"]), str(message.subscription["version"])
    headers = eventsub_headers(
        message.id, message.kind.value, message.timestamp, signature, subscription, retry=str(message.retry)
    )
    if message.flaw is Flaw.UNSIGNED:
        del headers["Twitch-Eventsub-Message-Signature"]
    return Request(str(message), tuple(headers.items()), body, expected)


def _body(message: Message) -> bytes:
    envelope: Json = {"subscription": message.subscription, **message.content}
    if message.flaw is Flaw.OVERSIZED:
        envelope["padding"] = "~" * _OVERSIZE
    # Half a character from a broken terminal has no UTF-8: it alone is written as an escape.
    text = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    body = _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode()
    # Cut before its last brace it is no JSON any more, and the signature still fits.
    return body[:-1] if message.flaw is Flaw.MALFORMED else body
