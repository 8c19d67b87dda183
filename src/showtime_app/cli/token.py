"""`showtime token`: a bearer token for the local server."""

from pathlib import Path

import click

from showtime_app.cli.common import data_dir_option, errors_told
from showtime_app.dev_file import DevFile
from showtime_core.domain.viewers import Role


@click.command()
@click.argument("role", type=click.Choice([role.value for role in reversed(Role)]))
@click.option("--login", default="goldenvcr", show_default=True, help="Whose token it is.")
@data_dir_option("The folder of `showtime dev`.")
@errors_told()
def token(role: str, login: str, data_dir: Path) -> None:
    """Print a bearer token for the server that `showtime dev` runs, alone on the last line."""
    from showtime_app.composition import issue_local_token
    from showtime_app.simulate.cast import viewer

    dev_file = DevFile.read(data_dir)
    if dev_file.token_secret is None:
        raise click.ClickException(
            "this `showtime dev` uses a database that is not its own: it takes no such tokens"
        )
    click.echo(issue_local_token(dev_file.token_secret, viewer(login), Role(role)))
