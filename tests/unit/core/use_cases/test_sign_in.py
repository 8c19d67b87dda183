"""Signing in: with Twitch, by a click on a laptop, and by a code that pairs a phone."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from showtime_core.domain.sessions import CodePurpose, Host, HostRole, OneTimeCode, SignInWay
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotAuthenticated, NotFound, Refused, Unavailable
from showtime_core.testing.contracts.sessions import HOST, MODERATOR
from showtime_core.testing.twins.identity import MemoryIdentityProvider
from showtime_core.testing.twins.sessions import MemoryModerators, MemoryOneTimeCodes, MemorySessions
from showtime_core.texts import digest_of
from showtime_core.use_cases.sign_in import NewToken, SignIn, TwitchReply

STRANGER = Viewer("666", "evil", "Evil")


def twitch():
    """Know a moderator by login, and three who have signed in."""
    codes = {"host": HOST, "moderator": MODERATOR, "stranger": STRANGER}
    return MemoryIdentityProvider({MODERATOR.login: MODERATOR}, codes)


class Stage:
    """A channel in memory, its sign-in, and a clock."""

    def __init__(self):
        self.now, self.twitch = datetime(2026, 10, 30, 20, tzinfo=UTC), twitch()
        moderators = MemoryModerators(lambda: self.now)
        codes = MemoryOneTimeCodes(lambda: self.now)
        self.use_case = SignIn(MemorySessions(moderators), moderators, codes, "goldenvcr", self.twitch)

    async def sign_in(self, code="host", token="t" * 20, replaced=None, **reply):
        await self.use_case.begin("state", "browser", "/console")
        return await self.finish(code, token, replaced, **reply)

    async def finish(self, code="host", token="t" * 20, replaced=None, **reply):
        answer = evolve(TwitchReply("state", "browser", code), **reply)
        return await self.use_case.finish(answer, NewToken(token, replaced))

    async def nobody_is_in(self):
        return not self.use_case.sessions.kept


@pytest.fixture
def stage():
    return Stage()


async def test_the_broadcaster_signs_in_with_twitch(stage):
    """Who comes back from Twitch as the channel's user is the broadcaster, and is led on."""
    assert stage.use_case.way is SignInWay.TWITCH
    assert await stage.use_case.begin("state", "browser", "/console") == "https://twitch.example?state=state"
    assert await stage.finish(token="token-of-the-host") == "/console"
    assert await stage.use_case.identify("token-of-the-host") == Host(HOST, HostRole.BROADCASTER)
    await stage.use_case.sign_out("token-of-the-host")
    with pytest.raises(NotAuthenticated, match="sign in again"):
        await stage.use_case.identify("token-of-the-host")


async def test_an_answer_belongs_to_one_browser(stage):
    """A state that another browser brings is refused, and is worth nothing afterwards."""
    for browser in ("other", ""):
        with pytest.raises(Refused, match="belongs to no sign-in of this browser"):
            await stage.sign_in(browser=browser)
        with pytest.raises(Refused, match="belongs to no sign-in of this browser"):
            await stage.finish()
    assert await stage.nobody_is_in()
    assert stage.twitch.codes["host"] == HOST, "the code was not even looked at"


async def test_a_state_is_used_once_and_soon(stage):
    """A state is refused that nobody began, that was used, or that is ten minutes old."""
    with pytest.raises(Refused, match="belongs to no sign-in"):
        await stage.finish()
    await stage.sign_in()
    stage.twitch.codes["again"] = HOST
    with pytest.raises(Refused, match="was used"):
        await stage.finish("again")
    await stage.use_case.begin("state", "browser", "/")
    stage.now += timedelta(minutes=10)
    with pytest.raises(Refused, match="older than ten minutes"):
        await stage.finish("again")
    assert len(stage.use_case.sessions.kept) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        ({"code": "", "error": "access_denied"}, NotAllowed, "declined"),
        ({"code": "host", "error": "access_denied"}, NotAllowed, "declined"),
        ({"code": ""}, NotAllowed, "declined"),
        ({"code": "forged"}, Refused, "Twitch refuses the code"),
        ({"code": "stranger"}, NotAllowed, "Evil is neither the broadcaster nor a moderator"),
        ({"code": "moderator"}, NotAllowed, "TapeHead is neither the broadcaster nor a moderator"),
    ],
)
async def test_who_does_not_get_in_is_told_why(stage, reply, kind, said):
    """Whoever declines, brings no good code, or is nobody here, has no session."""
    with pytest.raises(kind, match=said):
        await stage.sign_in(**reply)
    assert await stage.nobody_is_in()


async def test_while_twitch_is_away_nobody_gets_in(stage):
    """A Twitch that is away is told as such, and the state is used all the same."""
    stage.twitch.is_away = True
    with pytest.raises(Unavailable):
        await stage.sign_in()
    stage.twitch.is_away = False
    with pytest.raises(Refused, match="was used"):
        await stage.finish()
    assert await stage.nobody_is_in()


async def test_a_moderator_is_named_by_login_and_known_by_id(stage):
    """A moderator gets in as the user who had the login when named, whatever it is now."""
    with pytest.raises(NotFound, match="Twitch knows no user nobody"):
        await stage.use_case.name_moderator("nobody")
    named = await stage.use_case.name_moderator("tapehead")
    assert named.viewer == MODERATOR
    stage.twitch.codes |= {"renamed": Viewer(MODERATOR.id, "rewinder", "Rewinder")}
    await stage.sign_in("renamed", token="token-of-a-moderator")
    assert (await stage.use_case.identify("token-of-a-moderator")).role is HostRole.MODERATOR
    stage.twitch.codes |= {"heir": Viewer("777", "tapehead", "TapeHead")}
    with pytest.raises(NotAllowed):
        await stage.sign_in("heir")


async def test_a_moderator_who_is_withdrawn_is_out_at_once(stage):
    """A session of a moderator ends with the moderator, and no new one is opened."""
    await stage.use_case.name_moderator("tapehead")
    await stage.sign_in("moderator", token="token-of-a-moderator")
    await stage.use_case.moderators.withdraw(MODERATOR.id)
    with pytest.raises(NotAuthenticated):
        await stage.use_case.identify("token-of-a-moderator")


async def test_a_new_session_takes_the_place_of_what_the_browser_had(stage):
    """The token that a browser had before opens nothing afterwards, whoever had put it there."""
    await stage.sign_in(token="token-of-before", replaced="planted-by-somebody")
    with pytest.raises(NotAuthenticated):
        await stage.use_case.identify("planted-by-somebody")
    stage.twitch.codes["again"] = HOST
    await stage.sign_in("again", token="token-of-now", replaced="token-of-before")
    with pytest.raises(NotAuthenticated):
        await stage.use_case.identify("token-of-before")
    assert (await stage.use_case.identify("token-of-now")).viewer == HOST


async def test_a_session_of_another_channel_or_of_a_laptop_is_none(stage):
    """A session holds where one signs in as it was opened, and while the channel is the same."""
    await stage.sign_in(token="token-of-the-host")
    other = evolve(stage.use_case, channel="betamax")
    with pytest.raises(NotAuthenticated):
        await other.identify("token-of-the-host")
    laptop = evolve(stage.use_case, provider=None, local_host=HOST)
    with pytest.raises(NotAuthenticated):
        await laptop.identify("token-of-the-host")
    await laptop.let_in(NewToken("token-of-a-laptop"))
    assert (await laptop.identify("token-of-a-laptop")).role is HostRole.BROADCASTER
    with pytest.raises(NotAuthenticated):
        await stage.use_case.identify("token-of-a-laptop")


async def test_where_twitch_is_not_set_up_nobody_signs_in_there(stage):
    """Without Twitch there is no way in, and what is missing is told."""
    off = evolve(stage.use_case, provider=None, why_not="TWITCH_REDIRECT_URL must be set")
    assert off.way is None
    for attempt in (
        off.begin("state", "browser", "/"),
        off.finish(TwitchReply("state", "browser", "host"), NewToken("token")),
        off.name_moderator("tapehead"),
    ):
        with pytest.raises(NotFound, match="TWITCH_REDIRECT_URL must be set"):
            await attempt


async def test_nobody_gets_in_without_twitch_but_on_a_laptop(stage):
    """A click and a pairing code let nobody in where the service is no laptop's."""
    await stage.use_case.codes.keep(digest_of("code"), OneTimeCode(CodePurpose.PAIRING))
    for attempt in (stage.use_case.let_in(NewToken("token")), stage.use_case.pair("code", NewToken("token"))):
        with pytest.raises(NotFound, match="only `showtime dev`"):
            await attempt
    assert await stage.nobody_is_in()


async def test_a_pairing_code_signs_in_one_phone(stage):
    """A pairing code is accepted once, within ten minutes, and a state of a sign-in is none."""
    laptop = evolve(stage.use_case, local_host=HOST)
    assert laptop.way is SignInWay.LOCAL
    for code in ("code", "late"):
        await laptop.codes.keep(digest_of(code), OneTimeCode(CodePurpose.PAIRING))
    await laptop.pair("code", NewToken("token-of-a-phone"))
    assert (await laptop.identify("token-of-a-phone")).viewer == HOST
    await laptop.begin("state", "browser", "/")
    stage.now += timedelta(minutes=10)
    for code in ("code", "late", "state", "unknown", "", "\ud800"):
        with pytest.raises(NotAuthenticated, match="the code is not known"):
            await laptop.pair(code, NewToken("another"))
