"""`showtime serve`: the service for a channel."""

import logging

import click

from showtime_app import composition, logs
from showtime_app.cli.running import listening_options, load_settings, open_listener, url_of

_log = logging.getLogger("showtime")


@click.command()
@listening_options
def serve(host: str | None, port: int | None) -> None:
    """Serve a channel, configured by the environment and a `.env` file.

    Needs PostgreSQL (`PG*`), migrated by `showtime migrate`, and `TWITCH_WEBHOOK_SECRET`. Everything else
    that is not configured is off, and says so.
    """
    settings = load_settings()
    if not settings.webhook_secrets:
        raise click.ClickException("TWITCH_WEBHOOK_SECRET is not set: give the secret of your subscriptions")
    logs.configure(settings.log_format, settings.log_level)
    with open_listener(settings, host, port) as listener:
        url = url_of(listener)
        chat = "" if settings.has_chat else ", chat"
        _log.info("off, since not configured: points, ghosts%s", chat)
        _log.info("access tokens are checked with the auth service at %s", settings.auth_url)
        composition.live(settings).serve_on(listener, lambda: _log.info("showtime is ready at %s", url))
