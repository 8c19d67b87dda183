"""The streams to the letter, as raw bytes on the wire: framing, ids, resuming."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from support import shared
from support import twitch as t
from support.databases import fresh_database
from support.in_process import running_here
from support.sse import asking, begun, listening

QUIET = 0.4
"""Seconds after which what has not come would not come."""


database = shared.database
server = shared.server


@pytest.fixture
def evening(postgres_server):
    """Give a database on which nothing has happened, a server on it, and Twitch."""
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
        httpx.Client(timeout=60) as client,
    ):
        yield database, server, t.Twitch(server.url, client)


@pytest.fixture
def alerts(server):
    return f"{server.url}/alerts"


async def read(reader, pattern, seconds=60.0):
    """Read until what has come matches, and return it."""
    text = b""
    async with asyncio.timeout(seconds):
        while not (found := re.search(pattern, text, re.DOTALL)):
            more = await reader.read(65536)
            assert more, f"it ended after {text!r}"
            text += more
    return found


async def silent(stream):
    """Make sure that nothing comes."""
    with pytest.raises(TimeoutError):
        await stream.event(QUIET)


@pytest.mark.parametrize("path", ["/alerts", "/chat", "/state"])
@pytest.mark.parametrize("accept", ["", "*/*", "text/event-stream", "text/event-stream, text/html;q=0.5"])
async def test_who_accepts_events_is_served(server, path, accept):
    """Without Accept, with */*, or with one that starts with text/event-stream, a stream is served."""
    async with listening(server.url + path, accept=accept) as stream:
        headers = stream.response.headers
        assert stream.response.status_code == 200
        assert headers["content-type"].partition(";")[0] == "text/event-stream"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        await stream.block()


async def test_a_request_without_accept_is_served(server):
    """A client that sends no Accept at all is served."""
    async with asking(server.port, "GET /state HTTP/1.1\nHost: a") as reader:
        assert await read(reader, rb"^HTTP/1.1 200 OK\r\n.*\r\n\r\n.*data: ")


@pytest.mark.parametrize("path", ["/alerts", "/chat", "/state"])
@pytest.mark.parametrize("accept", ["text/html", "application/json, text/event-stream", "*/*;q=0.8"])
def test_who_accepts_no_events_is_told(server, path, accept):
    """Any other Accept is answered 400, naming it."""
    answer = httpx.get(server.url + path, headers={"accept": accept})
    assert (answer.status_code, answer.text) == (400, f"content-type {accept} is not supported")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/alerts", "/chat", "/state"])
def test_who_opens_a_stream_in_a_tab_reads_what_it_is(server, path):
    """A browser that opens a stream as a page is told, after the line of all others, how it is read."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    answer = httpx.get(server.url + path, headers={"accept": accept})
    line, _, more = answer.text.partition("\n")
    assert (answer.status_code, line) == (400, f"content-type {accept} is not supported")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert all(word in more for word in ("server-sent events", "curl -N", "EventSource", "schema"))


@pytest.mark.parametrize("path", ["/alerts", "/chat", "/state"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_streams_are_only_gotten(server, path, method):
    """Any method but GET and HEAD is answered 405, naming these, and opens no stream."""
    answer = httpx.request(method, server.url + path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/alerts", "/chat/", "/state"])
def test_the_head_of_a_stream_ends(server, path):
    """HEAD of a stream is answered with its headers and ends, and is refused where the stream would be."""
    with httpx.Client() as client:
        answers = [client.head(server.url + path, headers={"accept": "*/*"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["content-type"].startswith("text/event-stream")
    assert answers[-1].headers["x-accel-buffering"] == "no"
    assert httpx.head(server.url + path, headers={"accept": "image/png"}).status_code == 400


def test_who_asks_for_a_head_gets_what_get_answers(server):
    """HEAD is answered as GET, errors and all, but for the body; where nothing is to be gotten it is 405."""
    paths = (
        "/",
        "/status/",
        "/healthz",
        "/history",
        "/history/x",
        "/nowhere",
        "/image-gen",
        "/callback/",
        "/admin/state",
    )
    differing = {"x-request-id", "date"}
    for path in paths:
        get, head = (httpx.request(method, server.url + path) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert {name: value for name, value in head.headers.items() if name not in differing} == {
            name: value for name, value in get.headers.items() if name not in differing
        }, path
    tag = httpx.head(f"{server.url}/history").headers["etag"]
    assert httpx.head(f"{server.url}/history", headers={"if-none-match": tag}).status_code == 304
    assert httpx.post(f"{server.url}/history").headers["allow"] == "GET, HEAD, OPTIONS"


async def test_alerts_begin_with_a_comment_and_an_id(server):
    """/alerts begins with a comment at once, then a block with the latest id, without data, and the retry."""
    async with asking(server.port, "GET /alerts HTTP/1.0\nHost: a") as reader:
        assert await read(reader, rb":\n\n.*id: [0-9a-z]+-\d+\nretry: 3000\n\n")


async def test_state_begins_with_the_state(server):
    """/state begins with a data line that holds the current state; its blocks have no ids and no names."""
    async with asking(server.port, "GET /state HTTP/1.1\nHost: a") as reader:
        found = await read(reader, rb"\n\r\n[0-9a-f]+\r\n(data: \{\"isLive\":false\}\n\n.*retry: 3000\n\n)")
        assert b"id:" not in found[1]
        assert b"event:" not in found[1]


async def test_http_1_0_gets_no_chunks(server):
    """A proxy that speaks HTTP/1.0 gets the stream as it is, without the framing of HTTP/1.1."""
    async with asking(server.port, "GET /alerts HTTP/1.0\nHost: a") as reader:
        found = await read(reader, rb"^(HTTP/1\.[01] 200 .*?)\r\n\r\n(.*id: \S+\nretry: 3000\n\n)")
        assert b"transfer-encoding" not in found[1].lower()
        assert re.fullmatch(rb":\n\n(retry: 3000\n\n)?id: [0-9a-z]+-\d+\nretry: 3000\n\n", found[2])


async def test_an_alert_is_an_id_and_a_line_of_data(server, twitch):
    """An alert is an unnamed event of an id and one line of compact JSON."""
    async with asking(server.port, "GET /alerts HTTP/1.1\nHost: a") as reader:
        await read(reader, rb"id: \S+\nretry: 3000\n\n")
        twitch.send(t.cheer("Lina\nBreak", 100, "one\r\ntwo\n\ndata: three"))
        data = rb'{"type":"cheer","data":{"username":"Lina\nBreak","numBits":100,'
        data += rb'"message":"one\r\ntwo\n\ndata: three"}}'
        pattern = rb"\r\nid: [0-9a-z]+-\d+\ndata: " + re.escape(data) + rb"\n\n\r\n$"
        assert await read(reader, pattern)


def number(event_id):
    return int(event_id.rpartition("-")[2])


async def test_a_resume_gets_exactly_the_missed(twitch, alerts):
    """With Last-Event-ID a client gets what came after it, in order and once, and then what comes."""
    async with listening(alerts) as stream:
        ids = [await begun(stream)]
        twitch.send(*(t.cheer(f"Viewer{each}") for each in range(10)))
        seen = await stream.events(10)
    ids += [block.id for block in seen]
    assert ids == sorted(set(ids), key=number)
    for last in (0, 4, 10):
        async with listening(alerts, ids[last]) as stream:
            assert await stream.events(len(seen) - last) == seen[last:]
            twitch.send(t.cheer("NextNell"))
            seen.append(await stream.event())
            assert seen[-1].data["data"]["username"] == "NextNell"


async def test_a_client_that_drops_before_its_first_alert_loses_nothing(twitch, alerts):
    """The id that a new client is given at once is all it needs to get the alerts from then on."""
    async with listening(alerts) as stream:
        first = await begun(stream)
    twitch.send(t.cheer("EarlyEllie"))
    async with listening(alerts, first) as stream:
        assert (await stream.event()).data["data"]["username"] == "EarlyEllie"


async def test_an_id_that_means_nothing_counts_as_none(twitch, alerts):
    """A malformed id, one of another epoch, or one that never was: the client is new, and gets what comes."""
    async with listening(alerts) as stream:
        epoch, _, newest = (await begun(stream)).rpartition("-")
        twitch.send(t.cheer("OldOlga"))
        await stream.event()
    odd = [
        "",
        "7",
        "-7",
        "x-7",
        f"{epoch}-",
        f"{epoch}-x",
        f"{epoch}--1",
        f"{epoch}-\xb2",
        f"{epoch}-" + "9" * 30,
    ]
    odd += [f"{epoch}0-{newest}", f"{epoch}-{int(newest) + 1000}", f"{epoch}-999999999999999999"]

    async def follow(last):
        async with listening(alerts, last.encode("latin-1")) as stream:
            await begun(stream)
            ready.release()
            return (await stream.event()).data["data"]["username"]

    ready = asyncio.Semaphore(0)
    async with asyncio.timeout(60):
        following = [asyncio.create_task(follow(last)) for last in odd]
        for _ in odd:
            await ready.acquire()
        twitch.send(t.cheer("NewNora"))
        seen = await asyncio.gather(*following, return_exceptions=True)
    assert dict(zip(odd, seen, strict=True)) == dict.fromkeys(odd, "NewNora")


async def test_a_new_client_gets_no_old_alerts(twitch, alerts):
    """A client without Last-Event-ID, as an overlay that was reloaded, gets only what comes from now on."""
    async with listening(alerts) as watcher:
        await begun(watcher)
        twitch.send(t.cheer("OldOlga"))
        await watcher.event()
    async with listening(alerts) as stream:
        await silent(stream)
        twitch.send(t.cheer("NewNora"))
        assert (await stream.event()).data["data"]["username"] == "NewNora"


async def test_state_ignores_last_event_id(server, twitch, alerts):
    """/state sends one snapshot whatever id a client brings, and no changes of the past."""
    async with listening(alerts) as stream, listening(f"{server.url}/state") as watcher:
        first = await begun(stream)
        assert (await watcher.event()).data == {"isLive": False}
        twitch.send(t.online("ignored"), t.offline())
        assert [(await watcher.event()).data["isLive"] for _ in range(2)] == [True, False]
    async with listening(f"{server.url}/state", first) as stream:
        assert (await stream.event()).data == {"isLive": False}
        await silent(stream)


async def test_a_change_of_state_is_one_event(evening):
    """A change is told once; what changes nothing that is told, as a VOD's URL, a title or a rerun, never."""
    database, server, twitch = evening
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
    live = {"isLive": True, "broadcastStartedAt": at.isoformat().replace("+00:00", "Z")}
    async with listening(f"{server.url}/state") as stream:
        assert (await stream.event()).data == {"isLive": False}
        online = t.online("one-event", at)
        twitch.send(online, online.again(), t.online("one-event", at))
        assert (await stream.event()).data == live
        with psycopg.connect(database) as connection:
            connection.execute("update showtime.broadcast set vod_url = 'https://twitch.tv/videos/1'")
        rerun = t.CHANNEL | {"id": "r", "type": "rerun", "started_at": at.isoformat()}
        update = t.CHANNEL | {"title": "Tape night", "category_name": "Retro"}
        twitch.send(t.message("stream.online", rerun), t.message("channel.update", update), t.cheer())
        await silent(stream)
        async with listening(f"{server.url}/state") as other:
            assert (await other.event()).data == live
        twitch.send(t.offline(), t.offline())
        assert (await stream.event()).data == {"isLive": False}
        await silent(stream)


async def test_a_change_between_two_clients_is_missed_by_neither(server, twitch):
    """Whenever a client of /state comes while the state changes, the last that it hears is how it stands."""
    clients = [listening(f"{server.url}/state") for _ in range(20)]

    async def last_word(client):
        async with client as stream:
            heard = [await stream.event()]
            while True:
                try:
                    heard.append(await stream.event(1.5))
                except TimeoutError:
                    if over.is_set():
                        return heard[-1].data

    over, following = asyncio.Event(), []
    for number_, client in enumerate(clients):
        following.append(asyncio.create_task(last_word(client)))
        await asyncio.to_thread(twitch.send, t.offline() if number_ % 2 else t.online(f"flicker-{number_}"))
    over.set()
    assert [each["isLive"] for each in await asyncio.gather(*following)] == [False] * 20
