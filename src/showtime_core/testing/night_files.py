"""Nights from files, as `showtime export` writes them: for the harness, and whoever tests with it."""

from collections.abc import Callable, Iterable

from attrs import evolve

from showtime_core.domain.journal import Entry
from showtime_core.domain.nights.file import NightFile, read_night
from showtime_core.use_cases.read_content import read_content


def night_of(lines: Iterable[str | bytes], parse: Callable[[Entry], Entry]) -> NightFile:
    """Read a night with the contents of its entries: what came, in order, each at its time.

    `parse` reads what a message of Twitch says: `showtime_adapters.twitch.messages.read_again`. Raises
    NightFileError with the number of the first line that is wrong.
    """
    night = read_night(lines)
    records = (evolve(record, entry=read_content(record.entry, parse)) for record in night.records)
    return evolve(night, records=tuple(records))
