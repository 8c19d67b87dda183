"""What EventSub says of chat (`channel.chat.*`): emotes come as fragments, `/me` in the wrapper of IRC."""

from collections.abc import Iterator
from datetime import datetime

from attrs import asdict, evolve

from showtime_adapters.twitch.fields import (
    Json,
    read_count,
    read_object,
    read_optional_text,
    read_text,
    read_viewer,
)
from showtime_core.domain import events
from showtime_core.domain.viewers import ANONYMOUS_NAME, Viewer
from showtime_core.texts import clean

_ACTION = "\x01ACTION "


def unwrap(text: str) -> str:
    """Take the text out of the wrapper that `/me` puts around it; any other text is as it is."""
    return text.removeprefix(_ACTION).removesuffix("\x01") if text.startswith(_ACTION) else text


def read_written(event: Json, _sent_at: datetime) -> events.ChatMessageSent:
    """Read `channel.chat.message`; raises FieldError."""
    return _read_message(event, read_object(event, "message"))


def read_notification(event: Json, _sent_at: datetime) -> events.ChatMessageSent:
    """Read `channel.chat.notification`: what somebody has written with it, if they have; raises FieldError.

    What it is about is told by messages of other types, but for watch streaks.
    """
    message, notice = event.get("message"), read_text(event, "notice_type")
    written = _read_message(event, message if isinstance(message, dict) else {})
    if notice.startswith("shared_chat_") and not event.get("source_broadcaster_user_id"):
        return evolve(written, source_channel="another channel")
    if notice != "watch_streak":
        return written
    streak = read_count(read_object(event, "watch_streak"), "streak_count")
    return events.WatchStreak(**asdict(written, recurse=False), streak=streak)


def _read_message(event: Json, message: Json) -> events.ChatMessageSent:
    text = unwrap(read_optional_text(message, "text"))
    is_anonymous = event.get("chatter_is_anonymous") is True
    return events.ChatMessageSent(
        message_id=read_text(event, "message_id"),
        writer=Viewer("", "", ANONYMOUS_NAME) if is_anonymous else read_viewer(event, "chatter_user"),
        color=read_optional_text(event, "color"),
        text=text,
        emotes=tuple(_find_emotes(message.get("fragments"), text)),
        source_channel=_read_source(event),
    )


def _read_source(event: Json) -> str:
    """Name the channel in whose room it was written, if that is another than ours."""
    source_id, login, name = (
        read_optional_text(event, f"source_broadcaster_user_{part}") for part in ("id", "login", "name")
    )
    is_ours = source_id in ("", event.get("broadcaster_user_id"))
    return "" if is_ours else Viewer(source_id, login, name).name or source_id


def _find_emotes(fragments: object, text: str) -> Iterator[events.EmotePosition]:
    """Find the emotes among the fragments of a text without its wrapper, as far as they follow it."""
    first = 0
    for fragment in fragments if isinstance(fragments, list) else []:
        part = clean(fragment["text"]) if _has_text(fragment) else ""
        if not first and not text.startswith(part):  # Twitch wraps the text alone, but may wrap these too
            part = part.removeprefix(_ACTION)
        if not text.startswith(part, first):
            return
        match fragment:
            case {"emote": {"id": str(emote_id)}} if emote_id and part:
                yield events.EmotePosition(clean(emote_id), first, first + len(part) - 1)
        first += len(part)


def _has_text(fragment: object) -> bool:
    return isinstance(fragment, dict) and isinstance(fragment.get("text"), str)
