"""What a recorded entry says is read from its body, by whoever wrote it."""

import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import PRUNED, Entry, EntrySource, Malformed, Unknown
from showtime_core.domain.own_entries import start_tape_entry
from showtime_core.testing.contracts.empty_channel import TAPE
from showtime_core.testing.entries import follows
from showtime_core.use_cases.read_content import read_content


def never(told: Entry) -> Entry:
    raise AssertionError(told.id)


def test_an_entry_of_our_own_is_read_here():
    """What showtime wrote is read by the core, without any parser of Twitch's messages."""
    tape = start_tape_entry(TAPE, 31)
    assert read_content(evolve(tape, content=Unknown()), never).content == ev.TapeStarted(TAPE, 31)


@pytest.mark.parametrize("source", ["notification", "revocation", "other"])
def test_a_message_of_twitch_is_read_by_its_parser(source):
    """What Twitch sent is read by whoever knows its fields."""
    told = evolve(follows("f"), source=EntrySource(source))
    assert read_content(told, lambda each: evolve(each, content=Unknown())).content == Unknown()


def test_what_was_pruned_stays_pruned():
    """Nobody reads a body that is gone."""
    assert read_content(evolve(follows("f"), content=PRUNED), never).content is PRUNED


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b"\xff"])
def test_a_body_that_cannot_be_read_is_malformed(body):
    """A body that was changed by hand is malformed, with the reason, whatever is wrong with it."""
    content = read_content(evolve(start_tape_entry(TAPE, 31), body=body), never).content
    assert isinstance(content, Malformed)
    assert content.reason.startswith("its body cannot be read: ")
