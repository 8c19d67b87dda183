"""What is done at Twitch: by `serve`, which looks after the channel, and by `init`, which sets it up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.http_client import SILENT, Telemetry
from showtime_adapters.postgres.health import PostgresHealthStore
from showtime_adapters.postgres.leader import TWITCH_KEY, Leadership
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.state import read_state
from showtime_adapters.twitch.app_token import AppToken
from showtime_adapters.twitch.helix import HelixChannels, HelixClient, HelixSubscriptions
from showtime_adapters.twitch.http import Credentials, RequestSender, make_client
from showtime_adapters.twitch.oauth import TwitchConsent
from showtime_app.composition.journal import Recording
from showtime_app.composition.resources import Resources
from showtime_app.config import Settings, TwitchApp
from showtime_app.setup.ports import ChannelDatabase, TwitchAccess
from showtime_app.upkeep import Upkeep
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.health import Health
from showtime_core.domain.subscriptions import required_scopes, wanted_subscriptions
from showtime_core.use_cases.check_channel import CheckChannel


async def read_health(pool: AsyncConnectionPool[Connection]) -> tuple[ChannelState, Health]:
    """Read how everything stands; raises Unavailable."""
    return await read_state(pool), await PostgresHealthStore(pool).read()


@asynccontextmanager
async def open_twitch(
    settings: Settings, app: TwitchApp, telemetry: Telemetry = SILENT
) -> AsyncIterator[TwitchAccess]:
    """Reach Twitch, for as long as the context is open."""
    credentials = Credentials(app.client_id, app.client_secret)
    with_chat = settings.chat_source == "eventsub"
    async with make_client(settings.twitch_ca_file, telemetry) as client:
        sender = RequestSender(client)
        helix = HelixClient(
            settings.twitch_api_url, AppToken(settings.twitch_auth_url, credentials, sender), sender
        )
        url = settings.twitch_webhook_callback_url
        yield TwitchAccess(
            login=app.channel,
            our_url=url,
            channels=HelixChannels(helix),
            subscriptions=tuple(
                HelixSubscriptions(helix, url, secret) for secret in settings.webhook_secrets
            ),
            consent=TwitchConsent(
                settings.twitch_auth_url,
                credentials,
                sender,
                app.channel,
                required_scopes(wanted_subscriptions("", with_chat=with_chat)),
            ),
            with_chat=with_chat,
        )


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[ChannelDatabase | None]:
    """Reach the database of the channel, where one is named."""
    if not settings.has_database:
        yield None
        return
    async with make_pool(settings.conninfo, max_size=1) as pool:
        leadership = Leadership(settings.conninfo, TWITCH_KEY)
        yield ChannelDatabase(
            leadership.once, partial(read_health, pool), PostgresHealthStore(pool).save_twitch
        )


def wire_upkeep(resources: Resources, recording: Recording) -> bool:
    """Look after the channel at Twitch, if the settings name the app; tells whether it is looked after."""
    if app := resources.settings.twitch_app:
        resources.lifecycle.run_in_background(partial(_look_after, resources, recording, app))
    return app is not None


async def _look_after(resources: Resources, recording: Recording, app: TwitchApp) -> None:
    """Look after the channel until cancelled."""
    async with open_twitch(resources.settings, app, resources.telemetry("twitch")) as twitch:
        watch = CheckChannel(
            login=twitch.login,
            our_url=twitch.our_url,
            channels=twitch.channels,
            subscriptions=twitch.subscriptions[0],
            units=recording.units,
            health=PostgresHealthStore(resources.pool),
            policy=recording.policy,
            pause=asyncio.sleep,
            may_repair=resources.settings.keeps_subscriptions,
            with_chat=twitch.with_chat,
        )

        async def check(state: ChannelState, is_forced: bool) -> None:  # noqa: FBT001 - it is passed on
            await watch.check(state, is_forced=is_forced)

        leadership = Leadership(resources.conninfo, TWITCH_KEY)
        await Upkeep(partial(read_health, resources.pool), check, leadership.once).run()
