"""`showtime parked`: what is parked, messages and effects alike, and what becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from showtime_app.cli.common import database_option, errors_told, ready_database, run
from showtime_core.domain.parked import Decision
from showtime_core.errors import ShowtimeError
from showtime_core.texts import printable

if TYPE_CHECKING:
    from showtime_app.web.routes.parked import ParkedItem
    from showtime_core.use_cases.decide_parked import DecideParked

T = TypeVar("T")

_MOST = 100
_DECIDED = {Decision.RETRY: "tried again", Decision.DISMISS: "dismissed", Decision.DONE: "taken as done"}


@click.group()
def parked() -> None:
    """List what is parked, and decide what becomes of it.

    Messages whose reaction failed, and effects that nobody could finish: a credit of which nobody can tell
    whether it was made, a ghost that nobody could post. Each has a reason, and holds up nobody.
    """


@parked.command("list")
@database_option
def list_parked(data_dir: Path | None) -> None:
    """List what is parked, the oldest first, with what may be decided."""
    from showtime_app.web.routes.parked import describe_parked

    async def look(use_case: DecideParked) -> list[ParkedItem]:
        return [describe_parked(each) for each in await use_case.parked_items.list_parked(_MOST)]

    parked = _run_use_case(look, data_dir)
    for each in parked:
        _print(each)
    click.echo(f"{len(parked)} parked" if parked else "nothing is parked")


def _decision(command: Callable[[], None]) -> None:
    """Add the command of a decision; of several ids those before one that is refused stay decided."""
    decision = Decision(command.__name__)

    @parked.command(decision, help=command.__doc__)
    @click.argument("names", metavar="ID...", nargs=-1, required=True)
    @database_option
    def decide(names: tuple[str, ...], data_dir: Path | None) -> None:
        async def take(use_case: DecideParked) -> None:
            for name in names:
                try:
                    await use_case.decide(decision, name, uuid.uuid4())
                except ShowtimeError as reason:
                    raise click.ClickException(f"{name}: {reason}") from reason
                click.echo(f"{name}: {_DECIDED[decision]}")

        _run_use_case(take, data_dir)


@_decision
def retry() -> None:
    """Try again.

    From a message follows now what follows from it in the present state; a night that has ended is not
    started again. Of points it is looked first whether they were moved after all.
    """


@_decision
def dismiss() -> None:
    """Let it go.

    From a message nothing follows then. A credit is not made, and a ghost that has waited for it is refused.
    Of a ghost that is not paid yet, what was set aside is given back.
    """


@_decision
def done() -> None:
    """Take it as done.

    A person has seen that it has happened, or has seen to it: a credit is in the ledger, points are back
    there, a ghost is posted. What has waited for it goes on.
    """


def _run_use_case(work: Callable[[DecideParked], Awaitable[T]], data_dir: Path | None) -> T:
    from showtime_app import composition

    async def open_and_work(conninfo: str) -> T:
        async with composition.open_decide_parked(conninfo) as use_case:
            return await work(use_case)

    with errors_told(), ready_database(data_dir) as conninfo:
        return run(open_and_work(conninfo))


def _print(parked: ParkedItem) -> None:
    tries = f", {parked.tries} tries" if parked.tries > 1 else ""
    since = datetime.fromisoformat(parked.since)
    head = f"{parked.id}  ({parked.type}, {since:%Y-%m-%dT%H:%M:%SZ}{tries})"
    click.echo(printable(head))
    for line in (parked.about, parked.reason, f"showtime parked {'|'.join(parked.choices)}"):
        if line:
            click.echo(f"    {printable(line)}")
