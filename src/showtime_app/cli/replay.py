"""`showtime replay`: whether what is recorded follows from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import astuple, field, mutable

from showtime_app.cli.common import database_option, errors_told, ready_database, run
from showtime_core.texts import printable

if TYPE_CHECKING:
    from showtime_core.use_cases.replay.differences import Difference
    from showtime_core.use_cases.replay.replay import ReplaySummary

_MOST = 100
_WIDEST = 60
_HEAD = ("what", "which", "recorded", "replayed")


@click.command()
@database_option
@errors_told()
def replay(data_dir: Path | None) -> None:
    """Work out everything again from the journal, and compare it with what was recorded.

    Nights with their tapes, the state of the channel, what became of each message, alerts, and what was
    planned to be done outside. Changes nothing, and may run beside the servers. What follows is worked out by
    the rules of this version: a difference may be a rule that has changed since, or a row that was changed by
    hand. Ends with 1 where there is any.
    """
    from showtime_app import composition

    found = _Found()
    with ready_database(data_dir) as conninfo:
        summary = run(composition.replay(conninfo, found.add))
    if found.first:
        click.echo(_table([_HEAD, *(astuple(each) for each in found.first)]))
    if found.count > len(found.first):
        click.echo(f"... and {found.count - len(found.first)} more")
    for line in _told(summary):
        click.echo(line)
    click.echo(f"{found.count} differences" if found.count else "no differences")
    if found.count:
        raise SystemExit(1)


@mutable
class _Found:
    """The first differences, and how many there are."""

    first: list[Difference] = field(factory=list)
    count: int = 0

    def add(self, difference: Difference) -> None:
        self.count += 1
        if len(self.first) < _MOST:
            self.first.append(difference)


def _told(summary: ReplaySummary) -> list[str]:
    """Say how much was compared, and what could not be."""
    told = [f"{summary.replayed} entries replayed, {summary.broadcasts} broadcasts compared"]
    if summary.pruned_until:
        until = f"{summary.pruned_until:%Y-%m-%dT%H:%M:%SZ}"
        told.append(
            f"{summary.pruned} entries up to {until} cannot be replayed: what they said was pruned "
            "(RETENTION_DAYS). Neither they nor nights that had begun by then are compared"
        )
    if not summary.is_state_known:
        told.append("no night has begun since, so it is not known what was on the air: that is not compared")
    return told


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Set texts in columns; what is long goes on in the next line."""
    cells = [[_wrapped(text) for text in row] for row in rows]
    widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(_HEAD))]
    lines = []
    for row in cells:
        for number in range(max(map(len, row))):
            parts = [cell[number] if number < len(cell) else "" for cell in row]
            line = "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
            lines.append(line.rstrip())
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(printable(text), _WIDEST) or [""]
