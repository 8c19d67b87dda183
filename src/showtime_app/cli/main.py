"""`showtime`: the group of all commands."""

from importlib import import_module

import click

from showtime_app import DISTRIBUTION

_COMMANDS = {
    "serve": "Serve a channel.",
    "dev": "Run everything on this machine, with nothing to configure.",
    "init": "Set the channel up at Twitch.",
    "migrate": "Bring the database to the schema that this version needs.",
    "parked": "List what is parked, and decide what becomes of it.",
    "broadcast": "Say where the recording of a night is.",
    "simulate": "Send what Twitch would send.",
    "conform": "Try a receiver of EventSub: does it do what Twitch asks?",
    "settings": "Print the settings that are in force, and where each comes from.",
    "token": "Print a bearer token for `showtime dev`.",
}


class Commands(click.Group):
    """The commands, each in a module of its own, loaded when it is asked for: none waits for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """List the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click passes it
        """Load one command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"showtime_app.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click passes it
        """Write what there is, without loading it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=Commands)
@click.version_option(package_name=DISTRIBUTION)
def main() -> None:
    """Run the backend of a live show on Twitch."""


if __name__ == "__main__":
    main()
