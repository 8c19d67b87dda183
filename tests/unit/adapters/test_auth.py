"""Who bears a token: whatever is brought and whatever auth answers; how long its keys are kept."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable

import httpx
import jwt
import pytest
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st

from showtime_core.domain.viewers import Identity, Role, Viewer
from showtime_core.errors import NotAuthenticated, Unavailable
from support.auth_service import Key, claims, signed
from support.clients import opened_auth

KEY = Key("tape-1986")
OTHER = Key("tape-1987")
VIEWER = Identity(Viewer("31337", "tapehead", "TapeHead"), Role.VIEWER)

Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["RS256", "RS512", "HS256", "PS256", "none"]) | json_values,
        "kid": st.just(KEY.id) | json_values,
        "typ": json_values,
        "crit": json_values,
        "b64": json_values,
    },
)
odd_claims = st.dictionaries(st.sampled_from([*claims(), "nbf", "aud", "sub", "jti"]), json_values)


@define
class Auth:
    """Auth as a function, and a clock that is set by hand."""

    keys: list[Key] = field(factory=lambda: [KEY])
    now: float = 1000.0
    fetches: int = 0
    is_away: bool = False

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/access":
            return httpx.Response(401, text="access denied\n")
        self.fetches += 1
        await asyncio.sleep(0)  # others come meanwhile
        if self.is_away:
            raise httpx.ConnectError("it is away", request=request)
        return httpx.Response(200, json={"keys": [key.jwk for key in self.keys]})


@pytest.fixture
def auth():
    return Auth()


@pytest.fixture
async def service(auth):
    transport = httpx.MockTransport(auth.answer)
    async with opened_auth("http://auth", transport=transport, clock=lambda: auth.now) as service:
        yield service


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed_anyhow(header: dict[str, object], claimed: dict[str, object]) -> str:
    """Sign what PyJWT would not write."""
    head = f"{segment(header)}.{segment(claimed)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(head.encode(), KEY.private)
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def outcome(token: str, answer: Answer | None = None) -> Identity | type[Exception]:
    """Identify, once."""

    async def identify() -> Identity | type[Exception]:
        transport = httpx.MockTransport(answer or Auth().answer)
        async with opened_auth("http://auth", transport=transport) as service:
            try:
                return await service.identify(token)
            except (NotAuthenticated, Unavailable) as reason:
                return type(reason)

    return asyncio.run(identify())


# --- whatever is brought --------------------------------------------------------------------------


@given(st.text(st.characters() | st.sampled_from("eyJ._-=\ud800")))
@example("")
@example("\ud800")
@example("..")
@example("a.b.c\r\nx-role: broadcaster")
def test_any_text_is_refused_in_order(text):
    """Whatever text comes as a token, the outcome is one of the port's."""
    assert outcome(text) is NotAuthenticated


@given(headers, odd_claims)
@example({"alg": "RS256", "kid": KEY.id}, {"exp": float("inf")})
@example({"alg": "RS256", "kid": KEY.id}, {"exp": -float("nan")})
@example({"alg": ["RS256"], "kid": KEY.id}, {})
@example({"alg": "RS256", "kid": [KEY.id]}, {})
@example({"alg": "RS256", "kid": KEY.id, "crit": ["exp"]}, {})
def test_whatever_a_token_claims_it_is_judged(header, changes):
    """A token that auth's own key has signed, however odd, bears a viewer or is refused."""
    told = outcome(signed_anyhow(header, claims() | changes))
    assert told is NotAuthenticated or (isinstance(told, Identity) and told.role is Role.VIEWER)


@pytest.mark.parametrize("claim", ["twitch_user_id", "twitch_user_login", "twitch_display_name"])
def test_a_name_is_one_that_a_database_can_keep(claim):
    """What it cannot keep of a name is dropped; a name of nothing else, or without end, is nobody's."""
    named = outcome(signed(KEY, **{claim: "Null\0Nora\ud83d"}))
    assert isinstance(named, Identity)
    assert "NullNora" in {named.viewer.id, named.viewer.login, named.viewer.display_name}
    assert outcome(signed(KEY, **{claim: "x" * 201})) is NotAuthenticated
    if claim != "twitch_display_name":  # without one the login is shown
        assert outcome(signed(KEY, **{claim: "\0"})) is NotAuthenticated


def test_a_token_nested_without_end_is_refused():
    """A token that is nested too deeply to be read is a token of nobody."""
    deep = base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=")
    assert outcome(f"{deep}.{deep}.{deep}") is NotAuthenticated
    assert outcome(f"{segment({'alg': 'RS256'})}.{deep}.x") is NotAuthenticated


@given(st.sampled_from([200, 200, 204, 301, 400, 403, 404, 429, 500, 503]), st.binary() | json_values)
@example(200, b"\xff")
@example(200, {"keys": [{"kty": "RSA", "kid": KEY.id, "n": "AQAB", "e": "AQAB"}]})
@example(200, {"keys": [{"kty": "EC", "kid": KEY.id, "crv": "P-256", "x": "AA", "y": "AA"}]})
@example(200, {"keys": [{"kty": "oct", "kid": KEY.id, "k": "c2VjcmV0"}]})
@example(200, {"keys": [KEY.jwk | {"n": 7}]})
@example(200, {"keys": [KEY.jwk | {"e": "!"}]})
@example(200, {"keys": {"kid": KEY.id}})
def test_whatever_auth_answers_nobody_passes(status, body):
    """An answer of auth that makes no sense leaves it open whose token it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content)

    assert {outcome(token, answer) for token in ("0paque", signed(KEY))} == {Unavailable}


# --- its keys -------------------------------------------------------------------------------------


async def test_keys_are_kept_for_ten_minutes(auth, service):
    """The keys are fetched when first needed, and again once they are ten minutes old."""
    for now, fetches in [(0, 1), (1, 1), (599, 1), (600, 2), (1199, 2), (1200, 3)]:
        auth.now = 1000 + now
        assert await service.identify(signed(KEY)) == VIEWER
        assert auth.fetches == fetches


async def test_a_key_that_auth_has_withdrawn_is_forgotten(auth, service):
    """Once its keys are fetched again, a key that is not among them verifies nothing."""
    assert await service.identify(signed(KEY)) == VIEWER
    auth.keys, auth.now = [OTHER], auth.now + 10
    assert await service.identify(signed(OTHER)) == VIEWER
    with pytest.raises(NotAuthenticated):
        await service.identify(signed(KEY))


async def test_an_unknown_key_is_looked_for_every_ten_seconds_at_most(auth, service):
    """However many tokens name unknown keys, the keys are fetched once in ten seconds."""
    for second in range(60):
        auth.now = 1000 + second
        with pytest.raises(NotAuthenticated):
            await service.identify(signed(OTHER, kid=f"no-tape-{second}"))
    assert auth.fetches == 6


async def test_keys_are_fetched_once_for_all_who_wait(auth, service):
    """Tokens that come while the keys are on their way wait for these, and are all accepted."""
    tokens = [signed(KEY)] * 50
    assert await asyncio.gather(*map(service.identify, tokens)) == [VIEWER] * 50
    assert auth.fetches == 1


async def test_an_auth_that_is_away_is_asked_once_a_second(auth, service):
    """While the keys cannot be had, they are asked for once a second, and are there as soon as auth is."""
    auth.is_away = True
    for _ in range(3):
        told = await asyncio.gather(*map(service.identify, [signed(KEY)] * 9), return_exceptions=True)
        assert {type(each) for each in told} == {Unavailable}
        auth.now += 1
    assert auth.fetches == 3
    auth.is_away = False
    assert await service.identify(signed(KEY)) == VIEWER
    with pytest.raises(NotAuthenticated):
        await service.identify(signed(OTHER))


async def test_nobody_says_that_a_key_is_unknown_while_auth_is_away(auth, service):
    """A token of an unknown key is left undecided while auth cannot be asked; one of a known key is not."""
    assert await service.identify(signed(KEY)) == VIEWER
    auth.is_away, auth.now = True, auth.now + 10
    for _ in range(2):
        with pytest.raises(Unavailable):
            await service.identify(signed(OTHER))
    assert await service.identify(signed(KEY)) == VIEWER


async def test_old_keys_verify_nothing(auth, service):
    """Keys older than ten minutes are not used, even when auth is away: it may have withdrawn them."""
    assert await service.identify(signed(KEY)) == VIEWER
    auth.is_away, auth.now = True, auth.now + 600
    with pytest.raises(Unavailable):
        await service.identify(signed(KEY))


async def test_a_service_shows_no_token(service):
    """What is printed of the service, and of its errors, tells no token."""
    token = signed(OTHER, kid=KEY.id)
    with pytest.raises(NotAuthenticated) as refused:
        await service.identify(token)
    shown = repr(service) + repr(refused.value) + repr(refused.value.__cause__)
    assert not any(part[:16] in shown for part in token.split("."))


async def test_connections_end_with_the_service():
    """When the service is left, its connections are closed."""

    class Transport(httpx.MockTransport):
        is_open = True

        async def aclose(self) -> None:
            self.is_open = False

    transport = Transport(Auth().answer)
    async with opened_auth("http://auth", transport=transport):
        assert transport.is_open
    assert not transport.is_open
