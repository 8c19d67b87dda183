"""`showtime broadcast`: what the operator says of a night."""

from pathlib import Path

import click

from showtime_app.cli.common import database_option, errors_told, ready_database, run


@click.group()
def broadcast() -> None:
    """Say what is to be known of a night."""


@broadcast.command("set-vod")
@click.argument("broadcast_id", metavar="ID", type=int)
@click.argument("url")
@database_option
@errors_told()
def set_vod(broadcast_id: int, url: str, data_dir: Path | None) -> None:
    """Say that the recording of broadcast ID can be watched at URL; with '' that it cannot any more.

    Goes to the database that PG* names. Viewers see it with their next look at the history; a broadcast that
    is live may have a recording too.
    """
    from showtime_app import composition
    from showtime_core.domain.broadcasts.history import check_vod_url

    kept = check_vod_url(url)
    with ready_database(data_dir) as conninfo:
        run(composition.set_vod_url(conninfo, broadcast_id, kept))
    click.echo(f"broadcast {broadcast_id}: {kept or 'no recording'}")
