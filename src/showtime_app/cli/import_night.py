"""`showtime import`: a night from its file, in an empty channel."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from showtime_app.cli.common import database_option, errors_told, ready_database, run


@click.command("import")
@click.argument("file", type=click.File("rb"))
@database_option
@errors_told()
def import_night(file: IO[bytes], data_dir: Path | None) -> None:
    """Record the night that `showtime export` has written to FILE, where nothing has happened yet.

    All of the file is read first, and nothing is recorded if a line is wrong. What follows from the entries
    is recorded with them, at the times of that night, but is never done: nobody is paid, nothing is posted.
    Stop the servers before. If it is cut off, the same command goes on; a night that is there already is left
    as it is.
    """
    from showtime_app import composition
    from showtime_core.domain.nights.file import read_night

    night = read_night(file)
    with ready_database(data_dir) as conninfo:
        summary = run(composition.import_night(conninfo, night))
    said = f"night {night.header.number}: {summary.recorded} entries recorded"
    if summary.known and not summary.recorded:
        said = f"night {night.header.number} is there already: {summary.known} entries"
    elif summary.known:
        said += f", {summary.known} were there already"
    click.echo(said)
