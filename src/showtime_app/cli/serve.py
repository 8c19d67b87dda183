"""`showtime serve`: the service for a channel."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from showtime_app.cli.common import listening_options, load_settings, open_listener, url_of, without

if TYPE_CHECKING:
    from showtime_app.config import Settings

_log = logging.getLogger("showtime")


@click.command()
@listening_options
@click.option(
    "--role",
    type=click.Choice(["all", "web", "relay"]),
    help="Do all; receive and show only; or perform effects only.  [default: INSTANCE_ROLE, or all]",
)
def serve(host: str | None, port: int | None, role: str | None) -> None:
    """Serve a channel, configured by the environment and a `.env` file.

    Needs PostgreSQL (`PG*`), migrated by `showtime migrate`, and `TWITCH_WEBHOOK_SECRET`. Everything else
    that is not configured is off, and says so.
    """
    with without("rich"):
        from showtime_app import composition
        from showtime_app.config import Settings
    from showtime_app.setting_sources import find_given

    given = find_given(Settings.model_fields)
    if role:
        given.values["instance_role"] = role
    settings = load_settings(given, with_log=True, for_serve=True)
    with open_listener(settings, host, port) as listener:
        url = url_of(listener)
        server = composition.live(settings)
        if server.off:
            _log.info("off, since not configured: %s", ", ".join(server.off))
        is_relay = settings.instance_role == "relay"
        if settings.instance_role == "web":
            _log.info("effects are left to other instances, since the role is web")
        is_forgotten = settings.twitch_app and not settings.is_callback_explicit and not is_relay
        _log.log(logging.WARNING if is_forgotten else logging.INFO, _upkeep(settings))
        _log.info("access tokens are checked with the auth service at %s", settings.auth_url)
        server.serve_on(listener, lambda: _log.info("showtime listens at %s", url))


def _upkeep(settings: Settings) -> str:
    """Tell what is done at Twitch."""
    if settings.instance_role == "relay":
        return "receiving, showing and looking after Twitch are left to other instances: the role is relay"
    if settings.twitch_app is None:
        return "off, since TWITCH_CLIENT_ID is not set: looking after the subscriptions at Twitch"
    if not settings.keeps_subscriptions:
        why = (
            "TWITCH_KEEP_SUBSCRIPTIONS is false"
            if settings.is_callback_explicit
            else "TWITCH_WEBHOOK_CALLBACK_URL is not set"
        )
        return f"the subscriptions at Twitch are checked, but not repaired, since {why}"
    return f"the subscriptions to {settings.twitch_webhook_callback_url} are checked and repaired"
