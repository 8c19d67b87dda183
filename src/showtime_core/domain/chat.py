"""Chat: what is shown of it, and the backlog that moderators' deeds reach back into.

In the text of a message that is shown, `$` begins a code: `$$` is a dollar sign, and `$` with a number is the
emote of that number. Only whole words are emotes, so that the number always ends at a space or at the end.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, assert_never

from attrs import evolve, frozen

from showtime_core.domain import events
from showtime_core.domain.events import ChatEvent, EmotePlace, natural_key

BACKLOG_LENGTH = 256
"""How many messages a ban reaches back, and a client that resumes or begins with a backlog."""

ChatSource = Literal["irc", "eventsub", "off"]
"""By which way chat is told."""

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
    viewer_id: str
    """Who wrote it, for bans; clients are not told."""
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


@frozen
class ChatHealth:
    """How the reading of chat fares."""

    checked_at: datetime
    """When the reader last said so."""
    failure: str | None = None
    """Why chat is not read; None: it is."""


@frozen
class Heard:
    """Something that was heard of chat, perhaps not for the first time."""

    event: ChatEvent
    entry_id: str | None = None
    """The id of the EventSub message that told it; None: IRC told it."""
    sent_at: datetime | None = None
    """When Twitch sent it; None: it does not say."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Name it: what has the same name is the same."""
        told_by = self.entry_id and entry_key(self.entry_id)
        return tuple(key for key in (natural_key(self.event), told_by) if key)


def entry_key(entry_id: str) -> str:
    """Name an EventSub message among what was heard."""
    return f"eventsub:{entry_id}"


@frozen
class ChatPage:
    """All that follows from what was heard."""

    lines: tuple[ChatLine, ...]
    """What is shown, in order."""
    keys: tuple[str, ...]
    """The names of what had not been heard before."""
    backlog: Backlog

    @property
    def deleted(self) -> tuple[str, ...]:
        """The ids of the messages in the backlog that must not be seen any more."""
        return tuple(kept.message_id for kept in self.backlog if kept.is_deleted)


def follow_all(backlog: Backlog, known: Collection[str], heard: Sequence[Heard]) -> ChatPage:
    """Work out what follows, in order, from what was not known before."""
    lines, keys = [], dict.fromkeys(known)
    for each in heard:
        if keys.keys().isdisjoint(each.keys):
            backlog, line = follow(backlog, each.event)
            lines += [line] if line else []
        keys |= dict.fromkeys(each.keys)
    return ChatPage(tuple(lines), tuple(key for key in keys if key not in known), backlog)


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
    writer = event.writer
    return ChatMessage(event.message_id, writer.id, writer.name, event.color, text, emotes)


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
