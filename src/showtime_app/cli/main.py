"""`showtime`: the group of all commands."""

from collections.abc import Iterator
from difflib import get_close_matches
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
    "token": "Print a bearer token for `showtime dev`.",
    "completion": "Let the shell complete what is typed.",
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

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; of one that is not known say which resemble it, in whichever group they are."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoSuchCommand as unknown:
            found = self._resembling(unknown, ctx)
            said = f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
            raise click.UsageError(unknown.message + said, unknown.ctx) from None

    def _resembling(self, unknown: click.exceptions.NoSuchCommand, ctx: click.Context) -> list[str]:
        """List what is close by: in the group that was asked, or else anywhere, by its whole name."""
        asked = unknown.ctx or ctx
        if isinstance(asked.command, click.Group):
            names = asked.command.list_commands(asked)
            if close := get_close_matches(unknown.command_name, names):
                return close
        paths = dict(self._paths(ctx))
        return [paths[name] for name in get_close_matches(unknown.command_name, paths)]

    def _paths(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        """Give the last word of every command, what may stand after it included, with all of its words."""
        for name in _COMMANDS:
            command = self.get_command(ctx, name)
            if isinstance(command, click.Group):
                words = command.list_commands(ctx)
            else:
                types = (each.type for each in command.params if isinstance(each, click.Argument))
                words = [word for kind in types if isinstance(kind, click.Choice) for word in kind.choices]
            yield from ((word, f"{name} {word}") for word in words)
            yield name, f"showtime {name}"


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION)
def main() -> None:
    """Run the backend of a live show on Twitch."""


if __name__ == "__main__":
    main()
