"""Chat: what is shown of it, and the backlog that moderators' deeds reach back into.

In the text of a message that is shown, `$` begins a code: `$$` is a dollar sign, and `$` with a number is the
emote of that number. Only whole words are emotes, so that the number always ends at a space or at the end.
"""

import re
from collections.abc import Mapping, Sequence
from typing import assert_never

from attrs import evolve, frozen

from showtime_core import events
from showtime_core.events import ChatEvent, EmotePlace

BACKLOG_LENGTH = 256
"""How many messages a ban reaches back, and a client that resumes or begins with a backlog."""

_CODE = re.compile(r"\$(\$|[0-9]+)")


@frozen
class Emote:
    """A picture in place of a word."""

    id: str
    """Twitch's id of the picture."""
    name: str
    """The word."""


@frozen
class ChatMessage:
    """A message, as it is shown. Neither id nor name nor text is empty."""

    id: str
    username: str
    color: str
    """May be empty."""
    text: str
    """With codes for dollar signs and emotes."""
    emotes: tuple[Emote, ...]
    """Numbered by the text's codes, from 0."""


@frozen
class Deletion:
    """Messages that must not be seen any more."""

    message_ids: tuple[str, ...]


@frozen
class Clear:
    """No message of before must be seen any more."""


ChatLine = ChatMessage | Deletion | Clear
"""One thing that is shown of chat."""


@frozen
class Kept:
    """A message of the backlog, as far as moderators' deeds need it."""

    message_id: str
    viewer_id: str
    is_deleted: bool = False


Backlog = tuple[Kept, ...]
"""The latest messages, oldest first; no more than `BACKLOG_LENGTH`."""


def follow(backlog: Backlog, event: ChatEvent) -> tuple[Backlog, ChatLine | None]:
    """Tell what is shown of an event, None if nothing is, and the backlog after it."""
    match event:
        case events.ChatWritten():
            message = show(event)
            if message is None:
                return backlog, None
            return (*backlog, Kept(message.id, event.writer.id))[-BACKLOG_LENGTH:], message
        case events.ChatDeleted(message_id):
            # Also one that is not known: an overlay may show it longer than we remember.
            return _delete(backlog, [message_id]), Deletion((message_id,)) if message_id else None
        case events.ChatSilenced(viewer_id):
            theirs = tuple(
                kept.message_id for kept in backlog if kept.viewer_id == viewer_id and not kept.is_deleted
            )
            return _delete(backlog, theirs), Deletion(theirs) if theirs else None
        case events.ChatCleared():
            return _delete(backlog, [kept.message_id for kept in backlog]), Clear()
        case _:
            assert_never(event)


def _delete(backlog: Backlog, message_ids: Sequence[str]) -> Backlog:
    return tuple(
        evolve(kept, is_deleted=True) if kept.message_id in message_ids else kept for kept in backlog
    )


def show(event: events.ChatWritten) -> ChatMessage | None:
    """Tell how a message is shown; None for one that no client could show: with nothing in it, or nobody."""
    if not (event.message_id and event.writer.name and event.text):
        return None
    text, emotes = encode(event.text, event.emotes)
    return ChatMessage(event.message_id, event.writer.name, event.color, text, emotes)


def encode(text: str, places: Sequence[EmotePlace]) -> tuple[str, tuple[Emote, ...]]:
    """Put codes for emotes and dollar signs; a place that is not a whole word is no emote."""
    ids = {(place.first, place.last): place.emote_id for place in places}
    numbers: dict[Emote, int] = {}
    words, first = [], 0
    for word in text.split(" "):
        words.append(_encode_word(word, ids.get((first, first + len(word) - 1)), numbers))
        first += len(word) + 1
    return " ".join(words), tuple(numbers)


def _encode_word(word: str, emote_id: str | None, numbers: dict[Emote, int]) -> str:
    if not (word and emote_id):
        return word.replace("$", "$$")
    return f"${numbers.setdefault(Emote(emote_id, word), len(numbers))}"


def render(text: str, emotes: Sequence[Emote]) -> str:
    """Put back the words for their codes, as a client puts pictures."""
    words: Mapping[str, str] = {str(number): emote.name for number, emote in enumerate(emotes)} | {"$": "$"}
    return _CODE.sub(lambda code: words[code[1]], text)
