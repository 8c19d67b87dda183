"""Texts of others are kept as they are, but for what cannot be kept, seen or must not be obeyed."""

import sys
import unicodedata
from datetime import datetime

import pytest
from hypothesis import given

from showtime_core.testing import strategies as some
from showtime_core.texts import MAX_QUOTED_CHARACTERS, clean, format_time, name_error, printable, quote, trim


@pytest.mark.parametrize(
    ("text", "kept"), [("be kind", "be kind"), ("a\0b", "ab"), ("a\ud83db", "ab"), ("👻\r\n", "👻\r\n")]
)
def test_what_a_database_cannot_hold_is_dropped_and_nothing_else(text, kept):
    """NUL, and halves of surrogate pairs."""
    assert clean(text) == kept


ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
SEEN = ["a fox", "a\u200bb", "❤\ufe0f", "\u2139\ufe0f", "👩\u200d🎤", ENGLAND, "7\ufe0f\u20e3", "\u0416", "!"]
UNSEEN = [
    *("\u200b", "\U000e0000", "\u2060\ufeff", "\u202e", "\u034f", "\u3164", "\u2800", "\ufe0f", "\u200d"),
    *("\xad", " ", "\t\r\n", "\u3000", " \u200b \u2060", "\U000e0067\U000e007f"),
]
UNSEEN_CATEGORIES = {"Cc", "Cf", "Zs", "Zl", "Zp"}


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
@pytest.mark.parametrize("seen", SEEN, ids=ascii)
def test_what_nobody_sees_is_taken_off_the_edges_and_nothing_of_an_emoji(seen, unseen):
    """White space and invisible letters go from either edge and from both; those within stay."""
    assert trim(seen) == seen
    assert trim(f"{unseen}{seen} {unseen}") == seen
    assert trim(f"{unseen}{seen}") == trim(f"{seen} {unseen}") == seen
    assert trim(unseen) == ""


def test_no_other_space_control_or_format_of_unicode_is_seen():
    """All spaces, controls and formats of Unicode are invisible, but for some signs that show."""
    letters = (chr(code) for code in range(sys.maxunicode + 1))
    left = [each for each in letters if unicodedata.category(each) in UNSEEN_CATEGORIES and trim(each)]
    scripts = {unicodedata.name(letter).partition(" ")[0] for letter in left}
    assert scripts == {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}


@given(some.texts())
def test_a_text_is_trimmed_once(text):
    """Trimming again changes nothing, and what is left is a part of the text."""
    assert trim(trim(text)) == trim(text)
    assert trim(text) in text


@given(some.texts())
def test_what_is_quoted_is_one_line_without_orders_to_a_terminal(text):
    """Whatever it is, it can be printed; what could be printed before is unchanged."""
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-21T01:59:50+00:00", "2026-11-21T01:59:50Z"),
        ("2026-11-20T17:59:58-08:00", "2026-11-21T01:59:58Z"),
        ("2026-11-21T02:00:00.250000+00:00", "2026-11-21T02:00:00.25Z"),
        ("2026-11-21T02:00:00.000010+00:00", "2026-11-21T02:00:00.00001Z"),
        ("2026-11-21T02:00:00.123456+00:00", "2026-11-21T02:00:00.123456Z"),
    ],
)
def test_times_are_written_in_utc_with_a_z(text, written):
    """A time is RFC 3339 in UTC with Z, loses no microsecond, and has no zeros at the end of a fraction."""
    moment = datetime.fromisoformat(text)
    assert format_time(moment) == written
    assert datetime.fromisoformat(written) == moment


@given(some.texts())
def test_a_quotation_is_one_short_line(text):
    """What a neighbour says is quoted on one printable line of bounded length, however long it is."""
    for said in (text, text * 300):
        quoted = quote(said)
        assert quoted.isprintable()
        assert len(quoted) <= MAX_QUOTED_CHARACTERS
        assert quoted.isascii() or clean(quoted) == quoted
    assert quote("no\n  such\tthing\x1b[2J") == r"no such thing\x1b[2J"


class PoolTimeout(Exception):  # noqa: N818 - named as a library names it
    """An error of a library, by one of its names."""


class HTTPVersionMismatch(Exception):  # noqa: N818 - named as a library names it
    """An error that nobody thought of."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("10.0.0.7 did not answer"), "it took too long"),
        (PoolTimeout("host=db user=showtime"), "no connection in time"),
        (HTTPVersionMismatch("a secret"), "http version mismatch"),
    ],
)
def test_an_error_is_named_in_words_and_not_quoted(error, words):
    """What is told of an error of a library are words for its kind: what it says itself may be a secret."""
    assert name_error(error) == words
