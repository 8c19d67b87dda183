"""`showtime`: the group of all commands."""

import click

from showtime_app.cli.dev import dev
from showtime_app.cli.migrate import migrate
from showtime_app.cli.serve import serve
from showtime_app.cli.simulate import simulate
from showtime_app.cli.token import token


@click.group()
@click.version_option(package_name="showtime")
def main() -> None:
    """Run the backend of a live show on Twitch."""


for command in (serve, dev, migrate, simulate, token):
    main.add_command(command)

if __name__ == "__main__":
    main()
