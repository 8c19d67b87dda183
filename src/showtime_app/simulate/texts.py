"""Chat text as Twitch takes it apart: emotes, cheermotes and mentions are whole words."""

import re
from itertools import groupby

from showtime_app.simulate.cast import MATERIAL, viewer
from showtime_app.simulate.event_options import Json

_EMOTES: dict[str, str] = MATERIAL["emotes"]
_GIFS: dict[str, str] = MATERIAL["gifs"]
_CHEERMOTE = re.compile(r"(?i)(cheer)([1-9]\d{0,5})")
_MENTION = re.compile(r"@(\w{1,25})", re.ASCII)
_CHEERMOTE_TIERS = (10_000, 5_000, 1_000, 100, 1)


def emote_places(text: str) -> list[Json] | None:
    """Find the emotes of a resub message: positions in code points, the end included; None without any."""
    places: list[Json] = [
        {"begin": word.start(), "end": word.end() - 1, "id": _EMOTES[word.group()]}
        for word in re.finditer(r"\S+", text)
        if word.group() in _EMOTES
    ]
    return places or None


def written(text: str) -> Json:
    """Give a message as chat has it: the text, and the same taken apart."""
    return {"text": text, "fragments": fragments(text)}


def fragments(text: str) -> list[Json]:
    """Take a chat message apart; the texts of the fragments together are the message."""
    parts: list[Json] = []
    for special, words in groupby(re.findall(r"\s+|\S+", text), _special):
        alike = [*words]
        parts += [special] * len(alike) if special else [_fragment("text", "".join(alike))]
    return parts or [_fragment("text", "")]


def _special(word: str) -> Json | None:
    if word in _EMOTES:
        emote: Json = {"id": _EMOTES[word], "emote_set_id": "0", "owner_id": "0", "format": ["static"]}
        return _fragment("emote", word, emote=emote)
    if gif_id := _GIFS.get(word):
        return _fragment("gif", word, gif={"gif_id": gif_id, "url": f"https://gifs.example/{gif_id}.gif"})
    if match := _CHEERMOTE.fullmatch(word):
        bits = int(match[2])
        tier = next(tier for tier in _CHEERMOTE_TIERS if bits >= tier)
        return _fragment("cheermote", word, cheermote={"prefix": match[1], "bits": bits, "tier": tier})
    if match := _MENTION.fullmatch(word):
        user = viewer(match[1])
        named: Json = {"user_id": user.id, "user_login": user.login, "user_name": user.display_name}
        return _fragment("mention", word, mention=named)
    return None


def _fragment(kind: str, text: str, **parts: Json) -> Json:
    return {"type": kind, "text": text, "cheermote": None, "emote": None, "mention": None, **parts}
