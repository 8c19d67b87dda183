"""Reads what a recorded entry says from its body: a message of Twitch, or an entry of our own."""

from collections.abc import Callable

from attrs import evolve

from showtime_core.domain.journal import PRUNED, Entry, EntrySource, Malformed
from showtime_core.domain.own_entries import read_own_entry

Parse = Callable[[Entry], Entry]
"""Reads what a message of Twitch says from its body."""

_OF_TWITCH = {EntrySource.NOTIFICATION, EntrySource.REVOCATION, EntrySource.OTHER}


def read_content(entry: Entry, parse: Parse) -> Entry:
    """Give the entry with its content; Malformed if nobody can read its body, PRUNED if that is gone.

    Not for `entry.retry`, whose content is that of another entry.
    """
    if entry.content is PRUNED:
        return entry
    try:
        return parse(entry) if entry.source in _OF_TWITCH else read_own_entry(entry)
    except Exception as reason:  # whatever a body may be that was changed by hand
        return evolve(entry, content=unreadable(reason))


def unreadable(reason: Exception) -> Malformed:
    """Say of a body that it cannot be read."""
    return Malformed(f"its body cannot be read: {type(reason).__name__}")
