"""`showtime export`: a night as a file."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from showtime_app.cli.common import database_option, errors_told, ready_database, run


@click.command("export")
@click.argument("night", type=click.IntRange(min=1), required=False)
@click.option("--without-names", is_flag=True, help="Leave out who it was, and what anybody typed.")
@click.option(
    "--output",
    "-o",
    type=click.File("w", "utf-8", lazy=True),
    default="-",
    help="Write to this file, not here.",
)
@database_option
@errors_told()
def export_night(night: int | None, output: IO[str], data_dir: Path | None, *, without_names: bool) -> None:
    """Write the broadcast NIGHT down as JSON Lines: the latest, if none is named.

    All that came is in the file, as it was recorded and in order. It can be imported into another channel,
    played back by `showtime simulate file`, and taken by tests. With --without-names viewers are numbers, and
    words that anybody typed are left out. Changes nothing, and may run beside the servers.
    """
    from showtime_app import composition

    with ready_database(data_dir) as conninfo:
        lines = run(composition.export_night(conninfo, night, with_names=not without_names))
    for line in lines:
        output.write(line)
