"""Texts of others are kept as they are, but for what cannot be kept or must not be obeyed."""

import pytest
from hypothesis import given

from showtime_core.testing import strategies as some
from showtime_core.texts import clean, printable


@pytest.mark.parametrize(
    ("text", "kept"), [("be kind", "be kind"), ("a\0b", "ab"), ("a\ud83db", "ab"), ("👻\r\n", "👻\r\n")]
)
def test_what_a_database_cannot_hold_is_dropped_and_nothing_else(text, kept):
    """NUL, and halves of surrogate pairs."""
    assert clean(text) == kept


@given(some.texts())
def test_what_is_quoted_is_one_line_without_orders_to_a_terminal(text):
    """Whatever it is, it can be printed; what could be printed before is unchanged."""
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()
