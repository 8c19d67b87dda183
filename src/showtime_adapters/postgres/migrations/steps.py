"""The steps of the schema: the files they are in, and which of them a database still lacks."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from attrs import field, frozen

from showtime_core.errors import Refused

_TAKES_AWAY = re.compile(r"_after_(\d{3})$")
"""How the name of a step ends that takes away what code needs which does not know the step of that number."""


@frozen
class Migration:
    """One migration, from a file `NNN_name.up.sql`."""

    version: int
    name: str
    up: str = field(repr=False)
    down: str | None = field(repr=False)
    """What undoes it, from `NNN_name.down.sql`; None if it is never undone."""

    @property
    def checksum(self) -> str:
        """Tell one text of the step from another."""
        return sha256(self.up.encode()).hexdigest()


@frozen
class AppliedMigration:
    """What a database says of a migration that was applied to it."""

    version: int
    name: str
    checksum: str
    at: datetime


@cache
def our_migrations() -> tuple[Migration, ...]:
    """Read the steps that this code needs: those of its wheel; where it runs from a checkout, of that."""
    installed = files("showtime_adapters.postgres.migrations") / "sql"
    for folder in (installed, *(parent / "db/migrations" for parent in Path(__file__).parents)):
        if folder.is_dir():
            return read_migrations(folder)
    raise Refused("the migrations are not where they were installed: install showtime again")


def read_migrations(folder: Traversable) -> tuple[Migration, ...]:
    """Read the steps of a folder, in order. Line endings do not matter: a checkout may change them."""
    texts = {
        entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")
    }
    names = sorted(name.removesuffix(".up.sql") for name in texts if name.endswith(".up.sql"))
    return tuple(
        Migration(int(name.partition("_")[0]), name, texts[f"{name}.up.sql"], texts.get(f"{name}.down.sql"))
        for name in names
    )


def pending_migrations(
    taken: Sequence[AppliedMigration], steps: Sequence[Migration]
) -> tuple[Migration, ...]:
    """Tell which steps are still to be taken. Raises Refused if others than these were taken."""
    known = {step.version: step for step in steps}
    for past in taken:
        if past.version not in known:
            raise Refused(
                f"the database is newer than this showtime, which does not know its step {past.name}:"
                " install the newer showtime"
            )
        if past.checksum != known[past.version].checksum:
            raise Refused(
                f"{known[past.version].name}.up.sql is not the file that was applied to this database:"
                " restore it, and put what is to change into a step of its own (or, if nothing in the"
                " database matters, start again with an empty one)"
            )
    done = {past.version for past in taken}
    return tuple(step for step in steps if step.version not in done)


def missing_migrations(
    taken: Sequence[AppliedMigration], steps: Sequence[Migration]
) -> tuple[Migration, ...]:
    """Tell which steps a service lacks. Raises Refused if others were taken that it cannot live with.

    A newer version only adds to the schema until no older one is at work: while an upgrade goes on, both are.
    """
    known = {step.version for step in steps}

    def matters(past: AppliedMigration) -> bool:
        ending = _TAKES_AWAY.search(past.name)
        return past.version in known or (ending is not None and int(ending[1]) not in known)

    return pending_migrations([past for past in taken if matters(past)], steps)
