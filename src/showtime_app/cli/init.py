"""`showtime init`: sets a channel up at Twitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from showtime_app.cli.common import errors_told, load_settings, run
from showtime_core.errors import NotAllowed

if TYPE_CHECKING:
    from showtime_app.config import Settings
    from showtime_app.setup.steps import InitOptions, InitResult


@click.command()
@click.option("-f", "--force", is_flag=True, help="Also delete what is broken, doubled or not wanted.")
@click.option("--delete-all", is_flag=True, help="Delete all subscriptions that call our URL, and end.")
@click.option("--rotate-secret", is_flag=True, help="Replace all by the same, under the first secret.")
@click.option("--now", is_flag=True, help="Rotate also while a broadcast is live.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--no-browser", is_flag=True, help="Open no browser: print where to consent, and a code.")
@click.option("--non-interactive", is_flag=True, help="Ask nobody for consent.")
@errors_told()
def init(**given: bool) -> None:
    """Set the channel up at Twitch: make it call us with every event that the show needs.

    Lists the subscriptions that are there, creates what is missing, asks the broadcaster for consent where
    that is needed, and waits until all are enabled. Running it again does no harm. Only subscriptions that
    call TWITCH_WEBHOOK_CALLBACK_URL are touched: others may share the client id.

    \b
    Exit code: 0 all that the show needs is enabled, 1 it is not, or something
    went wrong, 2 the command makes no sense, 3 (--dry-run) something is to be
    done, 4 the broadcaster's consent is missing.
    """  # noqa: D301 - click wants the character itself
    from showtime_app import logs
    from showtime_app.setup.steps import InitOptions, InitResult

    options = InitOptions(**given)
    if options.delete_all and options.rotate_secret:
        raise click.UsageError("--delete-all and --rotate-secret exclude each other")
    settings = load_settings()
    logs.configure(settings.log_format, "warning")
    try:
        outcome = run(_run(settings, options))
    except NotAllowed as reason:
        click.echo(f"Error: {reason}", err=True)
        outcome = InitResult.NO_CONSENT
    click.get_current_context().exit(outcome)


async def _run(settings: Settings, options: InitOptions) -> InitResult:
    from showtime_app import composition
    from showtime_app.setup.steps import ChannelSetup

    app = settings.twitch_app
    if app is None:
        raise click.ClickException(
            "TWITCH_CHANNEL_NAME, TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET must be set: see"
            " https://dev.twitch.tv/console/apps"
        )
    if not settings.webhook_secrets:
        raise click.ClickException(
            "TWITCH_WEBHOOK_SECRET is not set: think of one, 10 to 100 characters long"
        )
    async with (
        composition.open_twitch(settings, app) as twitch,
        composition.open_database(settings) as database,
    ):
        return await ChannelSetup(twitch, database, options, click.echo).run()
