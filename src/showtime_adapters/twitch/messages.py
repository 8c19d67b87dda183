"""What EventSub messages say: the fields of Twitch's reference become the core's events.

Twitch adds fields, types, reasons and words at any time: what is not known is kept and passed over. What a
known type must have and has not, or has out of range, makes its message malformed: it is parked with the
reason, and nothing of it is lost.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from attrs import evolve

from showtime_adapters.twitch import chat_messages
from showtime_adapters.twitch.fields import (
    FieldError,
    Json,
    read_count,
    read_message_text,
    read_moment,
    read_object,
    read_optional_text,
    read_text,
    read_viewer,
)
from showtime_core.domain import events
from showtime_core.domain.events import Event
from showtime_core.domain.journal import Entry, EntrySource, Malformed, Unknown
from showtime_core.domain.viewers import Viewer
from showtime_core.texts import clean

_decode = json.JSONDecoder().decode


class NotJsonError(Exception):
    """The body is not JSON."""


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


def read_challenge(message_type: str | None, document: object) -> str | None:
    """Find the challenge of a verification; also where no header says that it is one."""
    if message_type not in (None, "webhook_callback_verification") or not isinstance(document, dict):
        return None
    challenge = document.get("challenge")
    return clean(challenge) if isinstance(challenge, str) else None


def read_entry(
    headers: Mapping[str, str], message_id: str, sent_at: datetime, body: bytes, document: object
) -> Entry:
    """Read a verified message."""
    source = _SOURCES.get(headers.get("twitch-eventsub-message-type", "notification"), EntrySource.OTHER)
    subscription = document.get("subscription") if isinstance(document, dict) else None
    told = subscription if isinstance(subscription, dict) else {}
    return Entry(
        id=message_id,
        source=source,
        type=_word(told.get("type")) or headers.get("twitch-eventsub-subscription-type", ""),
        version=_word(told.get("version")) or headers.get("twitch-eventsub-subscription-version", ""),
        retry=_read_retry(headers.get("twitch-eventsub-message-retry", "")),
        sent_at=sent_at,
        content=_read_content(source, document, sent_at),
        body=body,
    )


def read_again(entry: Entry) -> Entry:
    """Read what a message says from what the journal keeps of it."""
    assert entry.sent_at, "Twitch signs when it has sent a message"
    return evolve(entry, content=_read_content(entry.source, read_json(entry.body), entry.sent_at))


_SOURCES = {"notification": EntrySource.NOTIFICATION, "revocation": EntrySource.REVOCATION}


def _word(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""


def _read_retry(text: str) -> int:
    return int(text) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9  # noqa: PLR2004 - fits 32 bits


def _read_content(source: EntrySource, document: object, sent_at: datetime) -> Event | Unknown | Malformed:
    try:
        return _read_fields(source, document, sent_at)
    except FieldError as reason:
        return Malformed(str(reason))


def _read_fields(source: EntrySource, document: object, sent_at: datetime) -> Event | Unknown | Malformed:
    if isinstance(document, Malformed):
        return document
    if source is EntrySource.OTHER:
        return Unknown()
    if not isinstance(document, dict):
        raise FieldError("the body is not a JSON object")
    subscription = read_object(document, "subscription")
    event_type = read_text(subscription, "type")
    if source is EntrySource.REVOCATION:
        return events.SubscriptionRevoked(event_type, read_text(subscription, "status"), sent_at)
    read = _READERS.get(event_type)
    return read(read_object(document, "event"), sent_at) if read else Unknown()


def _giver(event: Json) -> Viewer | None:
    """Tell who cheered or gave; None: anonymous (Twitch sends null there, its own tool empty texts)."""
    return None if event.get("is_anonymous") is True else read_viewer(event)


def _bits_used(event: Json, _sent_at: datetime) -> Event | Unknown:
    """Tell of a Power-up, or of whatever else Twitch lets bits be spent on.

    A cheer is told by `channel.cheer` as well, under another message id: nothing follows from it here.
    """
    if read_text(event, "type") == "cheer":
        return Unknown()
    viewer = read_viewer(event) if event.get("user_id") else None
    return events.PowerUp(viewer, read_count(event, "bits", least=1), read_message_text(event))


def _ad_break(event: Json, _sent_at: datetime) -> Event:
    # Twitch sends a number and a truth value, and its reference shows them as texts.
    seconds, began_at = str(event.get("duration_seconds")), read_moment(event, "started_at")
    try:
        ends_at = began_at + timedelta(seconds=int(seconds)) if _is_number(seconds) else None
    except OverflowError:
        ends_at = None
    if not ends_at:
        raise FieldError("'duration_seconds' is no number of seconds")
    return events.AdBreak(began_at, ends_at, event.get("is_automatic") in (True, "true"))


def _hype_train(phase: events.HypeTrainPhase, event: Json, _sent_at: datetime) -> Event:
    level = read_count(event, "level")
    # The end has no progress and no goal, and nobody shall miss the alert for the want of any of these.
    progress, goal = (read_count(event, name) if name in event else 0 for name in ("progress", "goal"))
    began = read_moment(event, "started_at") if event.get("started_at") else None
    expires = _readable_moment(event, "expires_at")
    return events.HypeTrainUpdate(read_text(event, "id"), phase, level, progress, goal, began, expires)


def _readable_moment(event: Json, name: str) -> datetime | None:
    """Read a time that nothing depends on; None where it cannot be read."""
    try:
        return read_moment(event, name)
    except FieldError:
        return None


_READERS: Mapping[str, Callable[[Json, datetime], Event | Unknown]] = {
    "stream.online": lambda event, sent_at: events.StreamOnline(
        read_text(event, "id"), read_text(event, "type"), read_moment(event, "started_at"), sent_at
    ),
    "stream.offline": lambda event, sent_at: events.StreamOffline(
        sent_at, read_optional_text(event, "id") or None
    ),
    "channel.follow": lambda event, _: events.Follow(read_viewer(event), read_moment(event, "followed_at")),
    "channel.raid": lambda event, _: events.Raid(
        read_viewer(event, "from_broadcaster_user"), read_count(event, "viewers")
    ),
    "channel.cheer": lambda event, _: events.Cheer(
        _giver(event), read_count(event, "bits", least=1), read_optional_text(event, "message")
    ),
    "channel.bits.use": _bits_used,
    "channel.ad_break.begin": _ad_break,
    "channel.subscribe": lambda event, sent_at: events.SubscriptionStart(
        read_viewer(event), read_text(event, "tier"), event.get("is_gift") is True, sent_at
    ),
    "channel.subscription.message": lambda event, sent_at: events.Resubscription(
        read_viewer(event),
        read_text(event, "tier"),
        read_count(event, "cumulative_months"),
        read_message_text(event),
        sent_at,
    ),
    "channel.subscription.gift": lambda event, _: events.GiftedSubscriptions(
        _giver(event), read_text(event, "tier"), read_count(event, "total", least=1)
    ),
    "channel.subscription.end": lambda event, _: events.SubscriptionEnd(read_viewer(event)),
    "channel.update": lambda event, _: events.ChannelUpdate(
        read_optional_text(event, "title"), read_optional_text(event, "category_name")
    ),
    **{f"channel.hype_train.{phase}": partial(_hype_train, phase) for phase in events.HypeTrainPhase},
    **dict.fromkeys(
        ("channel.channel_points_custom_reward_redemption.add", "channel.custom_power_up_redemption.add"),
        lambda event, _: events.Redemption(read_text(event, "id"), read_viewer(event)),
    ),
    "channel.chat.message": chat_messages.read_written,
    "channel.chat.notification": chat_messages.read_notification,
    "channel.chat.message_delete": lambda event, _: events.ChatMessageDeleted(read_text(event, "message_id")),
    "channel.chat.clear": lambda _, __: events.ChatCleared(),
    "channel.chat.clear_user_messages": lambda event, _: events.ChatUserSilenced(
        read_text(event, "target_user_id")
    ),
}
