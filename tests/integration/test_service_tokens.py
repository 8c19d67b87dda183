"""Tokens with which showtime acts for viewers: signed for, kept, renewed, and told to nobody."""

import asyncio

import jwt
import pytest
from attrs import evolve

from showtime_adapters import service_tokens
from showtime_adapters.service_tokens import sign
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused, Unavailable
from support.auth_service import Auth, signed
from support.clients import opened_tokens

VERA = Viewer("1986", "vera_haste", "Vera_Haste")
PATH = "/service-token"


@pytest.fixture(scope="module")
def well_auth():
    with Auth() as auth:
        yield auth


@pytest.fixture
def auth(well_auth):
    """Run auth; however a test has left it, the next one finds it well."""
    well_auth.requests.clear()
    yield well_auth
    well_auth.trouble()
    well_auth.lifetime_seconds = 900


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def tokens(auth, clock):
    async with opened_tokens(auth.url, auth.secret, clock=clock) as tokens:
        yield tokens


def claims(auth, token):
    return jwt.decode(token, auth.key.private.public_key(), ["RS256"])


def test_a_request_is_signed_as_auth_expects():
    """A request is signed as in the vector that auth and its clients agree on."""
    assert sign(
        "my-secret",
        "d6c6a6d0-bb4e-4ff2-8188-4dda238f9223",
        "2023-12-06T21:06:04+00:00",
        b"hello world",
    ) == ("sha256=d1550fb3eea5eb856f5d0297f45568dfb19cfa4f4df3bb8a02e57487a6a8951b")


@pytest.mark.parametrize("name", ["Vera_Haste", "Véra", "ヴェラ 📼", ""])
async def test_a_token_speaks_for_the_viewer(tokens, auth, name):
    """A token speaks for a viewer of any name, and where it is empty for the login."""
    said = claims(auth, await tokens.token(evolve(VERA, display_name=name)))
    assert said["gvcr_service"] == "showtime"
    assert said["twitch_user_id"] == "1986"
    assert said["twitch_user_login"] == "vera_haste"
    assert said["twitch_display_name"] == (name or "vera_haste")


async def test_a_token_is_fetched_once_for_all_who_need_it(tokens, auth):
    """A crowd that acts for a few viewers makes one request for each of them."""
    viewers = [evolve(VERA, id=str(number % 3)) for number in range(60)]
    given = await asyncio.gather(*(tokens.token(viewer) for viewer in viewers))
    assert len(set(given)) == 3
    assert auth.requests[PATH] == 3


async def test_a_viewer_who_is_called_otherwise_has_another_token(tokens, auth):
    """A name changes now and then; the token says the present one."""
    await tokens.token(VERA)
    token = await tokens.token(evolve(VERA, display_name="Vera_Renamed"))
    assert claims(auth, token)["twitch_display_name"] == "Vera_Renamed"
    assert auth.requests[PATH] == 2


async def test_a_token_is_kept_until_shortly_before_its_end(tokens, auth, clock):
    """A token is kept for all but its last minute, by its own length, whatever the clocks of others say."""
    await tokens.token(VERA)
    clock.now += 839
    await tokens.token(VERA)
    assert auth.requests[PATH] == 1
    clock.now += 2
    await tokens.token(VERA)
    assert auth.requests[PATH] == 2


async def test_a_token_that_somebody_refused_is_not_given_again(tokens, auth):
    """A refused token is not given again, but only if it is still the one that would be given."""
    token = await tokens.token(VERA)
    tokens.forget(VERA, "another")
    tokens.forget(evolve(VERA, id="none"), token)
    await tokens.token(VERA)
    assert auth.requests[PATH] == 1
    tokens.forget(VERA, token)
    await tokens.token(VERA)
    assert auth.requests[PATH] == 2


async def test_tokens_are_kept_for_so_many_viewers(tokens, auth, monkeypatch):
    """Tokens are kept for those who were active last, so that memory does not grow with every viewer."""
    monkeypatch.setattr(service_tokens, "KEEP_VIEWERS", 3)
    for number in [1, 2, 3, 1, 4]:
        await tokens.token(evolve(VERA, id=str(number)))
    assert auth.requests[PATH] == 4
    for number in [1, 3, 4]:
        await tokens.token(evolve(VERA, id=str(number)))
    assert auth.requests[PATH] == 4
    await tokens.token(evolve(VERA, id="2"))
    assert auth.requests[PATH] == 5


@pytest.mark.parametrize(
    "failure",
    ["refuse", "hang", "cut", "die", "302", "401", "500", "502", "rubbish", "", "a.b.c", "{}", "drip"],
)
async def test_an_auth_that_is_not_well_is_unavailable(auth, failure):
    """Whatever it does, nothing has happened, and the next attempt may succeed."""
    async with opened_tokens(auth.url, auth.secret, answer_seconds=1.0) as tokens:
        auth.trouble(failure)
        with pytest.raises(Unavailable):
            await tokens.token(VERA)
    auth.trouble()
    async with opened_tokens(auth.url, auth.secret) as tokens:
        assert claims(auth, await tokens.token(VERA))


@pytest.mark.parametrize("odd", [{"exp": None}, {"iat": None}, {"exp": "tomorrow"}, {"exp": []}])
async def test_a_token_without_an_end_is_none(tokens, auth, odd):
    """How long it lasts has to be known."""
    auth.trouble(signed(auth.key, **odd))
    with pytest.raises(Unavailable, match="cannot be read"):
        await tokens.token(VERA)


async def test_a_failure_is_not_kept(tokens, auth):
    """Everybody who waits asks for himself when the one before him has failed."""
    auth.trouble("500")
    crowd = (tokens.token(VERA) for _ in range(3))
    outcomes = await asyncio.gather(*crowd, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    auth.trouble()
    assert await tokens.token(VERA)


async def test_a_viewer_whom_auth_will_not_have_is_refused(tokens):
    """A viewer whom auth refuses is Refused in auth's words, since trying again changes nothing."""
    with pytest.raises(Refused, match=r"1986: invalid payload: 'user.login' is required"):
        await tokens.token(evolve(VERA, login=""))


async def test_a_wrong_secret_is_named(auth):
    """A wrong secret is named by its setting, and not by its value."""
    async with opened_tokens(auth.url, "another-secret-than-auth-has") as tokens:
        with pytest.raises(Unavailable, match="AUTH_SHARED_SECRET") as reason:
            await tokens.token(VERA)
    assert "another-secret" not in f"{reason.value!r} {reason.value.__cause__!r} {tokens!r}"
