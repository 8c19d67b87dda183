"""Marks for the recording: what a player, an editor or a list of chapters is told of a night.

They come in parts: one for each recording, whose times count from the start of its stream; or, by the tape's
own clock, one for each screening, whose times count from when the tape was put on.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import Screening
from showtime_core.domain.nights.recordings import DropOut, Recording
from showtime_core.domain.nights.timeline import Moment, MomentKind, NightTimeline
from showtime_core.texts import format_time, printable

MAX_OFFSET = 86_400.0
"""Seconds that marks can be moved by, either way: a day."""
_LINE = 200
"""Characters of a mark's words."""
_ONE = timedelta(milliseconds=1)
_JOINER = "\u200d"
"""Makes one emoji of several."""


class Clock(StrEnum):
    """Whose time the marks are in."""

    STREAM = "stream"
    TAPE = "tape"


class MarkKind(StrEnum):
    """What is marked. What happens too often for marks to help, such as follows, is on the timeline."""

    START = "start"
    """The recording begins."""
    TAPE = "tape"
    GHOST = "ghost"
    RAID = "raid"
    GIFT = "gift"
    HYPE_TRAIN = "hype-train"
    AD_BREAK = "ad-break"
    DROP_OUT = "drop-out"


ALL_KINDS = tuple(MarkKind)
"""What is marked where no kind is chosen."""
_OF_MOMENTS = {kind: MarkKind(kind.value) for kind in MomentKind if kind.value in list(MarkKind)}


@frozen
class Mark:
    """A moment of a part, in words."""

    at: timedelta
    """Since the part began."""
    kind: MarkKind
    words: str


@frozen
class Part:
    """What is recorded in one piece, with its marks."""

    title: str
    """Which it is, in words of our own."""
    length: timedelta
    marks: tuple[Mark, ...]
    """By their time, each within the length."""


@frozen
class Cue:
    """A mark with its end, in whole milliseconds: until the next one, or the end of the part."""

    start: int
    end: int
    words: str


def parts_of(night: NightTimeline, clock: Clock) -> tuple[Part, ...]:
    """Make the parts of a night, one at least by the clock of its streams."""
    if clock is Clock.TAPE:
        return tuple(_tape_part(night, number, on) for number, on in enumerate(night.screenings, 1))
    return tuple(_stream_part(night, number) for number in range(len(night.recordings)))


def cues_of(part: Part, offset: float, kinds: Collection[MarkKind] = ALL_KINDS) -> tuple[Cue, ...]:
    """Give the marks of these kinds a start and an end, each moved by `offset` seconds, in order.

    What would begin before 0 begins at 0, if it ends later; else it is left out.
    """
    shift = round(offset * 1000)
    starts = [mark.at // _ONE + shift for mark in part.marks if mark.kind in kinds]
    last = part.length // _ONE + shift
    words = [mark.words for mark in part.marks if mark.kind in kinds]
    cues = []
    for start, said in zip(starts, words, strict=True):
        end = next((later for later in starts if later > start), last)
        if end > 0:
            cues.append(Cue(max(start, 0), end, said))
    return tuple(cues)


def as_web_vtt(title: str, note: str, cues: Sequence[Cue]) -> str:
    """Write cues as WebVTT (W3C, 2019): in order, numbered, with what they are about in a comment."""
    blocks = ["WEBVTT", f"NOTE\n{_in_comment(title)}\n{_in_comment(note)}"]
    blocks += [
        f"{number}\n{_vtt_time(cue.start)} --> {_vtt_time(cue.end)}\n{_in_cue(cue.words)}"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n\n".join(blocks) + "\n"


def as_text(cues: Sequence[Cue]) -> str:
    """Write cues as lines of `H:MM:SS words`, as descriptions of videos have them for chapters."""
    return "".join(f"{_short_time(cue.start)} {cue.words}\n" for cue in cues)


def _stream_part(night: NightTimeline, index: int) -> Part:
    recording = night.recordings[index]
    end = recording.ended_at or night.until
    before = next((out for out in night.drop_outs if index and out.ended_at == recording.started_at), None)
    first = f"Back after a drop-out of {spoken(before.length)}" if before else "The shop opens"
    marks = [Mark(timedelta(0), MarkKind.START, first)]
    marks += _of_tapes(night, index, end)
    marks += _of_moments(night.moments, recording.started_at, end, recording)
    marks += _of_drop_outs(night.drop_outs, recording.started_at, end)
    stream = f"stream {recording.stream_id} of Twitch" if recording.stream_id else "a stream of Twitch"
    title = f"Night {night.id}, recording {index + 1} of {len(night.recordings)}: {printable(stream)}"
    return _part(f"{title}, from {_second(recording.started_at)}", end - recording.started_at, marks)


def _tape_part(night: NightTimeline, number: int, on: Screening) -> Part:
    end = on.ended_at or night.until
    marks = [Mark(timedelta(0), MarkKind.TAPE, f"Tape {on.tape_id}")]
    marks += _of_moments(night.moments, on.started_at, end)
    marks += _of_drop_outs(night.drop_outs, on.started_at, end)
    title = f"Night {night.id}, screening {number} of {len(night.screenings)}: tape {on.tape_id}"
    return _part(f"{title}, from {_second(on.started_at)}", end - on.started_at, marks)


def _second(moment: datetime) -> str:
    return format_time(moment.replace(microsecond=0))


def _part(title: str, length: timedelta, marks: Sequence[Mark]) -> Part:
    """Sort the marks; one in the last second is moved to its beginning, where it can be seen."""
    length = max(length, _ONE)
    last = max(length - timedelta(seconds=1), timedelta(0))
    within = [evolve(mark, at=min(mark.at, last)) for mark in marks]
    return Part(title, length, tuple(sorted(within, key=lambda mark: mark.at)))


def _of_tapes(night: NightTimeline, index: int, end: datetime) -> Iterator[Mark]:
    """Mark each tape where it begins, or the recording while it is on.

    One that was put on while no stream was on the air is marked where the next begins, or the last ends.
    """
    recording, is_last = night.recordings[index], index + 1 == len(night.recordings)
    begin = recording.started_at
    before = night.recordings[index - 1].ended_at if index else None
    for on in night.screenings:
        since, over = on.started_at, on.ended_at or night.until
        at, words = _on_air(recording, since), f"Tape {on.tape_id}"
        if begin <= since <= end:
            yield Mark(at - begin, MarkKind.TAPE, words if over >= at else f"{words}, on during the drop-out")
        elif since < begin < over:
            yield Mark(timedelta(0), MarkKind.TAPE, f"{words} goes on")
        elif before and before < since < begin:
            yield Mark(timedelta(0), MarkKind.TAPE, f"{words}, on during the drop-out")
        elif is_last and since > end:
            yield Mark(end - begin, MarkKind.TAPE, f"{words}, on after the end")


def _on_air(recording: Recording, moment: datetime) -> datetime:
    """Give the moment, or the end of the drop-out that it is in."""
    outs = recording.drop_outs
    return next((out.ended_at for out in outs if out.started_at < moment < out.ended_at), moment)


def _of_moments(
    moments: Sequence[Moment], begin: datetime, end: datetime, recording: Recording | None = None
) -> Iterator[Mark]:
    for moment in moments:
        kind = _OF_MOMENTS.get(moment.kind)
        if kind and begin <= moment.at <= end and (recording is None or recording.holds(moment.at)):
            yield Mark(moment.at - begin, kind, _words(moment))


def _of_drop_outs(drop_outs: Sequence[DropOut], begin: datetime, end: datetime) -> Iterator[Mark]:
    for out in drop_outs:
        if begin < out.started_at <= end:
            yield Mark(out.started_at - begin, MarkKind.DROP_OUT, f"Drop-out, {spoken(out.length)}")


def _words(moment: Moment) -> str:
    match moment.kind:
        case MomentKind.GHOST:
            said = f"A ghost of {moment.words} for {moment.username}"
        case MomentKind.RAID:
            said = f"{moment.username} raids with {moment.number}"
        case MomentKind.GIFT:
            said = f"{moment.username} gives {moment.number} {'sub' if moment.number == 1 else 'subs'}"
        case MomentKind.HYPE_TRAIN:
            said = f"Hype train, up to level {moment.number}"
        case _:
            length = moment.until - moment.at if moment.until else timedelta(0)
            said = f"Ad break, {spoken(length)}"
    return in_one_line(said, _LINE)


def in_one_line(text: str, most: int) -> str:
    """Put words on one line, at most so many letters: without controls, and what would turn the direction."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable() or letter == _JOINER)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def spoken(length: timedelta) -> str:
    """Say how long something lasted, in the two largest units: `41 s`, `4 min 20 s`, `3 h 2 min`."""
    seconds = max(int(length.total_seconds()), 0)
    units = [(seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (number, _) in enumerate(units) if number), len(units) - 1)
    said = [f"{number} {unit}" for number, unit in units[first : first + 2] if number]
    return " ".join(said) or "0 s"


def _vtt_time(milliseconds: int) -> str:
    hours, rest = divmod(milliseconds, 3_600_000)
    return f"{hours:02}:{rest // 60_000:02}:{rest // 1000 % 60:02}.{rest % 1000:03}"


def _short_time(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _in_cue(words: str) -> str:
    """Escape what would be markup in a cue."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _in_comment(words: str) -> str:
    """Keep a comment from looking like a cue."""
    return words.replace("-->", "→")
