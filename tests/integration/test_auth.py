"""Access tokens in production: `showtime serve` beside an auth service, well or not."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from support import auth_service as a
from support import twitch as t
from support.auth_service import Key, auth_service, claims, signed
from support.databases import fresh_database
from support.dev import developing
from support.following import await_some
from support.in_process import running_here
from support.server import Served, environment, free_port, running

NO_TOKEN = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
NOT_ACCEPTED = (401, "access token was not accepted")
NOT_THE_HOST = (403, "insufficient access: requires broadcaster; you are viewer")
AWAY = (503, "access tokens cannot be checked now: the auth service is away")
DONE = (204, "")
FORGER = Key("tape-1986")
"""Has the id of auth's own key."""


@pytest.fixture(scope="module")
def auth():
    with auth_service() as auth:
        yield auth


@pytest.fixture(scope="module")
def server(auth, postgres_server):
    """Serve beside auth, while a broadcast is live."""
    with (
        fresh_database(postgres_server.conninfo) as conninfo,
        running_here(conninfo, {"AUTH_URL": auth.url}) as server,
    ):
        deliver(server, t.online())
        yield server


@pytest.fixture(autouse=True)
def well(auth):
    """However a test has left auth, the next one finds it well."""
    yield
    auth.failure = None


@pytest.fixture
def own_auth():
    """Run an auth service for this test alone."""
    with auth_service() as auth:
        yield auth


@pytest.fixture
def own_server(own_auth, migrated):
    """Run a server for this test alone: it has no keys yet."""
    with running_here(migrated, {"AUTH_URL": own_auth.url}) as server:
        deliver(server, t.online())
        yield server


def serving(conninfo, log, auth_url, **settings):
    return running(conninfo, log, settings={"AUTH_URL": auth_url} | settings)


def deliver(server: Served, message: t.Message) -> int:
    url = f"{server.url}/callback"
    return httpx.post(url, headers=message.headers, content=message.body, timeout=60).status_code


def ask(server: Served, authorization: str | None, method: str = "DELETE", path: str = "tape"):
    """Ask without a library that would put the header in order."""
    headers = {} if authorization is None else {"authorization": authorization}
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, f"/admin/{path}", headers=headers)
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode()


def ask_both(server: Served, authorization: str | None):
    """Ask both routes of the host, which must answer alike; give their answer."""
    on, off = ask(server, authorization, "POST", "tape/5"), ask(server, authorization)
    assert on == off
    return on


def await_answer(server: Served, token: str, expected: tuple[int, str], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while (answer := ask(server, token)) != expected:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


# --- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer  ", "bearer", "BEARER "], ids=repr
)
def test_without_a_token_nobody_is_asked(server, auth, authorization):
    """No token, or the prefix alone, is answered 400, and auth hears nothing of it."""
    before = auth.requests.total()
    assert ask_both(server, authorization) == NO_TOKEN
    assert auth.requests.total() == before


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer ", "BEARER  "], ids=repr)
@pytest.mark.parametrize(
    ("token", "expected"),
    [(a.BROADCASTER, DONE), (a.VIEWER, NOT_THE_HOST), (a.REJECTED, NOT_ACCEPTED), (a.TROUBLED, AWAY)],
)
def test_what_auth_says_of_a_token_of_twitch_counts(server, prefix, token, expected):
    """Auth decides on Twitch tokens: the broadcaster passes, a viewer gets 403, refused 401, failing 503."""
    assert ask_both(server, prefix + token) == expected


def test_nothing_of_twitch_s_is_remembered(server, auth):
    """Auth is asked about a token of Twitch each time, since Twitch may take it back at any time."""
    before = auth.requests["/access"]
    assert [ask(server, a.BROADCASTER) for _ in range(3)] == [DONE] * 3
    assert auth.requests["/access"] == before + 3


@pytest.mark.parametrize("prefix", ["", "Bearer "], ids=repr)
@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("whose", ["31337", "953753877"])
def test_a_service_speaks_for_a_viewer(server, auth, prefix, alg, whose):
    """A service token permits what a viewer may, whoever it names, and auth is not asked about it."""
    before = auth.requests["/access"]
    token = signed(auth.key, alg, twitch_user_id=whose)
    assert ask_both(server, prefix + token) == NOT_THE_HOST
    assert auth.requests["/access"] == before


def test_a_service_token_is_accepted_when_auth_s_clock_is_ahead(server, auth):
    """A token that was issued in a minute is accepted: only its end counts."""
    assert ask_both(server, signed(auth.key, iat=int(time.time()) + 60)) == NOT_THE_HOST


@pytest.mark.parametrize(
    "forge",
    [
        lambda key: signed(key, exp=int(time.time()) - 1),
        lambda key: signed(key, exp=None),
        lambda key: signed(key, exp="tomorrow"),
        lambda key: signed(FORGER, kid=key.id),
        lambda key: signed(key, "PS256"),
        a.unsigned,
        a.signed_with_what_all_know,
        lambda key: signed(key).rpartition(".")[0] + ".",
        lambda key: signed(key)[:-8] + "AAAAAAAA",
        lambda key: a.jwt.encode(claims(), key.private, "RS256"),
        *(
            lambda key, name=name, value=value: signed(key, **{name: value})
            for name in ("twitch_user_id", "twitch_user_login", "twitch_display_name")
            for value in (None, "", 7)
        ),
    ],
)
def test_a_service_token_that_is_expired_or_forged_is_not_accepted(server, auth, forge):
    """A token expired, signed otherwise or by another, without key id or a claim is answered 401."""
    before = auth.requests["/access"]
    assert ask_both(server, "Bearer " + forge(auth.key)) == NOT_ACCEPTED
    assert auth.requests["/access"] == before


def test_a_jwt_of_somebody_else_is_for_auth_to_judge(server, auth):
    """A JWT with another issuer is no service token, however well it is signed: auth is asked about it."""
    before = auth.requests["/access"]
    assert ask(server, signed(auth.key, iss="https://id.twitch.tv/oauth2")) == NOT_ACCEPTED
    assert ask(server, signed(auth.key, iss=None)) == NOT_ACCEPTED
    assert auth.requests["/access"] == before + 2


@pytest.mark.parametrize("token", ["Bearer x y", "Basic Z29sZGVuOnZjcg==", "k\xe4se", "x,y", "=", '"'])
def test_what_is_no_token_is_not_carried_to_auth(server, auth, token):
    """What cannot be a token is answered 401, and not sent on."""
    before = auth.requests.total()
    assert ask_both(server, token) == NOT_ACCEPTED
    assert auth.requests.total() == before


# --- keys ---------------------------------------------------------------------------------------


def test_the_keys_are_fetched_once(own_server, own_auth):
    """The keys are fetched when they are first needed, once for all who need them at that moment."""
    assert own_auth.requests.total() == 0
    token = signed(own_auth.key)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(own_server, token), range(48)))
    assert set(answers) == {NOT_THE_HOST}
    assert own_auth.requests == {"/.well-known/jwks.json": 1}


def test_a_storm_of_unknown_keys_hardly_reaches_auth(own_server, own_auth):
    """Tokens that name keys that do not exist are answered 401; auth is hardly asked for its keys."""
    tokens = [signed(FORGER, kid=f"no-such-tape-{n}") for n in range(200)]
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda token: ask(own_server, token), tokens))
    assert set(answers) == {NOT_ACCEPTED}
    assert own_auth.requests["/.well-known/jwks.json"] <= 1 + (time.monotonic() - started) / 10
    assert ask(own_server, signed(own_auth.key)) == NOT_THE_HOST, "who has a good token is not hurt by it"


def test_a_new_key_is_found(own_server, own_auth):
    """When auth changes its key, its new tokens are accepted within seconds, without a restart."""
    old = signed(own_auth.key)
    assert ask(own_server, old) == NOT_THE_HOST
    own_auth.rotate()
    await_answer(own_server, signed(own_auth.key), NOT_THE_HOST)
    assert ask(own_server, old) == NOT_ACCEPTED


# --- an auth that is not well ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", ["500", "302", "cut", "rubbish", "", "[]", "{}", '{"user":{}}', "[" * 9999]
)
def test_an_auth_that_fails_is_answered_503(server, auth, failure):
    """Whatever auth answers but what it should, nobody is let through: 503."""
    auth.failure = failure
    assert ask_both(server, a.BROADCASTER) == AWAY


@pytest.mark.parametrize(
    "answer",
    [
        '{"user":{"id":"1","login":"vera","displayName":"Vera"},"role":"moderator"}',
        '{"user":{"id":"1","login":"vera","displayName":"Vera"},"role":null}',
        '{"user":{"id":"","login":"vera","displayName":"Vera"},"role":"broadcaster"}',
        '{"user":{"id":1,"login":"vera","displayName":"Vera"},"role":"broadcaster"}',
        '{"user":{"id":"\\u0000","login":"vera","displayName":"Vera"},"role":"broadcaster"}',
        f'{{"user":{{"id":"1","login":"{"v" * 201}","displayName":"Vera"}},"role":"broadcaster"}}',
        '{"user":null,"role":"broadcaster"}',
        '{"keys":[{"kty":"RSA","kid":"tape-1986"}]}',
    ],
)
def test_an_answer_that_says_too_little_lets_nobody_through(server, auth, answer):
    """An answer without a viewer and a role that we know is as good as none: 503."""
    auth.failure = answer
    assert ask_both(server, a.BROADCASTER) == AWAY


@pytest.mark.parametrize(
    "failure", ["500", "rubbish", "[]", '{"keys":[]}', '{"keys":7}', '{"keys":[{"kty":"RSA","n":5}]}', "cut"]
)
def test_without_keys_no_service_token_is_judged(own_server, own_auth, failure):
    """Keys that cannot be had or read leave a service token undecided (503), and only for as long."""
    own_auth.failure = failure
    token = signed(own_auth.key)
    assert ask_both(own_server, token) == AWAY
    own_auth.failure = None
    await_answer(own_server, token, NOT_THE_HOST)


@pytest.mark.parametrize("failure", ["hang", "drip"])
def test_an_auth_that_hangs_holds_nobody_up_for_long(own_server, own_auth, failure):
    """Whoever asks while auth hangs is answered 503 before auth says a word, and the rest goes on."""
    own_auth.failure = failure
    tokens = [a.BROADCASTER, signed(own_auth.key)] * 30
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(ask, own_server, token) for token in tokens]
        assert httpx.get(f"{own_server.url}/readyz").status_code == 200
        assert deliver(own_server, t.cheer()) == 204
        await_some(lambda: own_auth.most_connections >= 20)
        time.sleep(0.5)  # there is no event for what does not come
        assert own_auth.most_connections == 20
        assert not all(each.done() for each in asked)
        assert {each.result() for each in asked} == {AWAY}
    own_auth.failure = None
    await_answer(own_server, a.BROADCASTER, DONE)
    await_answer(own_server, signed(own_auth.key), NOT_THE_HOST)


def test_a_known_key_outlives_an_auth_that_is_away(own_server, own_auth):
    """While auth is away, service tokens are still verified with the keys that are known."""
    assert ask(own_server, signed(own_auth.key)) == NOT_THE_HOST
    own_auth.stop()
    assert ask(own_server, signed(own_auth.key)) == NOT_THE_HOST
    assert ask(own_server, signed(FORGER)) == NOT_ACCEPTED
    assert ask(own_server, a.BROADCASTER) == AWAY


def test_auth_may_come_and_go(migrated, tmp_path):
    """The server starts without auth, answers 503, and goes on by itself whenever auth is there."""
    port, key = free_port(), Key("tape-1986")
    with serving(migrated, tmp_path / "server.log", f"http://127.0.0.1:{port}") as server:
        deliver(server, t.online())
        for _ in range(2):
            assert ask_both(server, a.BROADCASTER) == AWAY
            with auth_service(port, key):
                await_answer(server, a.BROADCASTER, DONE)
                await_answer(server, signed(key), NOT_THE_HOST)
        log = server.log.read_text()
        assert log.count("auth cannot tell whose tokens they are") == 2, "not a line for every request"
        assert log.count("auth tells again whose tokens they are") == 2


def test_connections_do_not_leak(own_auth, migrated):
    """After hundreds of requests, good and bad, few connections to auth are open; at the end none is."""
    with running_here(migrated, {"AUTH_URL": own_auth.url}) as own_server:
        deliver(own_server, t.online())
        ask_in_crowds(own_server, own_auth)
    await_some(lambda: not own_auth.connections)


def ask_in_crowds(own_server, own_auth):
    tokens = [a.BROADCASTER, a.VIEWER, a.REJECTED, a.TROUBLED, signed(own_auth.key)]
    for failure in (None, "500", "rubbish", "cut", None):
        own_auth.failure = failure
        with ThreadPoolExecutor(60) as pool:
            list(pool.map(lambda token: ask(own_server, token), tokens * 40))
    assert own_auth.requests["/access"] >= 200
    assert own_auth.most_connections <= 30  # 20 of ours, and some that auth does not know to be closed yet
    await_some(lambda: len(own_auth.connections) <= 5)


# --- besides ------------------------------------------------------------------------------------


def test_auth_is_told_which_request_it_is_asked_for(server, auth):
    """The id of a request is sent on to auth."""
    headers = {"authorization": a.BROADCASTER, "x-request-id": "rewind-42"}
    answer = httpx.delete(f"{server.url}/admin/tape", headers=headers)
    assert auth.request_ids[-1] == answer.headers["x-request-id"] == "rewind-42"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_token_is_written_down(own_auth, migrated, tmp_path, log_format):
    """Not even the most talkative log, of auth's worst night, has a token in it or a part of one."""
    tokens = [a.BROADCASTER, a.VIEWER, a.REJECTED, a.TROUBLED, signed(own_auth.key), signed(FORGER)]
    settings = {"LOG_LEVEL": "debug", "LOG_FORMAT": log_format}
    with serving(migrated, tmp_path / "server.log", own_auth.url, **settings) as server:
        told = ""
        for failure in (None, "500", "cut", "rubbish", "302"):
            own_auth.failure = failure
            told += "".join(ask(server, f"Bearer {token}")[1] for token in tokens)
        own_auth.stop()
        told += "".join(ask(server, token)[1] for token in tokens)
        written = told + server.log.read_text()
    assert "auth cannot tell whose tokens they are" in written
    for token in tokens:
        for part in token.split("."):
            assert part[:16] not in written


def test_dev_with_a_database_of_yours_asks_auth(own_auth, migrated, tmp_path):
    """Beside a database that is not its own `showtime dev` takes no tokens of its own, but those of auth."""
    named = {name: value for name, value in environment(migrated).items() if name.startswith("PG")}
    with developing(tmp_path / "data") as dev:
        token = dev.token("broadcaster")
    with developing(tmp_path / "data", AUTH_URL=own_auth.url, **named) as dev:
        assert ask(dev.server, token) == NOT_ACCEPTED
        assert ask(dev.server, a.VIEWER) == NOT_THE_HOST
        assert ask(dev.server, a.BROADCASTER) == (400, "no broadcast is currently live")
