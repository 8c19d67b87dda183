"""`showtime conform`: whether a receiver of EventSub does what Twitch asks."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click

from showtime_app.conform import report
from showtime_app.conform.judge import ProbeOutcome, ProbeVerdict, judge
from showtime_app.conform.probes import Level


@click.command()
@click.argument("url")
@click.option("--secret", required=True, help="The secret with which its messages are signed.")
@click.option("--only", metavar="PATTERN", multiple=True, help="Try these alone: `signature-*`.")
@click.option(
    "--handled",
    metavar="CMD",
    help="A command that prints a line for each message that was handled, with its id in it: so it is judged "
    "whether all were, once, and in order.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the verdicts to this file, as JSON."
)
@click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path), help="Write them to this file, as JUnit does."
)
@click.option(
    "--allow-remote", is_flag=True, help="Try a receiver that is not on this machine: it must be yours."
)
def conform(  # noqa: PLR0913, PLR0917 - the options of the command
    url: str,
    secret: str,
    only: tuple[str, ...],
    handled: str | None,
    json_file: Path | None,
    junit_file: Path | None,
    *,
    allow_remote: bool,
) -> None:
    """Try what Twitch sends, and what the world sends, on the receiver at URL, and say what it does not bear.

    Ends with 1 where something that Twitch requires fails. It sends made-up events: to a receiver that does
    something with them, they are real.
    """
    if not allow_remote and not _is_here(url):
        raise click.ClickException(
            f"{url} is not on this machine: say --allow-remote if that receiver is yours"
        )
    try:
        verdicts = asyncio.run(_judged(url, secret, handled, only))
    except ValueError as reason:
        raise click.ClickException(str(reason)) from reason
    click.echo(f"\n{report.summary(verdicts)}")
    for file, text in (
        (json_file, report.as_json(url, verdicts)),
        (junit_file, report.as_junit(url, verdicts)),
    ):
        if file:
            file.write_text(text)
    failed = (verdict for verdict in verdicts if verdict.outcome is ProbeOutcome.FAILED)
    if any(verdict.probe.level is Level.REQUIRED for verdict in failed):
        raise SystemExit(1)


async def _judged(url: str, secret: str, handled: str | None, only: Sequence[str]) -> list[ProbeVerdict]:
    verdicts = []
    async for verdict in judge(url, secret, handled, only):
        click.echo(report.line(verdict))
        verdicts.append(verdict)
    return verdicts


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
