"""Twitch's API is asked over real sockets, and however it answers, we know what to do."""

import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from showtime_adapters.twitch.app_token import AppToken
from showtime_adapters.twitch.helix import (
    HelixAutoMod,
    HelixChannels,
    HelixClient,
    HelixClock,
    HelixSubscriptions,
)
from showtime_adapters.twitch.http import Credentials, RequestSender
from showtime_adapters.twitch.oauth import OAuth, TwitchConsent
from showtime_adapters.twitch.sign_in import TwitchSignIn
from showtime_core.domain.broadcasts.stream_check import ListedStream
from showtime_core.domain.subscriptions import (
    WantedSubscription,
    required_scopes,
    wanted_subscriptions,
)
from showtime_core.errors import NotAllowed, Refused, Unavailable
from showtime_core.testing.contracts.consent import ConsentContract, ConsentStage
from showtime_core.testing.contracts.subscriptions import SubscriptionsContract, SubscriptionsStage
from showtime_core.testing.contracts.tokens import IdentityProviderContract, IdentityProviderStage
from showtime_core.testing.contracts.twitch import (
    AutoModContract,
    AutoModStage,
    ChannelsContract,
    ChannelsStage,
    ClockStage,
    TwitchClockContract,
)
from support.following import until
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import BROADCASTER_ID, CLIENT_ID, CLIENT_SECRET, DEAD, OUR_URL

WANTED = {each.type: each for each in wanted_subscriptions(BROADCASTER_ID)}
ONLINE, RAID, TRAIN = (WANTED[kind] for kind in ("stream.online", "channel.raid", "channel.hype_train.begin"))
SUBSCRIPTIONS = "/helix/eventsub/subscriptions"
AUTOMOD = "/helix/moderation/enforcements/status"


class Client:
    """Our side, with pauses that are noted and not made."""

    def __init__(self, api: TwitchApi, client: httpx.AsyncClient, secret: str = CLIENT_SECRET) -> None:
        self.pauses: list[float] = []
        self.asking = RequestSender(client, pause=self.pause)
        self.now = 0.0
        credentials = Credentials(CLIENT_ID, secret)
        base = f"http://127.0.0.1:{api.port}"
        self.token = AppToken(f"{base}/oauth2", credentials, self.asking, clock=lambda: self.now)
        self.helix = HelixClient(f"{base}/helix", self.token, self.asking)
        self.channels = HelixChannels(self.helix)
        self.subscriptions = HelixSubscriptions(self.helix, OUR_URL, "rewind-before-returning")
        self.consent = TwitchConsent(
            f"{base}/oauth2", credentials, self.asking, "GoldenVCR", required_scopes(WANTED.values())
        )

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def api() -> Iterator[TwitchApi]:
    with twitch_api() as api:
        yield api


@pytest.fixture
async def ours(api: TwitchApi) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(5)) as client:
        yield Client(api, client)


# --- the contracts of the ports -------------------------------------------------------------------


class TestHelixSubscriptions(SubscriptionsContract):
    """The contract, at a Twitch that names the one that is in the way, and at one that does not."""

    @pytest.fixture(params=[True, False], ids=["named", "unnamed"])
    def stage(
        self, api: TwitchApi, ours: Client, request: pytest.FixtureRequest
    ) -> Iterator[SubscriptionsStage]:
        api.world.tells_id, unverified = request.param, threading.Event()
        api.world.before_challenge = lambda _: unverified.wait()

        def add(wanted: WantedSubscription, url: str, status: str) -> str:
            sub = api.world.add(wanted.type, url, status, condition=dict(wanted.condition))
            return sub.id

        yield SubscriptionsStage(
            ours.subscriptions,
            OUR_URL,
            add,
            lambda wanted: api.world.withdrawn.add((wanted.type, wanted.version)),
            lambda: api.fail("/helix", "503", times=100),
        )
        unverified.set()


class TestHelixChannels(ChannelsContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def stage(self, api: TwitchApi, ours: Client) -> ChannelsStage:
        def list_stream(listed: ListedStream | None) -> None:
            api.world.live.clear()
            if listed:
                api.go_live(listed.id, listed.started_at.isoformat().replace("+00:00", "Z"))

        go_away = partial(api.fail, "/helix", "503", times=100)
        return ChannelsStage(ours.channels, "goldenvcr", BROADCASTER_ID, list_stream, go_away)


class TestHelixAutoMod(AutoModContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def stage(self, api: TwitchApi, ours: Client) -> AutoModStage:
        return AutoModStage(
            HelixAutoMod(ours.helix, ours.channels, "GoldenVCR"),
            partial(api.fail, AUTOMOD, "503", times=100),
            partial(api.fail, AUTOMOD, "403", times=100),
        )


class TestHelixClock(TwitchClockContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def stage(self, api: TwitchApi, ours: Client) -> ClockStage:
        def set_ahead(time: timedelta) -> None:
            api.ahead_seconds = time.total_seconds()

        clock = HelixClock(f"http://127.0.0.1:{api.port}/helix", ours.asking)
        return ClockStage(clock, set_ahead, partial(api.fail, "/helix", "503", times=100))


class TestTwitchConsent(ConsentContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def stage(self, api: TwitchApi, ours: Client) -> ConsentStage:
        return ConsentStage(
            ours.consent,
            partial(agree, api),
            partial(setattr, api, "typed_in", True),
            partial(setattr, api, "visitor", "tapehead"),
            partial(setattr, api, "withholds", {"bits:read"}),
            partial(setattr, api, "has_devices", False),
            partial(api.fail, "/oauth2", "503", times=100),
        )


class TestTwitchSignIn(IdentityProviderContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def stage(self, api: TwitchApi, ours: Client) -> IdentityProviderStage:
        oauth = OAuth(ours.consent.auth_url, ours.token.credentials, ours.asking)
        sign_in = TwitchSignIn(oauth, ours.channels, "https://goldenvcr.example/session/twitch/callback")
        return IdentityProviderStage(sign_in, partial(agree, api), partial(api.fail, "/", "503", times=100))


def agree(api: TwitchApi, url: str) -> str:
    """Let whoever is there consent at a URL; gives the code with which the browser comes back."""
    api.authorize(dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)))
    return [*api.codes][-1]


# --- the token ------------------------------------------------------------------------------------


async def test_one_token_does_for_many(api, ours):
    """It is asked for once, and again shortly before it expires."""
    for _ in range(3):
        await ours.channels.stream_listing(BROADCASTER_ID)
    assert api.counted()["POST /oauth2/token"] == 1
    ours.now = api.seconds - 200
    await ours.channels.stream_listing(BROADCASTER_ID)
    assert api.counted()["POST /oauth2/token"] == 2


async def test_a_token_that_is_rejected_is_renewed_once(api, ours):
    """Twitch revokes tokens, also fresh ones: the request is repeated with another, and nobody notices."""
    await ours.channels.stream_listing(BROADCASTER_ID)
    api.revoked.add(api.app_tokens[-1])
    assert (await ours.channels.stream_listing(BROADCASTER_ID)).stream is None
    assert api.counted()["POST /oauth2/token"] == 2


async def test_tokens_that_are_rejected_one_after_the_other_make_no_storm(api, ours):
    """A third would fare no better: whoever asks is told, and for a minute no token is asked for."""
    api.fail("/helix", "401", times=100)
    for _ in range(5):
        with pytest.raises(Refused, match="refuses the token"):
            await ours.channels.stream_listing(BROADCASTER_ID)
    assert api.counted()["POST /oauth2/token"] == 2
    ours.now = 61
    with pytest.raises(Refused, match="refuses the token"):
        await ours.channels.stream_listing(BROADCASTER_ID)
    assert api.counted()["POST /oauth2/token"] == 3


async def test_wrong_credentials_are_refused_by_name(api, ours):
    """The operator is told which settings are wrong, and no secret."""
    wrong = Client(api, ours.asking.client, secret="not-the-secret")
    with pytest.raises(Refused, match="TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET: invalid client secret"):
        await wrong.channels.stream_listing(BROADCASTER_ID)
    assert "not-the-secret" not in repr(wrong.token)


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["500", "503", "cut", "limit"])
async def test_what_passes_is_tried_again(api, ours, how):
    """A failure that passes is tried again once or twice, with growing pauses."""
    api.fail("/helix/users", how, times=2)
    assert await ours.channels.user_id("goldenvcr") == BROADCASTER_ID
    assert ours.pauses[:1] == [0.5]


@pytest.mark.parametrize(
    ("how", "reason"), [("500", "Twitch is unwell"), ("cut", "remote protocol error"), ("limit", "slow down")]
)
async def test_what_does_not_pass_is_unavailable(api, ours, how, reason):
    """A failure that does not pass is Unavailable after three attempts, with the reason."""
    api.fail("/helix/users", how, times=100)
    with pytest.raises(Unavailable, match=reason):
        await ours.channels.user_id("goldenvcr")
    assert api.counted()["GET /helix/users"] == 3


async def test_a_twitch_that_hangs_is_given_up(api, ours, monkeypatch):
    """There is a limit for a request as a whole."""
    monkeypatch.setattr("showtime_adapters.twitch.http.ANSWER_SECONDS", 0.2)
    api.fail("/helix/users", "hang", times=100)
    with pytest.raises(Unavailable, match="it took too long"):
        await ours.channels.user_id("goldenvcr")


async def test_nobody_there_is_unavailable(ours):
    """Refused connections are no answer."""
    nobody = HelixClient("http://127.0.0.1:9/helix", ours.token, ours.asking)
    with pytest.raises(Unavailable, match="no connection"):
        await HelixChannels(nobody).user_id("goldenvcr")


@pytest.mark.parametrize("path", ["/helix/users", "/helix/streams", SUBSCRIPTIONS, "/oauth2/token"])
async def test_rubbish_is_unavailable(api, ours, path):
    """An answer of 200 that cannot be read is Unavailable."""
    api.fail(path, "rubbish", times=100)

    async def ask_all() -> None:
        await ours.channels.user_id("goldenvcr")
        await ours.channels.stream_listing(BROADCASTER_ID)
        await ours.subscriptions.list_all()

    with pytest.raises(Unavailable, match="cannot be understood"):
        await ask_all()


async def test_the_rate_limit_is_kept_to(api, ours):
    """When nothing is left of the rate limit, the next request waits until there is more."""
    await ours.channels.stream_listing(BROADCASTER_ID)
    api.remaining, api.resets_in = 0, 55
    await ours.channels.stream_listing(BROADCASTER_ID)
    assert ours.pauses == []
    await ours.channels.stream_listing(BROADCASTER_ID)
    assert len(ours.pauses) == 1
    assert 25 < ours.pauses[0] <= 55


# --- users and streams ----------------------------------------------------------------------------


async def test_a_user_is_looked_up_once(api, ours):
    """Its id is the same for life, however it is spelt; one that Twitch does not know is refused by name."""
    assert await ours.channels.user_id("goldenvcr") == await ours.channels.user_id("GoldenVCR")
    assert api.counted()["GET /helix/users"] == 1
    with pytest.raises(Refused, match="TWITCH_CHANNEL_NAME"):
        await ours.channels.user_id("betamax")


async def test_a_stream_is_listed_with_its_start(api, ours):
    """A listed stream has its start, and the time of the listing is Twitch's."""
    api.go_live("40123", "2026-10-30T20:00:00Z")
    seen = await ours.channels.stream_listing(BROADCASTER_ID)
    assert seen.stream
    assert (seen.stream.id, seen.stream.started_at) == ("40123", datetime(2026, 10, 30, 20, tzinfo=UTC))
    assert abs((seen.at - datetime.now(UTC)).total_seconds()) < 60
    api.world.live.clear()
    assert (await ours.channels.stream_listing(BROADCASTER_ID)).stream is None


async def test_an_answer_of_automod_that_is_none_permits_nothing(api, ours):
    """An answer of AutoMod that cannot be read is Unavailable, and permits nothing."""
    automod = HelixAutoMod(ours.helix, ours.channels, "GoldenVCR")
    api.fail(AUTOMOD, "rubbish")
    with pytest.raises(Unavailable, match="cannot be understood"):
        await automod.permits("a seal")


# --- subscriptions --------------------------------------------------------------------------------


async def test_one_is_signed_by_our_secret(api, ours):
    """A subscription that is created is signed by our secret, and one that nobody answers for is broken."""
    made = await ours.subscriptions.create(ONLINE)
    assert api.world.subs[made.id].secret == "rewind-before-returning"
    await until(lambda: api.world.challenged)
    found = await ours.subscriptions.find(made.id)
    assert found
    assert found.status == "webhook_callback_verification_failed"  # nobody is there to answer


async def test_every_page_is_asked_for_once(api, ours):
    """A list of several pages is read to its end, and each page is asked for once."""
    for number in range(9):
        api.world.add("stream.online", f"https://others.example/{number}")
    assert len(await ours.subscriptions.list_all()) == 9
    assert api.counted()[f"GET {SUBSCRIPTIONS}"] == 3


async def test_the_time_is_told_without_a_token(api, ours):
    """Twitch's clock is read from the refusal of a request without a token, so that no secret is needed."""
    await HelixClock(f"http://127.0.0.1:{api.port}/helix", ours.asking).read()
    assert not api.app_tokens


async def test_nobody_elses_is_adopted(api, ours):
    """Nobody else's subscription is adopted, not even if Twitch names it."""
    other = api.world.add("stream.online", "https://others.example/")
    api.fail(SUBSCRIPTIONS, "409", method="POST")
    with pytest.raises(Refused, match="does not call our URL"):
        await ours.subscriptions.create(ONLINE)
    assert list(api.world.subs) == [other.id]


async def test_what_is_withdrawn_is_refused_by_name(api, ours):
    """The operator needs a newer version."""
    api.world.withdrawn.add(("stream.online", "1"))
    with pytest.raises(Refused, match=r"version 1 of stream.online: a newer showtime is needed"):
        await ours.subscriptions.create(ONLINE)


async def test_three_of_a_kind_are_refused_at_once(api, ours):
    """It is no rate limit, and waiting would not help."""
    for number in range(3):
        api.world.add("stream.online", f"https://others.example/{number}", DEAD)
    with pytest.raises(Refused, match="three subscriptions of one type"):
        await ours.subscriptions.create(ONLINE)
    assert ours.pauses == []


async def test_what_twitch_finds_wrong_is_told(ours):
    """What Twitch finds wrong is passed on in its own words."""
    nowhere = HelixSubscriptions(ours.helix, "http://127.0.0.1/callback", "rewind-before-returning")
    with pytest.raises(Refused, match="https on the standard port"):
        await nowhere.create(WantedSubscription("stream.online", "1", ONLINE.condition))


# --- consent --------------------------------------------------------------------------------------


async def test_a_device_code_is_waited_for(api, ours):
    """A device code is awaited until consent is there, also if Twitch is away for a while."""
    device = await ours.consent.start_device_flow()
    assert "ABCDEFGH" in device.verification_url
    api.fail("/oauth2/token", "503", times=4)  # three attempts, and one of the next time

    async def type_in(_: float) -> None:
        api.typed_in = True

    await ours.consent.await_device(device, type_in)
    assert not api.failures[0].times
    assert "channel:read:hype_train" in api.world.consents[BROADCASTER_ID]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"visitor": "tapehead"}, "it was tapehead who has consented, and the channel is GoldenVCR"),
        ({"withholds": {"bits:read"}}, "the consent of goldenvcr lacks bits:read"),
    ],
)
async def test_somebody_elses_consent_or_a_part_will_not_do(api, ours, changes, reason):
    """What is missing is named."""
    for name, value in changes.items():
        setattr(api, name, value)
    api.typed_in = True
    device = await ours.consent.start_device_flow()
    with pytest.raises(NotAllowed, match=reason):
        await ours.consent.await_device(device, ours.pause)


async def test_a_device_code_that_is_not_typed_in_ends(api, ours):
    """It is asked for as often as Twitch allows, and not for ever."""
    device = await ours.consent.start_device_flow()
    api.codes.clear()
    with pytest.raises(Refused, match="invalid device code"):
        await ours.consent.await_device(device, ours.pause)
    api.has_devices = False
    with pytest.raises(Refused, match="not enabled"):
        await ours.consent.start_device_flow()
