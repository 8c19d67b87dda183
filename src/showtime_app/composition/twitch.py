"""What is done at Twitch: by `serve`, which looks after the channel, and by `init`, which sets it up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial

from attrs import define, evolve, field, frozen

from showtime_adapters.http_client import SILENT, Telemetry
from showtime_adapters.twitch.app_token import AppToken
from showtime_adapters.twitch.helix import (
    HelixAutoMod,
    HelixChannels,
    HelixClient,
    HelixClock,
    HelixSubscriptions,
)
from showtime_adapters.twitch.http import Credentials, RequestSender, make_client
from showtime_adapters.twitch.irc import IrcReader
from showtime_adapters.twitch.oauth import OAuth, TwitchConsent
from showtime_adapters.twitch.sign_in import TwitchSignIn
from showtime_app.composition.neighbours import Neighbours
from showtime_app.composition.ports import RecordChat, Storage, Work
from showtime_app.config import Settings, TwitchApp
from showtime_app.setup.ports import TwitchAccess
from showtime_app.upkeep import Upkeep
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatMessageSent
from showtime_core.domain.ghost_approval import GhostApproval
from showtime_core.domain.reactions import Policy
from showtime_core.domain.subscriptions import (
    AUTOMOD_SCOPE,
    optional_scopes,
    required_scopes,
    wanted_subscriptions,
)
from showtime_core.errors import Refused, Unavailable
from showtime_core.use_cases.check_channel import CheckChannel


@asynccontextmanager
async def _open_helix(
    settings: Settings, app: TwitchApp, telemetry: Telemetry
) -> AsyncIterator[tuple[HelixClient, RequestSender, Credentials]]:
    credentials = Credentials(app.client_id, app.client_secret)
    async with make_client(settings.twitch_ca_file, telemetry) as client:
        sender = RequestSender(client)
        token = AppToken(settings.twitch_auth_url, credentials, sender)
        yield HelixClient(settings.twitch_api_url, token, sender), sender, credentials


@asynccontextmanager
async def open_twitch(
    settings: Settings, app: TwitchApp, telemetry: Telemetry = SILENT
) -> AsyncIterator[TwitchAccess]:
    """Reach Twitch, for as long as the context is open."""
    with_chat = settings.chat_source == "eventsub"
    wanted = wanted_subscriptions("", with_chat=with_chat)
    scopes, optional = required_scopes(wanted), optional_scopes(wanted)
    if settings.ghost_approval is not GhostApproval.OFF:
        scopes = (*scopes, AUTOMOD_SCOPE)
    async with _open_helix(settings, app, telemetry) as (helix, sender, credentials):
        url, channels = settings.twitch_webhook_callback_url, HelixChannels(helix)
        yield TwitchAccess(
            login=app.channel,
            our_url=url,
            channels=channels,
            automod=HelixAutoMod(helix, channels, app.channel),
            subscriptions=tuple(
                HelixSubscriptions(helix, url, secret) for secret in settings.webhook_secrets
            ),
            consent=TwitchConsent(
                settings.twitch_auth_url, credentials, sender, app.channel, scopes, optional
            ),
            clock=HelixClock(settings.twitch_api_url, sender),
            with_chat=with_chat,
        )


@frozen
class AutoModOnDemand:
    """AutoMod, reached anew for each ghost: there are few; see `showtime_core.ports.AutoMod`."""

    reach_twitch: Callable[[], AbstractAsyncContextManager[TwitchAccess]]

    async def permits(self, words: str) -> bool:
        """Tell whether it would let words pass in chat."""
        async with self.reach_twitch() as twitch:
            return await twitch.automod.permits(words)


async def look_after_channel(
    reach_twitch: Callable[[], AbstractAsyncContextManager[TwitchAccess]],
    storage: Storage,
    policy: Policy,
    *,
    may_repair: bool,
) -> None:
    """Look after the channel at Twitch until cancelled."""
    async with reach_twitch() as twitch:
        use_case = CheckChannel(
            login=twitch.login,
            our_url=twitch.our_url,
            channels=twitch.channels,
            subscriptions=twitch.subscriptions[0],
            units=storage.units,
            health=storage.health,
            policy=policy,
            pause=asyncio.sleep,
            may_repair=may_repair,
            with_chat=twitch.with_chat,
        )
        await Upkeep(storage.read_health, use_case, storage.exclusive).run()


@define
class RoomNames:
    """Names the other rooms of a shared chat, of which IRC tells the id alone; each is asked for once.

    While Twitch cannot tell, the id stands for the name.
    """

    record: RecordChat
    ask: Callable[[str], Awaitable[str]]
    _known: dict[str, str] = field(factory=dict)

    async def __call__(self, reports: Sequence[ChatReport]) -> None:
        """Record these, with names."""
        await self.record([await self._named(each) for each in reports])

    async def _named(self, report: ChatReport) -> ChatReport:
        match report.event:
            case ChatMessageSent(source_channel=room) if room:
                with suppress(Refused, Unavailable):
                    self._known[room] = self._known.get(room) or await self.ask(room)
                return evolve(report, event=evolve(report.event, source_channel=self._known.get(room, room)))
        return report


def open_sign_in(settings: Settings, neighbours: Neighbours, telemetry: Telemetry) -> TwitchSignIn | None:
    """Let hosts sign in with Twitch, where that is set up, while the neighbours are open."""
    if not ((app := settings.twitch_app) and (url := settings.twitch_redirect_url)):
        return None
    credentials = Credentials(app.client_id, app.client_secret)
    sender = RequestSender(neighbours.connect(make_client(settings.twitch_ca_file, telemetry)))
    helix = HelixClient(
        settings.twitch_api_url, AppToken(settings.twitch_auth_url, credentials, sender), sender
    )
    return TwitchSignIn(OAuth(settings.twitch_auth_url, credentials, sender), HelixChannels(helix), url)


def irc_reader(
    settings: Settings, storage: Storage, app: TwitchApp | None
) -> Callable[[RecordChat], Work] | None:
    """Give what makes the work that reads chat by IRC, on one instance for all; None: it is not read so."""
    if settings.chat_source != "irc" or not (channel := settings.twitch_channel_name):
        return None

    def read(record: RecordChat) -> Work:
        url, ca_file = settings.twitch_irc_url, settings.twitch_ca_file
        if app and settings.show_shared_chat:
            record = RoomNames(record, partial(_name_user, settings, app))
        reader = IrcReader(url, channel.lower(), record, storage.report_chat, ca_file)
        return partial(storage.lead_chat, reader.run)

    return read


async def _name_user(settings: Settings, app: TwitchApp, user_id: str) -> str:
    async with _open_helix(settings, app, SILENT) as (helix, *_):
        return await HelixChannels(helix).display_name(user_id)
