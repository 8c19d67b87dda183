"""Lines of Twitch's IRC: tags, source, command and parameters; and what they say of chat.

Whatever comes is read as well as can be, and never an error: who writes here is the whole world.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from attrs import asdict, frozen

from showtime_adapters.twitch.chat_messages import unwrap
from showtime_core.domain import events
from showtime_core.domain.viewers import Viewer

_ESCAPED = {":": ";", "s": " ", "r": "\r", "n": "\n"}  # any other character after a backslash is itself
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_PLACE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_COUNT = re.compile(r"[0-9]{1,9}")
_MILLISECONDS = re.compile(r"[0-9]{1,14}")


@frozen
class IrcLine:
    """One line, taken apart."""

    command: str
    """In upper case; empty for a line that has none."""
    params: tuple[str, ...] = ()
    source: str = ""
    """Who it comes from: `nick!user@host`, or a server."""
    tags: Mapping[str, str] = {}


def parse(raw: bytes) -> IrcLine:
    """Take a line apart; what UTF-8 or PostgreSQL cannot hold is replaced."""
    text = raw.decode("utf-8", "replace").replace("\0", "\ufffd").rstrip("\r\n")
    tags = source = ""
    if text.startswith("@"):
        tags, _, text = text[1:].partition(" ")
        text = text.lstrip(" ")
    if text.startswith(":"):
        source, _, text = text[1:].partition(" ")
    head, colon, last = text.partition(" :")
    command, *params = head.split() or [""]
    return IrcLine(command.upper(), (*params, last) if colon else tuple(params), source, _parse_tags(tags))


def _parse_tags(text: str) -> dict[str, str]:
    tags = (tag.partition("=") for tag in text.split(";") if tag)
    return {name: _ESCAPE.sub(_unescape, value) for name, _, value in tags}


def _unescape(escape: re.Match[str]) -> str:
    return _ESCAPED.get(escape[1], escape[1])


def read_event(line: IrcLine) -> events.ChatEvent | None:
    """Tell what a line says of chat, None for what is of no account there."""
    tags = line.tags
    match line.command, line.params:
        case "PRIVMSG", [_, text]:
            return _written(tags, line.source.partition("!")[0], text)
        case "USERNOTICE", [_, *texts]:
            return _noticed(tags, _written(tags, tags.get("login", ""), "".join(texts)))
        case "CLEARMSG", _ if tags.get("target-msg-id"):
            return events.ChatMessageDeleted(tags["target-msg-id"])
        case "CLEARCHAT", [_, *_] if tags.get("target-user-id"):
            return events.ChatUserSilenced(tags["target-user-id"])
        case "CLEARCHAT", [_]:
            return events.ChatCleared()
    return None


def _written(tags: Mapping[str, str], login: str, text: str) -> events.ChatMessageSent:
    source = tags.get("source-room-id", "")
    return events.ChatMessageSent(
        message_id=tags.get("id", ""),
        writer=Viewer(tags.get("user-id", ""), login, tags.get("display-name", "")),
        color=tags.get("color", ""),
        text=unwrap(text),
        emotes=tuple(_places(tags.get("emotes", ""))),
        source_channel="" if source == tags.get("room-id") else source,  # IRC tells no name of it
    )


def _noticed(tags: Mapping[str, str], written: events.ChatMessageSent) -> events.ChatMessageSent | None:
    """Tell what a viewer has written with a notice, or that it is a watch streak; None: neither."""
    streak = tags.get("msg-param-value", "")
    if tags.get("msg-param-category") == "watch-streak" and _COUNT.fullmatch(streak):
        return events.WatchStreak(**asdict(written, recurse=False), streak=int(streak))
    return written if written.text else None


def sent_at(line: IrcLine) -> datetime | None:
    """Tell when Twitch sent a line, as far as it says so."""
    stamp = line.tags.get("tmi-sent-ts", "")
    return datetime.fromtimestamp(int(stamp) / 1000, UTC) if _MILLISECONDS.fullmatch(stamp) else None


def _places(text: str) -> Iterator[events.EmotePosition]:
    """Read `<id>:<first>-<last>,…/…`; what does not read so is passed over."""
    for emote in text.split("/"):
        emote_id, _, places = emote.rpartition(":")  # an id may have colons, places have none
        for place in places.split(","):
            if emote_id and (found := _PLACE.fullmatch(place)):
                yield events.EmotePosition(emote_id, int(found[1]), int(found[2]))


def write(words: str, last: str | None = None) -> bytes:
    """Write a line of words; the last of them may have spaces or be empty."""
    return (words if last is None else f"{words} :{last}").encode() + b"\r\n"


def channel_of(param: str) -> str:
    """Tell the login that a parameter names, if it names a channel."""
    return param[1:].lower() if param.startswith("#") else ""
