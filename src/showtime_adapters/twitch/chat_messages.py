"""What EventSub says of chat (`channel.chat.*`): emotes come as fragments, `/me` in the wrapper of IRC."""

from collections.abc import Iterator
from datetime import datetime

from showtime_adapters.twitch.fields import (
    Json,
    read_object,
    read_optional_text,
    read_text,
    read_viewer,
)
from showtime_core.domain.events import (
    ChatCleared,
    ChatMessageDeleted,
    ChatMessageSent,
    ChatUserSilenced,
    EmotePosition,
)
from showtime_core.texts import clean

_ACTION = "\x01ACTION "


def unwrap(text: str) -> str:
    """Take the text out of the wrapper that `/me` puts around it; any other text is as it is."""
    return text.removeprefix(_ACTION).removesuffix("\x01") if text.startswith(_ACTION) else text


def read_written(event: Json, _sent_at: datetime) -> ChatMessageSent:
    """Read `channel.chat.message`; raises FieldError."""
    message = read_object(event, "message")
    text = unwrap(read_optional_text(message, "text"))
    return ChatMessageSent(
        message_id=read_text(event, "message_id"),
        writer=read_viewer(event, "chatter_user"),
        color=read_optional_text(event, "color"),
        text=text,
        emotes=tuple(_find_emotes(message.get("fragments"), text)),
    )


def _find_emotes(fragments: object, text: str) -> Iterator[EmotePosition]:
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
                yield EmotePosition(clean(emote_id), first, first + len(part) - 1)
        first += len(part)


def _has_text(fragment: object) -> bool:
    return isinstance(fragment, dict) and isinstance(fragment.get("text"), str)


def read_deleted(event: Json, _sent_at: datetime) -> ChatMessageDeleted:
    """Read `channel.chat.message_delete`; raises FieldError."""
    return ChatMessageDeleted(read_text(event, "message_id"))


def read_silenced(event: Json, _sent_at: datetime) -> ChatUserSilenced:
    """Read `channel.chat.clear_user_messages`; raises FieldError."""
    return ChatUserSilenced(read_text(event, "target_user_id"))


def read_cleared(_event: Json, _sent_at: datetime) -> ChatCleared:
    """Read `channel.chat.clear`."""
    return ChatCleared()
