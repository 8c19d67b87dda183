"""What EventSub messages say: the fields of Twitch's reference become the core's events.

Twitch adds fields, types, reasons and words at any time: what is not known is kept and passed over. What a
known type must have and has not, or has out of range, makes its message malformed: it is parked with the
reason, and nothing of it is lost.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from showtime_core import events
from showtime_core.events import Event
from showtime_core.journal import Entry, Malformed, Source, Unknown
from showtime_core.viewers import Viewer

_decode = json.JSONDecoder().decode
_MAX_COUNT = 2**31 - 1  # the ledger, the overlay and the tables count in 32 bits
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # where a time is not set, Go writes the year 1

Json = dict[str, Any]


class NotJsonError(Exception):
    """The body is not JSON."""


class _FieldError(Exception):
    """A field is missing, or is not what the reference says."""


def read_json(body: bytes) -> object:
    """Parse a body; raises NotJsonError.

    Malformed is JSON that Python cannot hold: numbers of thousands of digits, nesting without end.
    """
    try:
        return _decode(body.decode())
    except (json.JSONDecodeError, UnicodeDecodeError) as reason:
        raise NotJsonError(str(reason)) from reason
    except (ValueError, RecursionError) as reason:
        return Malformed(f"the body cannot be read: {reason}")


def read_time(text: str) -> datetime:
    """Read an RFC 3339 time with up to nine digits of a second; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if not moment.tzinfo:
        raise ValueError("it names no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as reason:
        raise ValueError("it is out of range") from reason


def read_challenge(message_type: str | None, document: object) -> str | None:
    """Find the challenge of a verification; also where no header says that it is one."""
    if message_type not in (None, "webhook_callback_verification") or not isinstance(document, dict):
        return None
    challenge = document.get("challenge")
    return _clean(challenge) if isinstance(challenge, str) else None


def read_entry(
    headers: Mapping[str, str], message_id: str, sent_at: datetime, body: bytes, document: object
) -> Entry:
    """Read a verified message."""
    source = _SOURCES.get(headers.get("twitch-eventsub-message-type", "notification"), Source.OTHER)
    subscription = document.get("subscription") if isinstance(document, dict) else None
    told = subscription if isinstance(subscription, dict) else {}
    try:
        content = _read_content(source, document, sent_at)
    except _FieldError as reason:
        content = Malformed(str(reason))
    return Entry(
        id=message_id,
        source=source,
        type=_word(told.get("type")) or headers.get("twitch-eventsub-subscription-type", ""),
        version=_word(told.get("version")) or headers.get("twitch-eventsub-subscription-version", ""),
        retry=_read_retry(headers.get("twitch-eventsub-message-retry", "")),
        sent_at=sent_at,
        content=content,
        body=body,
    )


_SOURCES = {"notification": Source.NOTIFICATION, "revocation": Source.REVOCATION}


def _word(value: object) -> str:
    return _clean(value) if isinstance(value, str) else ""


def _read_retry(text: str) -> int:
    fits = text.isascii() and text.isdecimal() and len(text) < 9  # noqa: PLR2004 - fits 32 bits
    return int(text) if fits else 0


def _read_content(source: Source, document: object, sent_at: datetime) -> Event | Unknown | Malformed:
    if isinstance(document, Malformed):
        return document
    if source is Source.OTHER:
        return Unknown()
    if not isinstance(document, dict):
        raise _FieldError("the body is not a JSON object")
    subscription = _object(document, "subscription")
    event_type = _text(subscription, "type")
    if source is Source.REVOCATION:
        return events.SubscriptionRevoked(event_type, _text(subscription, "status"), sent_at)
    read = _READERS.get(event_type)
    return read(_object(document, "event"), sent_at) if read else Unknown()


def _stream_online(event: Json, sent_at: datetime) -> Event:
    return events.StreamOnline(_text(event, "id"), _text(event, "type"), _time(event, "started_at"), sent_at)


def _stream_offline(_event: Json, sent_at: datetime) -> Event:
    return events.StreamOffline(sent_at)


def _follow(event: Json, _sent_at: datetime) -> Event:
    return events.Follow(_viewer(event), _time(event, "followed_at"))


def _raid(event: Json, _sent_at: datetime) -> Event:
    return events.Raid(_viewer(event, "from_broadcaster_user"), _count(event, "viewers"))


def _cheer(event: Json, _sent_at: datetime) -> Event:
    return events.Cheer(_giver(event), _count(event, "bits", least=1), _optional_text(event, "message"))


def _subscription(event: Json, sent_at: datetime) -> Event:
    return events.Subscription(_viewer(event), _text(event, "tier"), event.get("is_gift") is True, sent_at)


def _resubscription(event: Json, _sent_at: datetime) -> Event:
    message = event.get("message")
    return events.Resubscription(
        _viewer(event),
        _text(event, "tier"),
        _count(event, "cumulative_months", least=1),
        _optional_text(message, "text") if isinstance(message, dict) else "",
    )


def _gift(event: Json, _sent_at: datetime) -> Event:
    return events.GiftedSubscriptions(_giver(event), _text(event, "tier"), _count(event, "total", least=1))


def _subscription_end(event: Json, _sent_at: datetime) -> Event:
    return events.SubscriptionEnd(_viewer(event))


def _channel_update(event: Json, _sent_at: datetime) -> Event:
    return events.ChannelUpdate(_optional_text(event, "title"), _optional_text(event, "category_name"))


def _hype_train(phase: events.HypeTrainPhase) -> Callable[[Json, datetime], Event]:
    return lambda event, _sent_at: events.HypeTrain(_text(event, "id"), phase, _count(event, "level"))


def _redemption(event: Json, _sent_at: datetime) -> Event:
    return events.Redemption(_text(event, "id"), _viewer(event))


def _chat_message(event: Json, _sent_at: datetime) -> Event:
    return events.ChatActivity(_text(event, "message_id"))


def _chat_moderation(_event: Json, _sent_at: datetime) -> Event:
    return events.ChatActivity(None)


_READERS: Mapping[str, Callable[[Json, datetime], Event]] = {
    "stream.online": _stream_online,
    "stream.offline": _stream_offline,
    "channel.follow": _follow,
    "channel.raid": _raid,
    "channel.cheer": _cheer,
    "channel.subscribe": _subscription,
    "channel.subscription.message": _resubscription,
    "channel.subscription.gift": _gift,
    "channel.subscription.end": _subscription_end,
    "channel.update": _channel_update,
    "channel.hype_train.begin": _hype_train(events.HypeTrainPhase.BEGIN),
    "channel.hype_train.end": _hype_train(events.HypeTrainPhase.END),
    "channel.channel_points_custom_reward_redemption.add": _redemption,
    "channel.chat.message": _chat_message,
    "channel.chat.message_delete": _chat_moderation,
    "channel.chat.clear": _chat_moderation,
    "channel.chat.clear_user_messages": _chat_moderation,
}


def _giver(event: Json) -> Viewer | None:
    """Tell who cheered or gave; None: anonymous (Twitch sends null there, its own tool empty texts)."""
    return None if event.get("is_anonymous") is True else _viewer(event)


def _viewer(event: Json, prefix: str = "user") -> Viewer:
    viewer = Viewer(
        id=_text(event, f"{prefix}_id"),
        login=_optional_text(event, f"{prefix}_login"),
        display_name=_optional_text(event, f"{prefix}_name"),
    )
    if not viewer.name:
        raise _FieldError(f"'{prefix}_login' and '{prefix}_name' are both empty")
    return viewer


def _object(parent: Json, name: str) -> Json:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise _FieldError(f"'{name}' is not an object")
    return value


def _text(parent: Json, name: str) -> str:
    text = _optional_text(parent, name)
    if not text:
        raise _FieldError(f"'{name}' is missing or empty")
    return text


def _optional_text(parent: Json, name: str) -> str:
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _FieldError(f"'{name}' is not a text")
    return _clean(value)


def _clean(text: str) -> str:
    """Drop what PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _count(parent: Json, name: str, least: int = 0) -> int:
    value = parent.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_COUNT:
        raise _FieldError(f"'{name}' is not a whole number from {least} to {_MAX_COUNT}")
    return value


def _time(parent: Json, name: str) -> datetime:
    try:
        moment = read_time(_text(parent, name))
    except ValueError as reason:
        raise _FieldError(f"'{name}' is not a time: {reason}") from reason
    if moment < _EARLIEST:
        raise _FieldError(f"'{name}' is not a time after {_EARLIEST.year}")
    return moment
