"""`showtime completion`: lets the shell complete what is typed."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what lets SHELL complete `showtime`: its commands, their options and what may follow them.

    \b
    bash    eval "$(showtime completion bash)", in ~/.bashrc
    zsh     eval "$(showtime completion zsh)", in ~/.zshrc, after compinit
    fish    showtime completion fish | source, in ~/.config/fish/config.fish
    """  # noqa: D301 - click wants the character itself
    made = get_completion_class(shell)
    assert made  # of each of the choices
    click.echo(
        made(click.get_current_context().find_root().command, {}, "showtime", "_SHOWTIME_COMPLETE").source()
    )
