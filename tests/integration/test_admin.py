"""The routes of the host, to the letter, with the tokens of `showtime dev`; and `showtime dev` itself."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from support import twitch as t
from support.answers import said
from support.dev import developing, refusal
from support.server import rows
from support.sse import listening

NOT_LIVE = (400, "no broadcast is currently live")
NOT_A_TAPE = (400, "tape ID must be an integer")
NO_TOKEN = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
NOT_ACCEPTED = (401, "access token was not accepted")
NOT_THE_HOST = (403, "insufficient access: requires broadcaster; you are viewer")
DONE = (204, "")
ON = ("screeningTapeId", "screeningStartedAt")


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    with developing(tmp_path_factory.mktemp("admin") / "data") as dev:
        yield dev


@pytest.fixture(scope="module")
def database(dev):
    with EmbeddedPostgres.start(dev.data_dir) as postgres:
        yield postgres.conninfo


@pytest.fixture(scope="module")
def tokens(dev):
    return {role: dev.token(role) for role in ("broadcaster", "viewer")}


@pytest.fixture(scope="module")
def host(dev, tokens):
    headers = {"authorization": f"Bearer {tokens['broadcaster']}"}
    with httpx.Client(base_url=dev.server.url, headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
def twitch(dev):
    secret = json.loads((dev.data_dir / "dev.json").read_text())["webhook_secret"]
    with httpx.Client(base_url=dev.server.url) as client:
        yield lambda make, *args: client.post(
            "/callback", headers=(sent := make(*args, secret=secret)).headers, content=sent.body
        ).raise_for_status()


RAID = {f"from_broadcaster_{key}": value for key, value in t.viewer("RaidRhonda").items()} | {"viewers": 3}


def revoked(secret):
    """Twitch ends the subscription to raids."""
    options = {"message_type": "revocation", "status": "user_removed", "secret": secret}
    return t.message("channel.raid", None, **options)


@pytest.fixture
def live(twitch, host):
    """Be on the air for a while, with no tape on."""
    twitch(t.online, f"night-{datetime.now(UTC).timestamp()}")
    host.delete("/admin/tape").raise_for_status()  # the night before goes on, and its tape with it
    yield
    twitch(t.offline)


async def state_of(stream, *names, tape=None):
    """Read until the state says just this of a night: a stream may begin behind, with another tape."""
    while True:
        state = (await stream.event()).data
        if set(state) == {"isLive", "broadcastStartedAt", *names} and tape in (None, state.get(ON[0])):
            return state


_MARKERS = count(10_000)


async def state_by_now(stream, host):
    """Read until the stream has told of a tape that no other test has; give the state after it."""
    tape = next(_MARKERS)
    await asyncio.to_thread(host.post, f"/admin/tape/{tape}")
    await state_of(stream, *ON, tape=tape)
    await asyncio.to_thread(host.delete, "/admin/tape")
    return await state_of(stream)


def calls(dev, headers):
    with httpx.Client(base_url=dev.server.url, headers=headers) as client:
        vod = client.put("/admin/broadcast/1/vod", json={"url": "https://a/1"})
        tape = [said(client.post("/admin/tape/5")), said(client.delete("/admin/tape"))]
        return [*tape, said(vod), said(client.get("/admin/state"))]


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}], ids=str)
def test_who_brings_no_token_is_told_to(dev, headers):
    """Without a token the answer is 400, in the words that the website shows."""
    assert calls(dev, headers) == [NO_TOKEN] * 4


@pytest.mark.parametrize("token", ["forged", "a.b.c", "Basic Z29sZGVuOnZjcg==", "Bearer x y"])
def test_a_token_that_nobody_issued_is_not_accepted(dev, token):
    """A token that is forged, or none at all, is answered 401."""
    assert calls(dev, {"authorization": token}) == [NOT_ACCEPTED] * 4


def test_a_changed_token_is_not_accepted(dev, tokens):
    """A token of which a single character was changed is answered 401."""
    head, claims, signature = tokens["broadcaster"].split(".")
    flipped = signature[:5] + ("A" if signature[5] != "A" else "B") + signature[6:]
    for token in (f"{head}.{claims}.{flipped}", f"{head}.{claims}.", f"{head}.{claims}"):
        assert calls(dev, {"authorization": token}) == [NOT_ACCEPTED] * 4


def test_a_viewer_may_not_host(dev, tokens):
    """A viewer's token is answered 403, in the words that the website shows."""
    assert calls(dev, {"authorization": tokens["viewer"]}) == [NOT_THE_HOST] * 4


@pytest.mark.usefixtures("live")
def test_the_host_is_told_how_the_show_stands(host, twitch):
    """The host reads what is on air and on screen, title, train, ended subscriptions, and what is off."""
    train = t.CHANNEL | {"id": "choo", "level": 1, "progress": 30, "goal": 500}
    event = "channel.hype_train."
    twitch(t.message, "channel.update", t.CHANNEL | {"title": "Tape night", "category_name": "Retro"})
    twitch(t.message, event + "begin", train)
    twitch(t.message, event + "progress", train | {"level": 2, "progress": 70, "goal": 800})
    ads = {"duration_seconds": 90, "started_at": "2026-10-30T20:30:00Z", "is_automatic": True}
    twitch(t.message, "channel.ad_break.begin", t.CHANNEL | ads)
    twitch(revoked)
    host.post("/admin/tape/5").raise_for_status()
    state = host.get("/admin/state").json()
    started, on, ended = state["broadcast"], state["tape"], state["revocations"][-1]
    assert {**state, "broadcast": None, "tape": None, "revocations": None} == {
        "broadcast": None,
        "tape": None,
        "title": "Tape night",
        "category": "Retro",
        "hypeTrain": {"id": "choo", "level": 2, "progress": 70, "goal": 800},
        "revocations": None,
        "off": [],
        "adBreak": {
            "startedAt": "2026-10-30T20:30:00Z",
            "endsAt": "2026-10-30T20:31:30Z",
            "durationSeconds": 90,
            "isAutomatic": True,
            "isUnderWay": False,
        },
    }
    assert (on["id"], ended["type"], ended["reason"]) == (5, "channel.raid", "user_removed")
    assert datetime.fromisoformat(started["startedAt"]) <= datetime.fromisoformat(on["startedAt"])
    twitch(t.message, event + "end", t.CHANNEL | {"id": "choo", "level": 2})
    twitch(t.message, "channel.raid", RAID)
    host.delete("/admin/tape").raise_for_status()
    later = ads | {"started_at": datetime.now(UTC).isoformat(), "duration_seconds": 3600}
    twitch(t.message, "channel.ad_break.begin", t.CHANNEL | later)
    twitch(t.offline)
    state = host.get("/admin/state").json()
    assert state["adBreak"]["isUnderWay"]
    names = ("broadcast", "tape", "hypeTrain", "revocations")
    assert [state[name] for name in names] == [None, None, None, []]


def test_a_machine_reads_problems_as_json(dev):
    """A caller whose Accept names JSON gets a problem document; anybody else plain text."""
    problem = httpx.delete(f"{dev.server.url}/admin/tape", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json() == {"title": "Bad Request", "status": 400, "detail": NO_TOKEN[1]}
    plain = httpx.delete(f"{dev.server.url}/admin/tape")
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"


def test_nothing_is_put_on_while_nothing_is_live(host):
    """While no broadcast is live, tape on and tape off are answered 400."""
    assert [said(host.post("/admin/tape/5")), said(host.delete("/admin/tape"))] == [NOT_LIVE, NOT_LIVE]


@pytest.mark.parametrize("live_", [False, True])
@pytest.mark.parametrize(
    "tape",
    [
        "0",
        "-1",
        "2147483648",
        "4294967297",
        "9" * 400,
        "abc",
        "\uff11",
        "5x",
        "5.0",
        "0x5",
        "%20",
        "5%20",
        "+",
    ],
)
def test_a_tape_has_a_number(host, request, database, tape, live_):
    """What is no number of a tape is answered 400, live or not, and puts nothing on."""
    if live_:
        request.getfixturevalue("live")
    tapes = "select count(*) from showtime.screening"
    before = rows(database, tapes)
    assert said(host.post(f"/admin/tape/{tape}")) == NOT_A_TAPE
    assert rows(database, tapes) == before


@pytest.mark.parametrize("tape", [1, 2147483647])
@pytest.mark.usefixtures("live")
async def test_a_tape_goes_on_and_off(dev, host, tape):
    """Tape on and off are answered 204 without a body, and each is one event of /state; off twice is none."""
    async with listening(f"{dev.server.url}/state") as stream:
        at_first = await state_by_now(stream, host)
        assert said(await asyncio.to_thread(host.post, f"/admin/tape/{tape}")) == DONE
        on = (await stream.event()).data
        assert on == at_first | {"screeningTapeId": tape, "screeningStartedAt": on["screeningStartedAt"]}
        for _ in range(2):
            assert said(await asyncio.to_thread(host.delete, "/admin/tape")) == DONE
        assert (await stream.event()).data == at_first
        with pytest.raises(TimeoutError):
            await stream.event(0.3)


@pytest.mark.usefixtures("live")
async def test_the_url_of_a_vod_does_not_flicker_the_tape(dev, host, database):
    """Setting the VOD's URL of the live broadcast leaves its tape on: no event, and the same snapshot."""
    await asyncio.to_thread(host.post, "/admin/tape/7")
    async with listening(f"{dev.server.url}/state") as stream:
        on = await state_of(stream, *ON, tape=7)
        [(number,)] = rows(database, "select id from showtime.broadcast where ended_at is null")
        for url in ("https://vods.example.com/1", "https://vods.example.com/2"):
            vod = {"url": url}
            assert said(await asyncio.to_thread(host.put, f"/admin/broadcast/{number}/vod", json=vod)) == DONE
            assert host.get(f"/history/{number}").json()["vodUrl"] == url
        with pytest.raises(TimeoutError):
            await stream.event(0.5)
        async with listening(f"{dev.server.url}/state") as another:
            assert (await another.event()).data == on
        assert on["screeningTapeId"] == 7


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("broadcast/1000/vod", {"url": "https://a/1"}, (404, "no such broadcast")),
        ("broadcast/first/vod", {"url": "https://a/1"}, (400, "broadcast ID must be an integer")),
        ("broadcast/1/vod", {"url": "a/1"}, (400, "the VOD URL must begin with http:// or https://")),
        ("broadcast/1/vod", {"url": 7}, (400, "url: Expected `str`, got `int`")),
        ("broadcast/1/vod", {}, (400, "body: Object missing required field `url`")),
        ("broadcast/1/vod", None, (400, "body: ")),
    ],
)
def test_a_vod_has_an_address_of_the_web(host, path, body, answer):
    """A VOD URL that is no web address is refused with the reason, and so is a night that never was."""
    status, text = said(host.put(f"/admin/{path}", json=body))
    assert (status, text[: len(answer[1])]) == answer


@pytest.mark.usefixtures("live")
async def test_tapes_put_on_at_once_leave_one_on(dev, host, database):
    """Of commands given at once one tape stays on, and /state never tells that none is in between."""
    tapes = range(1, 13)
    async with listening(f"{dev.server.url}/state") as stream:
        await state_by_now(stream, host)
        answers = [asyncio.to_thread(host.post, f"/admin/tape/{tape}") for tape in tapes]
        assert {said(answer) for answer in await asyncio.gather(*answers)} == {DONE}
        told = [event.data.get("screeningTapeId") for event in await stream.events(len(tapes))]
    assert sorted(told) == [*tapes]
    query = "select tape_id from showtime.screening where ended_at is null"
    assert rows(database, query) == [(told[-1],)]


@pytest.mark.usefixtures("live")
async def test_the_end_of_a_broadcast_ends_its_tape(dev, host, twitch, database):
    """No screening outlives its broadcast; when the stream returns soon, tape and state go on alike."""
    await asyncio.to_thread(host.post, "/admin/tape/9")
    open_ones = "select tape_id from showtime.screening where ended_at is null"
    async with listening(f"{dev.server.url}/state") as stream:
        on = await state_of(stream, *ON, tape=9)
        twitch(t.offline)
        assert (await stream.event()).data == {"isLive": False}
        assert rows(database, open_ones) == []
        twitch(t.online, "night-again")
        assert (await stream.event()).data == on
        assert rows(database, open_ones) == [(9,)]


@pytest.mark.parametrize(("method", "path"), [("GET", "tape/5"), ("PUT", "tape/5"), ("POST", "tape")])
def test_the_host_has_two_commands(host, method, path):
    """Other methods are answered 405."""
    assert host.request(method, f"/admin/{path}").status_code == 405


def test_without_an_auth_service_nobody_hosts(server):
    """Where tokens cannot be checked, a token is answered 503, and never let through."""
    headers = {"authorization": "Bearer anything"}
    assert httpx.delete(f"{server.url}/admin/tape", headers=headers).status_code == 503


ASKED = [
    ("GET", "/admin/state", 200),
    ("GET", "/admin/parked", 200),
    ("GET", "/admin/parked/?limit=x", 400),
    ("GET", "//admin/state/", 200),
    ("POST", "/admin/tape/x", 400),
    ("POST", "/admin/parked/retry", 400),
    ("PUT", "/admin/broadcast/1/vod", 400),
    ("GET", "/admin/tape", 405),
    ("OPTIONS", "/admin/state", 204),
    ("GET", "/admin/nowhere", 404),
    ("GET", "/%61dmin/state", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
def test_nothing_of_what_the_host_is_told_is_kept(dev, host, method, path, status):
    """Every answer below /admin is not to be stored, with a token, with a wrong one, and without."""
    url = f"{dev.server.url}{path}"
    for authorization in (host.headers["authorization"], "Bearer anything", None):
        headers = {"authorization": authorization} if authorization else {}
        answer = httpx.request(method, url, headers=headers)
        assert answer.headers.get_list("cache-control") == ["no-store"]
        if authorization == host.headers["authorization"]:
            assert answer.status_code == status
    assert httpx.get(f"{dev.server.url}/status").headers.get("cache-control") is None


def test_the_description_says_what_is_not_kept(host):
    """Every answer of what one person is told has the header in the description, and no other has."""
    document = host.get("/schema/openapi.json").json()
    [meant] = document["components"]["headers"]["NoStore"]["schema"]["enum"]
    assert meant == "no-store"
    said = {"$ref": "#/components/headers/NoStore"}
    found = {
        (
            path.startswith(("/admin/", "/ledger/", "/session")),
            answer.get("headers", {}).get("Cache-Control") == said,
        )
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for answer in operation["responses"].values()
    }
    assert found == {(True, True), (False, False)}


def test_dev_keeps_everything_between_runs(tmp_path):
    """A second run has the tokens, the secret and the events of the first, on whichever port."""
    with developing(tmp_path / "data") as first:
        notes = json.loads((first.data_dir / "dev.json").read_text())
        token = first.token("broadcaster")
        online = t.online("kept", secret=notes["webhook_secret"])
        sent = httpx.post(f"{first.server.url}/callback", headers=online.headers, content=online.body)
        assert sent.status_code == 204
    with developing(tmp_path / "data") as second:
        later = json.loads((second.data_dir / "dev.json").read_text())
        assert later == notes | {"url": second.server.url}
        answer = httpx.post(f"{second.server.url}/admin/tape/5", headers={"authorization": token})
        assert said(answer) == DONE
        assert second.data_dir.joinpath("dev.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("address", ["db.goldenvcr.com", "10.0.0.7", "::ffff:10.0.0.7", "localhost,10.0.0.7"])
def test_dev_stays_away_from_other_machines_databases(tmp_path, address):
    """With PGHOST naming another machine dev does not start, says why, and leaves no trace."""
    assert "PGHOST names another machine" in refusal(tmp_path / "data", PGHOST=address)
    assert not (tmp_path / "data").exists()
