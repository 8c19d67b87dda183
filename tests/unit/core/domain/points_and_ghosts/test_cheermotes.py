"""Cheermotes are known by their prefix and their bits."""

import pytest

from showtime_core.domain.points_and_ghosts.cheermotes import PREFIXES, without_cheermotes


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_with_bits_is_a_cheermote_in_any_case(prefix):
    """A known prefix with a number is a cheermote, in any case, and goes with the space behind it."""
    for word in (f"{prefix}1", f"{prefix.lower()}100", f"{prefix.upper()}10000"):
        assert without_cheermotes(f"a {word} seal {word}") == "a seal "


@pytest.mark.parametrize(
    "text",
    [
        *("agent007", "room 101", "R2D2", "Cheer", "Cheer 200", "Cheer0", "Cheer007", "Cheer200x"),
        *("xCheer200", "(Cheer200)", "Cheer200!", "Cheer-200", "Cheer\u0661", "\u212aappa1", "a  b"),
    ],
)
def test_any_other_word_stays(text):
    """A word of another prefix, without bits, or with something around it, is no cheermote."""
    assert without_cheermotes(text) == text
