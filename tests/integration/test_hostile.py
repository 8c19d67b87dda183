"""What strangers, viewers and neighbours send to do harm is taken for what it is, and breaks nothing."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from support import auth_service as a
from support import shared
from support import twitch as t
from support.auth_service import Auth, auth_service, signed
from support.following import until
from support.server import Server, await_answer, rows, running
from support.sse import asking, begun, listening

NOWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "LEDGER_URL": "embedded",
    "OPENAI_API_KEY": "sk-proj-1986",
    "OPENAI_BASE_URL": f"{NOWHERE}/v1",
    "SPACES_BUCKET_NAME": "gvcr-ghosts",
    "SPACES_REGION_NAME": "nyc3",
    "SPACES_ENDPOINT_URL": NOWHERE,
    "SPACES_ACCESS_KEY_ID": "id",
    "SPACES_SECRET_KEY": "secret",
    "LOG_FORMAT": "text",
}
ODD = {
    "NUL": "Null\0Nora",
    "half a pair": "Half\ud83dHal",
    "a line": "Two\r\nTwyla",
    "an order": "An\x1b[2JAnsi",
}


database = shared.database


@pytest.fixture(scope="module")
def auth() -> Iterator[Auth]:
    with auth_service() as auth:
        yield auth


@pytest.fixture(scope="module")
def server(auth, database, tmp_path_factory) -> Iterator[Server]:
    """Run a server on which everything is on; when all is over it has no fault of its own to tell of."""
    log = tmp_path_factory.mktemp("hostile") / "server.log"
    with running(database, log, settings=SETTINGS | {"AUTH_URL": auth.url}) as server:
        yield server
        await_answer(server)
    assert "Traceback" not in log.read_text()
    assert rows(database, "select id, remark from showtime.journal where outcome = 'parked'") == []


@pytest.fixture
def client(server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


HOST = {"authorization": f"Bearer {a.BROADCASTER}"}


# --- what a neighbour names -----------------------------------------------------------------------


@pytest.fixture(params=["Twitch", "auth"])
def token_of(request, auth, monkeypatch):
    """Give a viewer a token: one of Twitch that auth knows, or one of auth itself."""

    def token(user: Mapping[str, str]) -> str:
        if request.param == "Twitch":
            monkeypatch.setitem(a.USERS, "an-odd-token", {"user": user, "role": "viewer"})
            return "an-odd-token"
        claims = {f"twitch_user_{key}": user[key] for key in ("id", "login")}
        return signed(auth.key, **claims, twitch_display_name=user["displayName"])

    return token


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
async def test_a_viewer_of_any_name_gets_a_ghost(token_of, server, database, client, name):
    """However auth names a viewer, what the database cannot keep of it is dropped, and nothing else is."""
    user = {"id": f"{name}{uuid4()}", "login": name, "displayName": name}
    kept = {key: re.sub("[\0\ud800-\udfff]", "", value) for key, value in user.items()}
    gift = {"user_id": kept["id"], "user_login": "odd", "user_name": "Odd"}
    gift |= t.CHANNEL | {"is_anonymous": False, "message": "", "bits": 500}
    t.Twitch(server.url, client).send(t.message("channel.cheer", gift))
    await until(lambda: rows(database, "select from showtime.flow where viewer_id = %s", kept["id"]))
    headers = {"authorization": f"Bearer {token_of(user)}", "prefer": "respond-async"}
    async with httpx.AsyncClient(timeout=60) as viewer:
        asked = await viewer.post(f"{server.url}/image-gen", json={"subject": "a fax"}, headers=headers)
    assert asked.status_code == 202, asked.text
    summoned = (
        "select payload -> 'viewer' from showtime.outbox"
        " where kind = 'summon-ghost' and payload ->> 'ghost_id' = %s"
    )
    [(named,)] = rows(database, summoned, asked.json()["id"])
    assert named == {"id": kept["id"], "login": kept["login"], "display_name": kept["displayName"]}


# --- what is sent by hand -------------------------------------------------------------------------

NUL_IN_JSON: Mapping[str, tuple[str, str, Any, int]] = {
    "subject": ("POST", "/image-gen", {"subject": "\0"}, 400),
    "VOD": ("PUT", "/admin/broadcast/1/vod", {"url": "https://example.com/\0"}, 400),
    "parked": ("POST", "/admin/parked/retry", {"id": "a\0b"}, 404),
    "parked, half a pair": ("POST", "/admin/parked/dismiss", {"id": "\ud83d"}, 400),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), NUL_IN_JSON.values(), ids=NUL_IN_JSON)
def test_what_no_database_can_keep_is_no_fault_of_ours(client, method, path, body, status):
    """A NUL or half a pair in any field is answered as what it is: a request that cannot be had."""
    answer = client.request(method, path, content=json.dumps(body), headers=HOST)
    assert answer.status_code == status, answer.text


PATHS = ["admin/tape/{}", "admin/broadcast/{}/vod", "admin/parked/{}", "history/{}", "history?after={}"]
PATHS += ["history?limit={}", "history/images/{}", "history/images/{}/status", "chat?backlog={}", "{}"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "text", ["%00", "1%0a", "%ff", "%ed%a0%80", "%d9%a1", "..%2f..%2fetc%2fpasswd", "9" * 5000]
)
def test_whatever_stands_in_a_path_is_refused_in_order(client, path, text):
    """No byte and no length in a path or a query is a fault of ours."""
    for method in ("GET", "POST", "PUT"):
        content = json.dumps({"url": "", "id": "1"}) if method != "GET" else None
        with client.stream(method, path.format(text), headers=HOST, content=content) as answer:
            assert answer.status_code < 500, (method, answer.status_code)


# What is on the wire, and the status of the answer, after which the connection is closed.
MALFORMED = {
    "NUL in a header": "GET /status HTTP/1.1\nHost: a\nX-A: a\0b",
    "a header that goes on": "GET /status HTTP/1.1\nHost: a\nX-Request-Id: a\n b",
    "two lengths": "POST /callback HTTP/1.1\nHost: a\nContent-Length: 4\nContent-Length: 5",
    "a length and chunks": "POST /callback HTTP/1.1\nHost: a\nContent-Length: 4\nTransfer-Encoding: chunked",
    "a negative length": "POST /callback HTTP/1.1\nHost: a\nContent-Length: -4",
    "a length beyond all": "POST /callback HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999",
    "a byte that is no letter": "GET /history/\x7f HTTP/1.1\nHost: a",
    "NUL in an older request": "GET /status HTTP/1.0\nX-A: a\0b",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
async def test_what_could_be_read_in_two_ways_is_not_read(server, request_):
    """A proxy and we must never disagree where a request ends: such a connection is closed."""
    async with asyncio.timeout(20), asking(server.port, request_) as reader:
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_a_viewer_writes_no_events(server):
    """Line ends in a viewer's text end no line of a stream: it is one event, and says what was said."""
    text = 'boo\n\ndata: {"type":"raid"}\r\n\r\nid: 1\u2028\u0085\x00event: x\n\n'
    async with listening(f"{server.url}/alerts") as stream:
        await begun(stream)
        async with httpx.AsyncClient() as twitch:
            message = t.cheer("LineLena", 1, text)
            await twitch.post(f"{server.url}/callback", headers=message.headers, content=message.body)
        while (event := await stream.event()).data["data"]["username"] != "LineLena":
            pass
    assert event.data["data"]["message"] == text.replace("\0", "")
    assert [line.partition(": ")[0] for line in event.lines] == ["id", "data"]


def test_nobody_writes_lines_of_the_log(server, client):
    """What a request brings, a path or an id, is in no line of the log as a line or a colour of its own."""
    forged = t.cheer(secret="a-guess-of-mine", message_id="x")
    t.Twitch(server.url, client).send(forged.with_headers(**{"Twitch-Eventsub-Message-Id": "a\x1b[31m"}))
    client.get("/%0a%1b[31mFORGED")
    assert "FORGED" not in server.log.read_text()
    assert not re.search(r"\x1b\[31m[^\[]*not taken", server.log.read_text())
