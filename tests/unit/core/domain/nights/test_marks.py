"""Marks for the recording: each at its time, in each part, as WebVTT and as text."""

import re
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.nights.marks import (
    Clock,
    Cue,
    Mark,
    MarkKind,
    Part,
    as_text,
    as_web_vtt,
    cues_of,
    in_one_line,
    parts_of,
    spoken,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import BOB, MARGE, at, offline, online
from showtime_core.testing.strategies import entry, texts
from support.looked_back import EVENINGS, one_played, played

CROWD = [
    entry("r", ev.Raid(BOB, 80), at(30)),
    entry("f", ev.Follow(MARGE, at(31)), at(31)),
    entry("g", ev.GiftedSubscriptions(MARGE, "1000", 1), at(32)),
]
GHOST = entry("ghost:1", ev.GhostPaid(MARGE, "a walrus", "https://g.example.com/1.jpg"), at(52))
RESUMED = [online("41", 0), *CROWD, offline(40, "41"), online("42", 45), GHOST, offline(60, "42")]


def lines(part: Part) -> list[tuple[float, str]]:
    return [(mark.at / timedelta(minutes=1), mark.words) for mark in part.marks]


async def test_each_stream_has_its_own_marks():
    """A resumed night has two recordings, and the times of each count from its own stream's start."""
    first, second = parts_of(await one_played(RESUMED, [(5, 31)]), Clock.STREAM)
    assert lines(first) == [
        (0, "The shop opens"),
        (5, "Tape 31"),
        (30, "BetamaxBob raids with 80"),
        (32, "Marge_on_Mute gives 1 sub"),
        (40 - 1 / 60, "Drop-out, 5 min"),
    ]
    assert lines(second) == [
        (0, "Back after a drop-out of 5 min"),
        (0, "Tape 31 goes on"),
        (7, "A ghost of a walrus for Marge_on_Mute"),
    ]
    assert first.title == "Night 1, recording 1 of 2: stream 41 of Twitch, from 2026-10-30T20:00:00Z"
    assert (first.length, second.length) == (timedelta(minutes=40), timedelta(minutes=15))


async def test_each_tape_has_its_own_clock():
    """By the tape's clock times count from when it was put on, through a drop-out, and each is a part."""
    first, second = parts_of(await one_played(RESUMED, [(25, 31), (50, 80), (58, 0)]), Clock.TAPE)
    assert lines(first) == [
        (0, "Tape 31"),
        (5, "BetamaxBob raids with 80"),
        (7, "Marge_on_Mute gives 1 sub"),
        (15, "Drop-out, 5 min"),
    ]
    assert lines(second) == [(0, "Tape 80"), (2, "A ghost of a walrus for Marge_on_Mute")]
    assert second.length == timedelta(minutes=8)


async def test_nothing_is_marked_while_the_stream_was_away():
    """What happened during a drop-out is in no recording; a tape put on then is marked afterwards."""
    raid = entry("r2", ev.Raid(BOB, 3), at(42))
    resumed = [online("41", 0), offline(40, "41"), raid, online("42", 45), offline(60, "42")]
    night = await one_played(resumed, [(5, 31)])
    on = night.screenings[0]
    in_gap = evolve(on, tape_id=80, started_at=at(41), ended_at=at(43))
    until_later = evolve(on, tape_id=81, started_at=at(43), ended_at=at(60))
    night = evolve(night, screenings=(in_gap, until_later))
    first, second = parts_of(night, Clock.STREAM)
    assert [words for _, words in lines(first)] == ["The shop opens", "Drop-out, 5 min"]
    assert lines(second) == [
        (0, "Back after a drop-out of 5 min"),
        (0, "Tape 80, on during the drop-out"),
        (0, "Tape 81 goes on"),
    ]


async def test_the_same_stream_back_is_one_recording():
    """A stream that came back under its id has one recording; what was put on meanwhile is marked after."""
    raid = entry("r2", ev.Raid(BOB, 3), at(42))
    back = [online("41", 0), offline(40, "41"), raid, online("41", 45, started=0), offline(60, "41")]
    night = await one_played(back, [(5, 31)])
    in_gap = evolve(night.screenings[0], tape_id=80, started_at=at(41), ended_at=at(43))
    [part] = parts_of(evolve(night, screenings=(in_gap,)), Clock.STREAM)
    assert lines(part) == [
        (0, "The shop opens"),
        (40, "Drop-out, 5 min"),
        (45, "Tape 80, on during the drop-out"),
    ]


PART = Part(
    "Night 7",
    timedelta(seconds=100),
    (
        Mark(timedelta(0), MarkKind.START, "The shop opens"),
        Mark(timedelta(seconds=10), MarkKind.TAPE, "Tape 31"),
        Mark(timedelta(seconds=10), MarkKind.RAID, "Bob raids with 3"),
        Mark(timedelta(seconds=60.5), MarkKind.GHOST, "A ghost"),
    ),
)


@pytest.mark.parametrize(
    ("offset", "times"),
    [
        (0, [(0, 10_000), (10_000, 60_500), (10_000, 60_500), (60_500, 100_000)]),
        (2.25, [(2250, 12_250), (12_250, 62_750), (12_250, 62_750), (62_750, 102_250)]),
        (-10, [(0, 50_500), (0, 50_500), (50_500, 90_000)]),
        (-10.001, [(0, 50_499), (0, 50_499), (50_499, 89_999)]),
        (-99.9, [(0, 100)]),
        (-100, []),
    ],
)
def test_marks_are_moved_by_the_offset(offset, times):
    """Each cue lasts until the next later one; what lies before the recording is cut or left out."""
    assert [(cue.start, cue.end) for cue in cues_of(PART, offset)] == times


def test_kinds_are_chosen():
    """Only marks of the kinds that are asked for are given, and each lasts until the next of them."""
    assert cues_of(PART, 0, [MarkKind.TAPE, MarkKind.GHOST]) == (
        Cue(10_000, 60_500, "Tape 31"),
        Cue(60_500, 100_000, "A ghost"),
    )


def test_web_vtt_is_written_to_the_letter():
    """A file begins with its signature and a comment; what would be markup in either is escaped."""
    cues = [Cue(0, 372_500, "A ghost of <b>Tom & Jerry</b> --> for Bob"), Cue(372_500, 36_000_000, "Tape 31")]
    assert as_web_vtt("Night 7 --> all", "2 marks", cues) == (
        "WEBVTT\n"
        "\n"
        "NOTE\n"
        "Night 7 → all\n"
        "2 marks\n"
        "\n"
        "1\n"
        "00:00:00.000 --> 00:06:12.500\n"
        "A ghost of &lt;b&gt;Tom &amp; Jerry&lt;/b&gt; --&gt; for Bob\n"
        "\n"
        "2\n"
        "00:06:12.500 --> 10:00:00.000\n"
        "Tape 31\n"
    )


def test_text_is_written_as_chapters_are():
    """Each line has a time to the second, rounded down, and words."""
    cues = [Cue(0, 1, "The shop opens"), Cue(372_999, 1, "Tape 31"), Cue(36_061_000, 1, "The end")]
    assert as_text(cues) == "0:00:00 The shop opens\n0:06:12 Tape 31\n10:01:01 The end\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (41.9, "41 s"), (60, "1 min"), (260, "4 min 20 s"), (10_935, "3 h 2 min"), (3605, "1 h")],
)
def test_lengths_are_said_in_two_units(seconds, words):
    """A length is said in the two largest units that it has."""
    assert spoken(timedelta(seconds=seconds)) == words


@given(text=texts(), most=st.integers(1, 50))
def test_a_line_is_one_line(text, most):
    """Whatever a viewer typed becomes one line that turns nothing and is no longer than it may be."""
    line = in_one_line(f"a{text}\u202e\r\n\x85{text}", most)
    assert len(line) <= most
    assert len(line.splitlines()) == 1
    assert not set(line) & set("\u202e\u202d\u2066\u0000\u001b\n\r")


CUE = re.compile(
    r"(\d+)\n(\d\d+):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d\d+):([0-5]\d):([0-5]\d)\.(\d{3})\n(.+)"
)


def read_web_vtt(text: str) -> list[tuple[int, int, str]]:
    """Read a file as strictly as W3C's grammar says: raises for what is not in it."""
    head, note, *blocks = text.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    assert note.startswith("NOTE\n")
    assert "-->" not in note
    cues = []
    for number, block in enumerate(blocks, 1):
        found = CUE.fullmatch(block)
        assert found, block
        assert int(found[1]) == number
        times = [int(found[at]) for at in range(2, 10)]
        start, end = (
            ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
            for hours, minutes, seconds, rest in (times[:4], times[4:])
        )
        assert not re.search(r"<|>|&(?!amp;|lt;|gt;)", found[10])
        cues.append((start, end, found[10]))
    return cues


TAPES = st.lists(st.tuples(st.floats(0, 400), st.integers(0, 99)), max_size=6)


@given(evening=EVENINGS, tapes=TAPES, offset=st.floats(-90_000, 90_000), name=texts())
async def test_marks_of_any_night_are_valid(evening, tapes, offset, name):
    """Whatever happened, in each part cues are in order, have a length, and lie within what was recorded."""
    raid = entry("r", ev.Raid(Viewer("1", "a", name), 3), evening[-1].sent_at if evening else at(1))
    for night in await played([*evening, raid], tapes):
        assert len(parts_of(night, Clock.STREAM)) == len(night.recordings)
        assert len(parts_of(night, Clock.TAPE)) == len(night.screenings)
        for part in (*parts_of(night, Clock.STREAM), *parts_of(night, Clock.TAPE)):
            cues = read_web_vtt(as_web_vtt(part.title, "all", cues_of(part, offset)))
            end = part.length // timedelta(milliseconds=1) + round(offset * 1000)
            assert [start for start, _, _ in cues] == sorted(start for start, _, _ in cues)
            assert all(0 <= start < until <= end for start, until, _ in cues)


@given(evening=EVENINGS, tapes=TAPES)
async def test_every_screening_has_a_mark_and_no_mark_is_in_a_gap(evening, tapes):
    """Each tape is marked in a recording at least, and nothing while no stream was on the air."""
    for night in await played(evening, tapes):
        parts = parts_of(night, Clock.STREAM)
        words = [mark.words for part in parts for mark in part.marks if mark.kind is MarkKind.TAPE]
        assert {f"{on.tape_id}" for on in night.screenings} == {re.findall(r"\d+", said)[0] for said in words}
        assert len(words) >= len(night.screenings)
        for recording, part in zip(night.recordings, parts, strict=True):
            assert all(recording.holds(recording.started_at + mark.at) for mark in part.marks)
