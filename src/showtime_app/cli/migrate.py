"""`showtime migrate`: brings a database to the schema that this version needs."""

from pathlib import Path

import click

from showtime_app.cli.common import database_option, errors_told, named_database

_PENDING = 3
"""The exit code of `status` when something is to be done; 2 is taken by commands that make no sense."""


@click.command()
@click.argument("action", type=click.Choice(["up", "down", "status"]), default="up")
@database_option
@errors_told()
def migrate(action: str, data_dir: Path | None) -> None:
    """Bring the database that PG* names to the schema that this version needs.

    \b
    up      take all steps that are pending, and say what was healed (the default)
    down    undo the newest step, and lose what its tables hold; the tables of
            showtime's predecessor always stay
    status  tell which steps were taken, and change nothing

    An empty database gets everything. A database of the predecessor, at its version 12, is adopted with
    every row. Running it again, or twice at once, does no harm.

    \b
    Exit code: 0 all is well, 1 it was refused or the database is away,
    2 the command makes no sense, 3 (status) steps are pending.
    """  # noqa: D301 - click wants the character itself
    from showtime_app import composition

    with named_database(data_dir) as conninfo:
        if action == "up":
            composition.migrate_up(conninfo, click.echo)
        elif action == "down":
            composition.migrate_down(conninfo, click.echo)
        else:
            steps = composition.migration_status(conninfo)
            for step in steps:
                when = f"applied {step.applied_at:%Y-%m-%dT%H:%M:%SZ}" if step.applied_at else "pending"
                click.echo(f"{when:28} {step.name}")
            if not all(step.applied_at for step in steps):
                click.get_current_context().exit(_PENDING)
