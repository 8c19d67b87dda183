"""EventSub over webhooks: who sent a message, what it says, and the answer Twitch expects.

Usable without the rest of showtime, in any web framework: give `Receiver.receive` the headers and the body
of a request, and send back the answer. Protocol: Twitch's page "Handling Webhook Events".
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from attrs import field, frozen

from showtime_adapters.twitch.fields import read_time
from showtime_adapters.twitch.messages import NotJsonError, read_challenge, read_entry, read_json
from showtime_core.domain.events import ChatEvent
from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable

TOLERANCE = timedelta(minutes=10)
"""Twitch advises to drop older messages; one from the future is no better."""
MAX_ID_CHARACTERS = 512
"""Twitch's ids are opaque; they become keys of an index, which has a limit."""


class Rejection(StrEnum):
    """Why a request was not taken; the words are labels of the metrics."""

    SIGNATURE = "signature"
    TIMESTAMP = "timestamp"
    NOT_JSON = "not-json"
    ID = "id"
    UNAVAILABLE = "unavailable"


@frozen
class CallbackAnswer:
    """The answer to a request of Twitch."""

    status: HTTPStatus
    body: bytes = b""
    """Text: its content type is `text/plain`."""
    rejection: Rejection | None = None


class Inbox(Protocol):
    """Where verified messages go."""

    async def submit(self, entry: Entry, /) -> None:
        """Return once the entry is durable; raises Unavailable if it may not be."""

    async def is_known(self, entry_id: str, /) -> bool:
        """Tell whether an entry of this id is there; raises Unavailable if nobody can tell."""


@frozen
class RoutingInbox:
    """An inbox in front of two: chat, which is not kept for ever, has one of its own."""

    others: Inbox
    chat: Inbox

    async def submit(self, entry: Entry, /) -> None:
        """Return once the entry is durable; raises Unavailable if it may not be."""
        is_chat = isinstance(entry.content, ChatEvent)
        await (self.chat if is_chat else self.others).submit(entry)

    async def is_known(self, entry_id: str, /) -> bool:
        """Tell whether an entry of this id is in either; raises Unavailable if nobody can tell."""
        return await self.others.is_known(entry_id) or await self.chat.is_known(entry_id)


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign a message as Twitch does: over its id, its timestamp and its body, to the byte."""
    signed = message_id.encode("latin-1") + timestamp.encode("latin-1") + body
    return "sha256=" + hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def _read_clock() -> datetime:
    return datetime.now(UTC)


@frozen
class Receiver:
    """Receives EventSub messages, and answers each as Twitch expects."""

    secrets: tuple[str, ...] = field(repr=False)
    """Any of them verifies a message: so a secret can be replaced without losing one."""
    inbox: Inbox
    clock: Callable[[], datetime] = _read_clock

    async def receive(self, headers: Mapping[str, str], body: bytes) -> CallbackAnswer:
        """Take one request; the names of the headers are in lower case.

        A notification is durable before its answer is 2xx; while the inbox is away the answer is 503, and
        Twitch sends it again.
        """
        message_id = headers.get("twitch-eventsub-message-id", "")
        timestamp = headers.get("twitch-eventsub-message-timestamp", "")
        if not self._is_signed(headers, message_id, timestamp, body):
            return _reject(Rejection.SIGNATURE, "Signature verification failed")
        if len(message_id) > MAX_ID_CHARACTERS:
            return _reject(Rejection.ID, f"the message id is longer than {MAX_ID_CHARACTERS} characters")
        try:
            return await self._take(headers, message_id, timestamp, body)
        except NotJsonError as reason:
            return _reject(Rejection.NOT_JSON, f"the body is not JSON: {reason}")
        except Unavailable as reason:
            return CallbackAnswer(HTTPStatus.SERVICE_UNAVAILABLE, str(reason).encode(), Rejection.UNAVAILABLE)

    def _is_signed(self, headers: Mapping[str, str], message_id: str, timestamp: str, body: bytes) -> bool:
        given = headers.get("twitch-eventsub-message-signature", "")
        if not (message_id and timestamp and given):
            return False
        # Every secret is tried, whichever fits: the time taken tells nothing.
        try:
            fits = [
                hmac.compare_digest(sign(secret, message_id, timestamp, body).encode(), given.encode())
                for secret in self.secrets
            ]
        except UnicodeEncodeError:  # a framework may decode headers otherwise; Twitch's are ASCII
            return False
        return any(fits)

    async def _take(
        self, headers: Mapping[str, str], message_id: str, timestamp: str, body: bytes
    ) -> CallbackAnswer:
        sent_at = _read_timestamp(timestamp)
        if sent_at is None or abs(self.clock() - sent_at) > TOLERANCE:
            if await self.inbox.is_known(message_id):
                return CallbackAnswer(HTTPStatus.NO_CONTENT)
            return _reject(
                Rejection.TIMESTAMP, "the message's timestamp is not within 10 minutes of the current time"
            )
        document = read_json(body)
        challenge = read_challenge(headers.get("twitch-eventsub-message-type"), document)
        if challenge is not None:
            return CallbackAnswer(HTTPStatus.OK, challenge.encode())
        await self.inbox.submit(read_entry(headers, message_id, sent_at, body, document))
        return CallbackAnswer(HTTPStatus.NO_CONTENT)


def _reject(rejection: Rejection, message: str) -> CallbackAnswer:
    return CallbackAnswer(HTTPStatus.BAD_REQUEST, message.encode(), rejection)


def _read_timestamp(text: str) -> datetime | None:
    """Read a timestamp with up to nine digits of a second; None if it is none, or names no time zone."""
    try:
        return read_time(text)
    except ValueError:
        return None
