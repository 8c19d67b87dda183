"""A night in words, to be copied into Discord: nothing that a viewer typed pings, links or formats."""

import re
from collections.abc import Sequence
from datetime import timedelta

from showtime_core.domain.nights.marks import in_one_line, spoken
from showtime_core.domain.nights.recordings import total
from showtime_core.domain.nights.timeline import MomentKind, NightTimeline

MAX_SUMMARY = 2000
"""Letters that a message on Discord may have, by Discord's limit; counted as UTF-16, which is never less."""
_NAME, _SUBJECT, _LISTED = 40, 80, 12
"""Characters of a name and of a subject, and how many ghosts or tapes are listed."""
_MARKUP = re.compile(r"([\\*_~`|#>\[\]()-])")
# An invisible letter after each takes the meaning: of mentions, channels, emoji, times, links, invitations.
_MEANING = re.compile(r"([@<:/.#])")
_NOTHING = "\u200b"


def discord_summary(night: NightTimeline) -> str:
    """Write the summary: at most 2,000 letters; what had to be left out is said."""
    lines = [*_head(night), *_tapes(night), *_crowd(night), *_ghosts(night), *_tail(night)]
    for left_out in range(len(lines)):
        kept = lines[: len(lines) - left_out]
        more = [f"…and {left_out} lines more, for which there was no room."] if left_out else []
        text = "\n".join([*kept, *more])
        if _letters(text) <= MAX_SUMMARY:
            return text
    raise AssertionError("the first line alone has room")


def harmless(text: str, most: int) -> str:
    """Write what a viewer typed so that Discord shows it as it is: no mention, link or format, one line."""
    marked = _MARKUP.sub(r"\\\1", in_one_line(text, most))
    return _MEANING.sub(rf"\1{_NOTHING}", marked)


def _head(night: NightTimeline) -> list[str]:
    length = spoken(timedelta(seconds=night.figures.seconds))
    so_far = "" if night.ended_at else " so far"
    began = int(night.started_at.timestamp())
    return [f"**Night {night.id}**, <t:{began}:D> from <t:{began}:t>: {length}{so_far}"]


def _tapes(night: NightTimeline) -> list[str]:
    if not night.screenings:
        return ["No tape was on."]
    numbers = [str(on.tape_id) for on in night.screenings]
    return [f"Tapes: {_some(numbers)}"]


def _crowd(night: NightTimeline) -> list[str]:
    figures = night.figures
    counted = (
        ("Follows", figures.follows),
        ("Bits", figures.bits),
        ("Subs", figures.subs),
        ("Gift subs", figures.gift_subs),
    )
    lines = [f"{name}: {number:,}" for name, number in counted if number]
    if figures.raids:
        by = [
            f"{harmless(one.username, _NAME)} ({one.number:,})"
            for one in night.moments
            if one.kind is MomentKind.RAID
        ]
        lines.append(f"Raids: {_some(by)}")
    trains = [one.number for one in night.moments if one.kind is MomentKind.HYPE_TRAIN]
    lines += [f"Hype trains: {len(trains)}, up to level {max(trains)}"] if trains else []
    for title, giver, what in (("Loudest", night.loudest, "bits"), ("Kindest", night.kindest, "gift subs")):
        if giver:
            lines.append(f"{title}: {harmless(giver.username, _NAME)} ({giver.number:,} {what})")
    return lines


def _ghosts(night: NightTimeline) -> list[str]:
    ghosts = [one for one in night.moments if one.kind is MomentKind.GHOST]
    if not ghosts:
        return []
    listed = [
        f"- {harmless(one.words, _SUBJECT)}, for {harmless(one.username, _NAME)}" for one in ghosts[:_LISTED]
    ]
    more = [f"- and {len(ghosts) - _LISTED} more"] if len(ghosts) > _LISTED else []
    return [f"Ghosts: {len(ghosts)}", *listed, *more]


def _tail(night: NightTimeline) -> list[str]:
    lines = []
    if night.drop_outs:
        lines.append(f"Drop-outs: {len(night.drop_outs)} ({spoken(total(night.drop_outs))})")
    if night.figures.viewers:
        lines.append(f"{night.figures.viewers:,} viewers took part.")
    lines += [f"Note: {line}" for line in night.unknown]
    url = night.vod_url.replace("@", "%40").replace(">", "%3E")
    lines += [f"Recording: <{url}>"] if url else []
    return [*lines, "Thank you. Please rewind."]


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"{', '.join(words[:_LISTED])}{more}"


def _letters(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
