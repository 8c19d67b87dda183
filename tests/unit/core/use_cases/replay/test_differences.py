"""Where two accounts of one thing differ."""

from showtime_core.domain.alerts import CheerAlert
from showtime_core.testing.entries import at
from showtime_core.use_cases.replay.differences import Difference, compare


def told(recorded: object, replayed: object) -> list[Difference]:
    found: list[Difference] = []
    compare(found.append, "alert", "a", recorded, replayed)
    return found


def test_what_is_equal_is_no_difference():
    """Of two equal values nothing is told."""
    assert told(CheerAlert("Marge", 5, ""), CheerAlert("Marge", 5, "")) == []


def test_fields_that_differ_are_told_and_no_others():
    """A value is told by the fields in which it differs, and an empty text as such."""
    found = told(CheerAlert("Marge", 5, ""), CheerAlert("Marge", 6, "hi"))
    assert found == [Difference("alert", "a", "num_bits 5, message (empty)", "num_bits 6, message hi")]


def test_parts_of_parts_are_named_by_their_path():
    """Of an object of JSON the field within it is told that differs."""
    found = told({"data": {"at": at(0), "n": 1}}, {"data": {"at": at(0), "n": 2}})
    assert found == [Difference("alert", "a", "data.n 1", "data.n 2")]


def test_what_is_missing_is_a_dash():
    """Where one of the two has none at all, the other is told whole."""
    assert told(None, {"n": 1}) == [Difference("alert", "a", "-", "n 1")]
    assert told({"n": 1}, None) == [Difference("alert", "a", "n 1", "-")]
