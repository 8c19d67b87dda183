"""How each link is tried before a night, by what the settings have wired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import uuid4

from attrs import define

from showtime_app.composition.ports import Ports, Storage
from showtime_app.config import Settings
from showtime_app.setting_types import EMBEDDED
from showtime_app.setup.ports import TwitchAccess
from showtime_core.domain.ghost_approval import GhostApproval
from showtime_core.domain.preflight.links import Finding, Link, LinkState, off
from showtime_core.domain.preflight.rules import (
    judge_chat,
    judge_chat_subscriptions,
    judge_consent,
    judge_disk,
    judge_overlay,
    judge_token,
)
from showtime_core.domain.subscriptions import CHAT_TYPES, SubscriptionFinding, wanted_subscriptions
from showtime_core.errors import Refused, Unavailable
from showtime_core.use_cases.preflight import Attempt, RunPreflight
from showtime_core.use_cases.try_links import (
    TRIED_VIEWER,
    TryCallback,
    try_clock,
    try_ledger,
    try_model,
    try_storage,
)

Ask = Callable[[], Awaitable[Finding]]
_OBJECT = b"showtime has tried whether it can store, read and delete this"
_NO_DATABASE = "the database does not answer"
_READ_ONLY = "the database takes nothing, so that nobody can report how it is"
_AT_HOME = "`showtime dev` does nothing at Twitch"
_NO_APP = "TWITCH_CLIENT_ID is not set"


def make_preflight(settings: Settings, ports: Ports) -> RunPreflight:
    """Make the use case; nothing is opened before links are tried."""
    return RunPreflight(ports.storage.preflight, _attempts(settings, ports), ports.clock, uuid4)


@asynccontextmanager
async def opened(settings: Settings, ports: Ports) -> AsyncIterator[RunPreflight]:
    """Make the use case beside the servers that may run, for as long as the context is open."""
    async with AsyncExitStack() as stack:
        for resource in (*ports.storage.resources, ports.neighbours.opened()):
            await stack.enter_async_context(resource)
        yield make_preflight(settings, ports)


def _attempts(settings: Settings, ports: Ports) -> Mapping[Link, Attempt]:
    storage, neighbours = ports.storage, ports.neighbours
    kept = partial(Attempt, before=partial(_answers, storage), lacking=_NO_DATABASE)  # what is read there
    told = partial(Attempt, before=storage.trial.write, lacking=_READ_ONLY)  # what others write there
    at_twitch = _TwitchTries(settings, ports)

    async def overlay() -> Finding:
        return judge_overlay((await storage.show.read()).show)

    async def disk() -> Finding:
        return judge_disk(await storage.trial.free_bytes())

    async def database() -> Finding:
        await storage.trial.write()
        return Finding(LinkState.OK, "written, and taken back")

    return {
        Link.CALLBACK: kept(at_twitch.callback()),
        Link.CONSENT: Attempt(at_twitch.consent()),
        Link.AUTH: Attempt(_auth(ports)),
        Link.LEDGER: _ledger(settings, ports, kept),
        Link.OPENAI: Attempt(
            partial(try_model, neighbours.model) if neighbours.model else _off("OPENAI_API_KEY is not set")
        ),
        Link.STORAGE: Attempt(
            partial(try_storage, neighbours.public_storage, _OBJECT, uuid4)
            if neighbours.public_storage
            else _off("SPACES_* is not set")
        ),
        Link.DISCORD: Attempt(_discord(ports)),
        Link.CHAT: told(at_twitch.chat()),
        Link.DATABASE: Attempt(database),
        Link.DISK: kept(disk),
        Link.CLOCK: Attempt(at_twitch.clock()),
        Link.OVERLAY: told(overlay),
    }


async def _answers(storage: Storage) -> None:
    """Return if the database answers; asked twice, for a connection may be one that is dead."""
    try:
        await storage.health.read()
    except Unavailable:
        await storage.health.read()


def _off(why: str) -> Ask:
    async def ask() -> Finding:
        return off(why)

    return ask


def _auth(ports: Ports) -> Ask:
    tokens, look_up_keys = ports.neighbours.tokens, ports.look_up_keys

    async def token() -> Finding:
        assert tokens
        return judge_token(await tokens.issue(TRIED_VIEWER))

    async def keys() -> Finding:
        assert look_up_keys
        return Finding(LinkState.OK, f"its keys came back ({await look_up_keys()})")

    if look_up_keys is None:
        return _off("`showtime dev` checks tokens itself")
    return token if tokens else keys


def _ledger(settings: Settings, ports: Ports, kept: Callable[[Ask], Attempt]) -> Attempt:
    ledger, tokens = ports.neighbours.ledger, ports.neighbours.tokens
    if ledger is None:
        return Attempt(_off("AUTH_SHARED_SECRET is not set"))
    ask = partial(try_ledger, ledger)
    if ledger is ports.storage.ledger or settings.ledger_url == EMBEDDED or tokens is None:
        return kept(ask)
    before = partial(tokens.token, TRIED_VIEWER)
    return Attempt(ask, before=before, lacking="the auth service gives no token for it")


def _discord(ports: Ports) -> Ask:
    webhook = ports.neighbours.webhook
    if webhook is None:
        return _off("DISCORD_GHOSTS_WEBHOOK_URL is not set")

    async def look_up() -> Finding:
        return Finding(LinkState.OK, f"the webhook {await webhook.look_up()!r} answers")

    return look_up


@define
class _TwitchTries:
    """What is tried at Twitch: each reaches it anew, so that none waits for another."""

    settings: Settings
    ports: Ports

    def callback(self) -> Ask:
        """Try the callback."""
        if self.ports.twitch and not self.settings.is_callback_explicit:
            return _off("TWITCH_WEBHOOK_CALLBACK_URL is not set")

        async def ask(twitch: TwitchAccess) -> Finding:
            alone = self.ports.storage.challenge_alone
            ours = twitch.subscriptions[0]
            return await TryCallback(twitch.login, twitch.channels, ours, alone, asyncio.sleep)()

        return self._reached(ask, needs_secret=True)

    def consent(self) -> Ask:
        """Try what the broadcaster has consented to."""

        async def ask(twitch: TwitchAccess) -> Finding:
            broadcaster_id = await twitch.channels.user_id(twitch.login)
            wanted = wanted_subscriptions(broadcaster_id, with_chat=twitch.with_chat)
            existing = await twitch.subscriptions[0].list_all()
            automod = await self._may_ask_automod(twitch)
            return judge_consent(wanted, existing, twitch.our_url, await self._refused(), automod=automod)

        return self._reached(ask, needs_secret=True)

    def chat(self) -> Ask:
        """Try whether chat is read."""
        settings, way = self.settings, self.settings.chat_way

        async def report() -> Finding:
            return judge_chat(await self.ports.storage.health.read(), way, settings.twitch_channel_name)

        async def ask(twitch: TwitchAccess) -> Finding:
            wanted = wanted_subscriptions(await twitch.channels.user_id(twitch.login), with_chat=True)
            of_chat = [each for each in wanted if each.type in CHAT_TYPES]
            return judge_chat_subscriptions(of_chat, await twitch.subscriptions[0].list_all(), twitch.our_url)

        return self._reached(ask, needs_secret=True) if way == "eventsub" else report

    def clock(self) -> Ask:
        """Compare clocks."""

        async def ask(twitch: TwitchAccess) -> Finding:
            return await try_clock(twitch.clock, self.ports.clock)

        return self._reached(ask)

    def _reached(
        self, ask: Callable[[TwitchAccess], Awaitable[Finding]], *, needs_secret: bool = False
    ) -> Ask:
        reach: Callable[[], AbstractAsyncContextManager[TwitchAccess]] | None = self.ports.twitch
        if reach is None:
            return _off(_AT_HOME if self.settings.twitch_app else _NO_APP)
        if needs_secret and not self.settings.webhook_secrets:
            return _off("TWITCH_WEBHOOK_SECRET is not set")

        async def reached() -> Finding:
            async with reach() as twitch:
                return await ask(twitch)

        return reached

    async def _refused(self) -> Sequence[SubscriptionFinding]:
        """Tell what Twitch refused when it was last checked; nothing while the database is away."""
        try:
            checked = (await self.ports.storage.health.read()).twitch
        except Unavailable:
            return ()
        return checked.findings if checked else ()

    async def _may_ask_automod(self, twitch: TwitchAccess) -> bool | None:
        """Tell whether AutoMod may be asked; None: nobody wants to."""
        if self.settings.ghost_approval is GhostApproval.OFF:
            return None
        try:
            await twitch.automod.permits("hello")
        except Refused:
            return False
        return True
