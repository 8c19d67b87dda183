"""Chat: what is shown of it, and the backlog of messages that moderators can still remove.

In the text of a message that is shown, `$` begins a code: `$$` is a dollar sign, and `$` with a number is the
emote of that number. Only whole words are emotes, so that the number always ends at a space or at the end.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, assert_never

from attrs import evolve, frozen

from showtime_core.domain import events
from showtime_core.domain.events import ChatEvent, EmotePosition, dedup_key
from showtime_core.texts import shorten

BACKLOG_LENGTH = 256
"""How many of the latest messages a ban removes, or a client can get that resumes or asks for a backlog."""

ChatSource = Literal["irc", "eventsub", "off"]
"""How chat is read."""


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
    """With codes for dollar signs and emotes; of what was written, at most 2,000 characters."""
    emotes: tuple[Emote, ...]
    """Numbered by the text's codes, from 0."""
    source_channel: str = ""
    """Shared chat: the name of the channel in whose room it was written; empty: in ours."""


@frozen
class Deletion:
    """Messages that must not be seen any more."""

    message_ids: tuple[str, ...]


@frozen
class Clear:
    """All messages until now must not be seen any more."""


ChatLine = ChatMessage | Deletion | Clear
"""One thing that is shown of chat."""


@frozen
class BacklogMessage:
    """A message of the backlog, with what a deletion or a ban needs to find it."""

    message_id: str
    viewer_id: str
    is_deleted: bool = False


Backlog = tuple[BacklogMessage, ...]
"""The latest messages, oldest first; no more than `BACKLOG_LENGTH`."""


@frozen
class ChatHealth:
    """Whether chat is being read."""

    checked_at: datetime
    """When the reader last said so."""
    failure: str | None = None
    """Why chat is not read; None: it is."""


@frozen
class ChatReport:
    """Something that IRC or EventSub reported of chat, perhaps not for the first time."""

    event: ChatEvent
    entry_id: str | None = None
    """The id of the EventSub message that told it; None: IRC told it."""
    sent_at: datetime | None = None
    """When Twitch sent it; None: it does not say."""

    @property
    def dedup_keys(self) -> tuple[str, ...]:
        """Its keys: reports that share one are the same report."""
        told_by = self.entry_id and report_key(self.entry_id)
        return tuple(key for key in (dedup_key(self.event), told_by) if key)


def report_key(entry_id: str) -> str:
    """Give the key of an EventSub message among reports of chat."""
    return f"eventsub:{entry_id}"


@frozen
class ChatChanges:
    """All that follows from a batch of reports: lines to show, keys to remember, the new backlog."""

    lines: tuple[ChatLine, ...]
    """What is shown, in order."""
    dedup_keys: tuple[str, ...]
    """The keys that were not known before."""
    backlog: Backlog

    @property
    def deleted_ids(self) -> tuple[str, ...]:
        """The ids of the messages in the backlog that must not be seen any more."""
        return tuple(known.message_id for known in self.backlog if known.is_deleted)


def plan_chat_changes(backlog: Backlog, known: Collection[str], reports: Sequence[ChatReport]) -> ChatChanges:
    """Work out what follows, in order, from the reports whose keys are not known."""
    lines, keys = [], dict.fromkeys(known)
    for each in reports:
        if keys.keys().isdisjoint(each.dedup_keys):
            backlog, line = apply_chat_event(backlog, each.event)
            lines += [line] if line else []
        keys |= dict.fromkeys(each.dedup_keys)
    return ChatChanges(tuple(lines), tuple(key for key in keys if key not in known), backlog)


def apply_chat_event(backlog: Backlog, event: ChatEvent) -> tuple[Backlog, ChatLine | None]:
    """Give the backlog after an event, and the line to show; None if nothing is to be shown."""
    match event:
        case events.ChatMessageSent():
            message = displayed_message(event)
            if message is None:
                return backlog, None
            return (*backlog, BacklogMessage(message.id, event.writer.id))[-BACKLOG_LENGTH:], message
        case events.ChatMessageDeleted(message_id):
            # Also one that is not known: an overlay may show it longer than we remember.
            return _delete(backlog, [message_id]), Deletion((message_id,)) if message_id else None
        case events.ChatUserSilenced(viewer_id):
            theirs = tuple(
                known.message_id for known in backlog if known.viewer_id == viewer_id and not known.is_deleted
            )
            return _delete(backlog, theirs), Deletion(theirs) if theirs else None
        case events.ChatCleared():
            return _delete(backlog, [known.message_id for known in backlog]), Clear()
        case _:
            assert_never(event)


def _delete(backlog: Backlog, message_ids: Sequence[str]) -> Backlog:
    return tuple(
        evolve(known, is_deleted=True) if known.message_id in message_ids else known for known in backlog
    )


def displayed_message(event: events.ChatMessageSent) -> ChatMessage | None:
    """Give a message as it is shown; None for one that no client could show: without id, name or text."""
    if not (event.message_id and event.writer.name and event.text):
        return None
    text, emotes = encode(shorten(event.text), event.emotes)
    writer = event.writer
    return ChatMessage(
        event.message_id, writer.id, writer.name, event.color, text, emotes, event.source_channel
    )


def encode(text: str, positions: Sequence[EmotePosition]) -> tuple[str, tuple[Emote, ...]]:
    """Put codes in place of emotes and dollar signs; a position that is no whole word is no emote."""
    ids = {(place.first, place.last): place.emote_id for place in positions}
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
