"""`showtime check`: tries each link of the show for real, before a night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from showtime_app.cli.common import database_option, errors_told, load_settings, named_database, run
from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile
from showtime_core.domain.preflight.links import Link, LinkState
from showtime_core.errors import AlreadyUnderWay, LimitReached
from showtime_core.texts import printable

if TYPE_CHECKING:
    from showtime_app.config import Settings
    from showtime_app.web.routes.preflight import TriedLink, TriedLinks
    from showtime_core.use_cases.preflight import RunPreflight


@click.command()
@click.argument("links", metavar="[LINK]...", nargs=-1, type=click.Choice([link.value for link in Link]))
@click.option("--json", "as_json", is_flag=True, help="Print what GET /admin/preflight answers.")
@database_option
@errors_told()
def check(links: tuple[str, ...], data_dir: Path | None, *, as_json: bool) -> None:
    """Try each link of the show for real, or those that are named.

    \b
    callback consent auth ledger openai storage discord chat database disk clock overlay

    Every line tells what was found. What was not tried is unknown, and unknown is not ok: what is off says
    so. What the servers do, such as reading chat, is told by what they have reported. Nothing is posted,
    painted or paid. The callback is tried once a minute at most; within that time its line is the former one.

    \b
    Exit code: 0 nothing has failed, 1 a link has failed, or nothing could be
    tried, 2 the command makes no sense.
    """  # noqa: D301 - click wants the character itself
    from showtime_app import logs

    settings = load_settings()
    logs.configure(settings.log_format, "error")
    wanted = [link for link in Link if not links or link in links]
    if data_dir:
        DevFile.read(data_dir)  # a folder that is not what it was taken for stays as it is
    with named_database(data_dir) as conninfo:
        is_of_laptop = conninfo != settings.conninfo
        folder = (data_dir or DEFAULT_DATA_DIR).resolve() if is_of_laptop else None
        known = run(_try(settings, conninfo, folder, wanted))
    told = [each for each in known.links if each.name in wanted]
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(known), indent=2, ensure_ascii=False))
    else:
        _print(told)
    if any(each.state is LinkState.FAILED for each in told):
        click.get_current_context().exit(1)


async def _try(settings: Settings, conninfo: str, data_dir: Path | None, links: list[Link]) -> TriedLinks:
    from showtime_app import composition
    from showtime_app.web.routes.preflight import describe_preflight

    async with composition.open_preflight(settings, conninfo, data_dir) as use_case:
        await _perform(use_case, links)
        return describe_preflight(await use_case.current())


async def _perform(use_case: RunPreflight, links: list[Link]) -> None:
    """Try these links, but for the callback if it was tried a moment ago."""
    try:
        run_id = await use_case.begin(links)
    except AlreadyUnderWay:
        raise
    except LimitReached:
        links = [link for link in links if link is not Link.CALLBACK]
        run_id = await use_case.begin(links)
    await use_case.perform(run_id, links)


def _print(links: list[TriedLink]) -> None:
    for each in links:
        took = (
            ""
            if each.milliseconds is None or each.state is LinkState.UNKNOWN
            else f", {each.milliseconds} ms"
        )
        click.echo(printable(f"{each.name:<9} {each.state:<8} {each.said}{took}"))
        if each.remedy:
            click.echo(printable(f"{'':19}to do: {each.remedy}"))
        if each.goes_on:
            click.echo(printable(f"{'':19}goes on: {each.goes_on}"))
    count = {state: sum(each.state is state for each in links) for state in LinkState}
    click.echo(", ".join(f"{number} {state}" for state, number in count.items() if number))
