"""`showtime broadcast`: what the operator says of a night."""

from pathlib import Path

import click

from showtime_app import composition
from showtime_app.cli.common import database_option, ready_database, run
from showtime_core.domain.broadcasts.history import check_vod_url
from showtime_core.errors import ShowtimeError


@click.group()
def broadcast() -> None:
    """Say what is to be known of a night."""


@broadcast.command("set-vod")
@click.argument("broadcast_id", metavar="ID", type=int)
@click.argument("url")
@database_option
def set_vod(broadcast_id: int, url: str, data_dir: Path | None) -> None:
    """Say that the recording of broadcast ID can be watched at URL; with '' that it cannot any more.

    Goes to the database that PG* names. Viewers see it with their next look at the history; a broadcast that
    is live may have a recording too.
    """
    try:
        kept = check_vod_url(url)
        with ready_database(data_dir) as conninfo:
            run(composition.set_vod_url(conninfo, broadcast_id, kept))
    except ShowtimeError as reason:
        raise click.ClickException(str(reason)) from reason
    click.echo(f"broadcast {broadcast_id}: {kept or 'no recording'}")
