"""A viewer names something, and its ghost is found in the message."""

from uuid import UUID

import pytest
from hypothesis import given

from showtime_core.domain.points_and_ghosts.ghosts import (
    MAX_SUBJECT_CHARACTERS,
    GhostProgress,
    GhostRefusal,
    GhostStep,
    find_subject,
    parse_subject,
    without_request,
)
from showtime_core.errors import Refused
from showtime_core.testing import strategies as some

NAME = UUID(int=1986)


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("ghost of Vincent Price", "Vincent Price"),
        ("Cheer200 GHOST OF a haunted VCR", "a haunted VCR"),
        ("it's the Ghost Of   the tracking knob  ", "the tracking knob"),
        ("ghost of\ta tab", "a tab"),
        ("ghost of\nVHS\nand Betamax\n", "VHS\nand Betamax"),
        ("ghost of ghost of Elvis", "ghost of Elvis"),
        ("ghostghost of Bob", "Bob"),
    ],
)
def test_a_subject_is_what_follows_anywhere_in_any_case(message, subject):
    """A subject is what follows "ghost of" anywhere in any case, trimmed, up to the end."""
    assert find_subject(message) == subject


@pytest.mark.parametrize(
    "message",
    ["", "boo", "ghost often", "ghost ofBob", "ghost of", "ghost of \n\t ", "ghostof Bob", "ghosts of"],
)
def test_a_message_that_names_nothing_asks_for_nothing(message):
    """Other words that begin alike are none, and blank is no name."""
    assert find_subject(message) is None


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ("a baby seal Cheer200", "a baby seal"),
        ("a Cheer100 baby seal cheer100", "a baby seal"),
        ("Cheer200 a baby seal \U000e0000", "a baby seal"),
        ("a fox Cheer200\u200b", "a fox"),
        ("\u202ea fox\u034f", "a fox"),
        ("agent007", "agent007"),
        ("room 101", "room 101"),
        ("a singer 👩\u200d🎤", "a singer 👩\u200d🎤"),
        ("my ❤\ufe0f", "my ❤\ufe0f"),
    ],
)
def test_neither_cheermotes_nor_what_nobody_sees_is_painted(asked, painted):
    """What is painted has no cheermotes, and no invisible letters at its edges, however it is asked for."""
    assert find_subject(f"ghost of {asked}") == painted
    assert parse_subject(asked) == painted


@pytest.mark.parametrize(
    "nothing", ["", " ", "Cheer200", "\u200b", "\u2060\ufeff", "\u202e Cheer1 \U000e0000"]
)
def test_a_subject_of_which_nothing_is_left_is_none(nothing):
    """Cheermotes and invisible letters alone are no subject: a cheer asks for none, a request is refused."""
    assert find_subject(f"ghost of {nothing}") is None
    with pytest.raises(Refused, match=r"^'subject' is required$"):
        parse_subject(nothing)


def test_a_subject_is_measured_without_its_cheermotes():
    """The 120 characters are counted of what is painted."""
    assert parse_subject("Cheer200 " + "x" * 120 + " Cheer200") == "x" * 120
    assert find_subject("ghost of Cheer200 " + "x" * 121) == "x" * 120
    with pytest.raises(Refused, match=r"^'subject' must be <= 120 characters$"):
        parse_subject("x" * 121)


@pytest.mark.parametrize("letters", ["Ⱥ" * 50, "İ" * 50, "ẞŉǰ", "👻"])
def test_letters_whose_lower_case_is_longer_do_not_shift_the_subject(letters):
    """Letters whose lower case is longer do not shift the subject, before the request as in it."""
    assert find_subject(f"{letters} ghost of {letters}Bela Lugosi") == f"{letters}Bela Lugosi"


def test_a_letter_that_only_looks_like_one_when_lowered_is_another():
    """The Kelvin sign and the long s are no part of a request."""
    assert find_subject("gho\u017ft of Bob") is None


def test_a_long_subject_is_cut_to_120_characters():
    """The viewer has cheered: characters count, not bytes, and no blank is left at the end."""
    assert find_subject("ghost of " + "👻" * 121) == "👻" * 120
    assert find_subject("ghost of " + "x" * 119 + " and more") == "x" * 119
    assert find_subject("ghost of " + "x" * 120) == "x" * 120


def test_a_message_is_shown_without_its_request():
    """What stands before the request is left, and a message without one is left as it is."""
    assert without_request("be kind ghost of Bob") == "be kind"
    assert without_request("be kind ") == "be kind "


@pytest.mark.parametrize("step", [None, *GhostStep])
@pytest.mark.parametrize("refusal", [GhostRefusal.CONTENT, GhostRefusal.FAILURE])
def test_a_failure_is_told_when_the_points_are_back(step, refusal):
    """Everybody may know how far a ghost is; why there is none they learn once nothing is reserved.

    Of the reasons only the painter's words are for the viewer.
    """
    told = GhostProgress.of(NAME, step, refusal, "too spooky")
    words = "too spooky" if refusal is GhostRefusal.CONTENT else None
    is_over = step in {GhostStep.REFUSED, GhostStep.REFUNDED}
    assert told == (GhostProgress(NAME, step, refusal, words) if is_over else GhostProgress(NAME, step))


@given(some.texts())
def test_a_subject_is_never_blank_nor_too_long(message):
    """Whatever viewers write, a subject is neither blank nor longer than 120 characters."""
    subject = find_subject(message)
    assert subject is None or 0 < len(subject) <= MAX_SUBJECT_CHARACTERS
    assert subject is None or (subject == subject.strip() and subject in message)
