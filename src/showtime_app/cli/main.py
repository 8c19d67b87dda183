"""`showtime`: the group of all commands."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module

import click

from showtime_app import DISTRIBUTION

_COMMANDS = {
    "serve": "Serve a channel.",
    "dev": "Run everything on this machine, with nothing to configure.",
    "init": "Set the channel up at Twitch.",
    "migrate": "Bring the database to the schema that this version needs.",
    "check": "Try each link of the show for real, before a night.",
    "parked": "List what is parked, and decide what becomes of it.",
    "replay": "Work everything out again from the journal, and compare.",
    "export": "Write a night down as a file.",
    "import": "Record a night from its file, in an empty channel.",
    "broadcast": "Say where the recording of a night is.",
    "simulate": "Send what Twitch would send.",
    "conform": "Try a receiver of EventSub: does it do what Twitch asks?",
    "settings": "Print the settings that are in force, and where each comes from.",
    "token": "Print a bearer token for `showtime dev`.",
    "completion": "Let the shell complete what is typed.",
}

_MODULES = {"export": "export_night", "import": "import_night"}
"""Modules that are not named as their commands: `import` is a word of Python."""


class Commands(click.Group):
    """The commands, each in a module of its own, loaded when it is asked for: none waits for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """List the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click passes it
        """Load one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = getattr(import_module(f"showtime_app.cli.{module}"), module)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click passes it
        """Write what there is, without loading it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; of one that is not known say which it resembles, in whichever group that is."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoSuchCommand as unknown:
            asked = unknown.ctx or ctx
            near = {name: name for name in _words(asked.command, asked)}
            close = _closest(unknown.command_name, {**dict(self._paths(ctx)), **near})
            hint = f" Did you mean {close!r}?" if close else ""
            raise click.UsageError(unknown.message + hint, asked) from None

    def _paths(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        """Give the last word of every command line, with all of its words."""
        for name in _COMMANDS:
            command = self.get_command(ctx, name)
            assert command
            yield from ((word, f"{name} {word}") for word in _words(command, ctx))
            yield name, f"showtime {name}"


def _closest(name: str, lines: Mapping[str, str]) -> str | None:
    from difflib import get_close_matches

    return next((lines[close] for close in get_close_matches(name, lines, n=1)), None)


def _words(command: click.Command, ctx: click.Context) -> Sequence[str]:
    """List what may stand after a command: the commands of a group, or the choices of an argument."""
    if isinstance(command, click.Group):
        return command.list_commands(ctx)
    types = (each.type for each in command.params if isinstance(each, click.Argument))
    return [str(word) for kind in types if isinstance(kind, click.Choice) for word in kind.choices]


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION)
def main() -> None:
    """Run the backend of a live show on Twitch."""


if __name__ == "__main__":
    main()
