"""`POST /callback` to the letter, over real sockets, against a real database."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from support import shared
from support import twitch as t
from support.databases import fresh_database, locked
from support.in_process import running_here
from support.sending import all_at_once
from support.server import rows

MINUTE = timedelta(minutes=1)
TEXT = "text/plain; charset=utf-8"


database = shared.database
server = shared.server


def journal(database, message):
    return rows(database, "select outcome, remark from showtime.journal where id = %s", message.id)


def shown(database, message):
    return rows(database, "select stream from showtime.feed where entry_id = %s", message.id)


def status_of(server):
    return httpx.get(f"{server.url}/status").json()


def answered(answer):
    return answer.status_code, answer.headers.get("content-type"), answer.text


def refusals(server, reason):
    metric = f'showtime_callback_requests_total{{outcome="{reason}"}} '
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return next((float(line.removeprefix(metric)) for line in lines if line.startswith(metric)), 0.0)


def test_a_notification_is_durable_when_it_is_answered(twitch, database):
    """An answer of 2xx has no body, and comes after the message was recorded to the byte."""
    cheer = t.cheer("RewindRosie")
    [answer] = twitch.send(cheer)
    assert answered(answer) == (204, None, "")
    assert rows(database, "select body from showtime.journal where id = %s", cheer.id) == [(cheer.body,)]
    assert shown(database, cheer) == [("alerts",)]


@pytest.mark.parametrize("event_type", ["channel.tape.rewound", ""])
def test_what_is_not_known_is_kept(twitch, database, event_type):
    """Events of types that showtime does not know are kept and answered 2xx."""
    message = t.message(event_type or "channel.cheer", {}, message_type="notification" if event_type else "?")
    assert twitch.send(message)[0].status_code == 204
    assert journal(database, message) == [("kept", None)]


def test_a_forged_message_leaves_no_trace(twitch, server, database):
    """A message that is not signed with our secret is answered 400 in plain words, counted, and not kept."""
    before, forged = refusals(server, "signature"), t.cheer(secret="a-guess-of-mine")
    assert answered(twitch.send(forged)[0]) == (400, TEXT, "Signature verification failed")
    assert journal(database, forged) == []
    assert refusals(server, "signature") == before + 1


def test_a_challenge_is_echoed_exactly(twitch):
    """A challenge is answered 200 with the challenge alone, as text, with its length."""
    challenge = 'rewind "me" ü 📼\n'
    for message_type in ("webhook_callback_verification", None):
        message = t.message("channel.cheer", None, extra={"challenge": challenge})
        [answer] = twitch.send(message.with_headers(**{"Twitch-Eventsub-Message-Type": message_type}))
        assert (answer.status_code, answer.content) == (200, challenge.encode())
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["content-length"] == str(len(challenge.encode()))


@pytest.mark.parametrize("path", ["/callback/", "//callback", "/%63allback/"])
def test_slashes_around_the_callback_do_not_matter(server, database, path):
    """A message is taken however many slashes stand around the path, since Twitch follows no redirect."""
    message = t.follow("VHSVera")
    answer = httpx.post(server.url + path, headers=message.headers, content=message.body)
    assert answer.status_code == 204
    assert rows(database, "select count(*) from showtime.journal where id = %s", message.id) == [(1,)]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_post_delivers(server, method):
    """Any other method is answered 405, naming the one that is allowed."""
    answer = httpx.request(method, f"{server.url}/callback")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 1048577", b""),
        ("Content-Length: 9223372036854775807", b""),
        ("Transfer-Encoding: chunked", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ],
    ids=["declared", "absurd", "chunked"],
)
def test_a_body_has_a_limit(server, head, body):
    """A body larger than 1 MiB is answered 413, declared or not, before it is read to its end."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(f"POST /callback HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode())
        for _ in range(17 if body else 0):
            client.sendall(body)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_of_exactly_the_limit_is_taken(twitch, database):
    """A body of 1 MiB is taken, and kept whole."""
    document = json.loads(t.cheer().body) | {"padding": ""}
    document["padding"] = "x" * (1024 * 1024 - len(json.dumps(document)))
    message = t.message("channel.cheer", None, body=json.dumps(document).encode())
    assert twitch.send(message)[0].status_code == 204
    [(size,)] = rows(database, "select length(body) from showtime.journal where id = %s", message.id)
    assert size == 1024 * 1024


@pytest.mark.parametrize("minutes", [-11, 11])
def test_stale_messages_are_refused_unless_known(twitch, server, database, minutes):
    """A message more than 10 minutes old or early is answered 400 and counted; a known one 2xx, no more."""
    before, stale = refusals(server, "timestamp"), t.cheer(at=datetime.now(UTC) + minutes * MINUTE)
    assert twitch.send(stale)[0].status_code == 400
    assert (journal(database, stale), refusals(server, "timestamp")) == ([], before + 1)
    known = t.cheer()
    again = t.cheer(at=datetime.now(UTC) + minutes * MINUTE, message_id=known.id)
    assert [answer.status_code for answer in twitch.send(known, again)] == [204, 204]
    assert shown(database, known) == [("alerts",)]


def test_a_body_that_is_not_json_is_refused(twitch, database):
    """A signed body that is not JSON is answered 400, and kept nowhere."""
    message = t.message("channel.cheer", None, body=b"be kind, rewind")
    assert twitch.send(message)[0].status_code == 400
    assert journal(database, message) == []


async def test_a_message_counts_once_however_often_it_comes(server, database):
    """One id is one effect and 2xx: 50 times at once, within one batch, later, with another body."""
    cheer = t.cheer()
    with locked(database):
        others = [t.cheer(), *[cheer.again(retry) for retry in range(50)]]
        sending = asyncio.create_task(all_at_once(server.port, others))
        await asyncio.sleep(0.5)  # one has begun, the others gather behind it
    assert set(await sending) == {204}
    assert await all_at_once(server.port, [cheer.again(), t.cheer(bits=5000, message_id=cheer.id)]) == [
        204,
        204,
    ]
    assert shown(database, cheer) == [("alerts",)]
    assert rows(database, "select body from showtime.journal where id = %s", cheer.id) == [(cheer.body,)]


def test_a_fact_counts_once_under_whichever_id(twitch, database):
    """The same follow under two message ids is shown once; two honest equal cheers are two."""
    at = datetime.now(UTC)
    follows = [t.follow("TwiceToldTess", at), t.follow("TwiceToldTess", at)]
    cheers = [t.cheer("CheeryCher"), t.cheer("CheeryCher")]
    assert {answer.status_code for answer in twitch.send(*follows, *cheers)} == {204}
    assert [journal(database, follow)[0][0] for follow in follows] == ["reacted", "repeated"]
    assert [len(shown(database, each)) for each in (*follows, *cheers)] == [1, 0, 1, 1]


def test_a_revocation_does_nothing_to_the_broadcast(twitch, database):
    """A revoked stream.online begins no broadcast, and a revoked stream.offline ends none."""
    count = "select count(*), count(ended_at) from showtime.broadcast"
    revoked = [t.message(f"stream.{which}", None, **REVOKED) for which in ("online", "offline")]
    before = rows(database, count)
    assert twitch.send(revoked[0])[0].status_code == 204
    assert rows(database, count) == before
    twitch.send(t.online("revoked-1"), revoked[1])
    assert rows(database, count) == [(before[0][0] + 1, before[0][1])]
    assert [shown(database, each) for each in revoked] == [[], []]
    twitch.send(t.offline())


REVOKED = {"message_type": "revocation", "status": "authorization_revoked"}


@pytest.mark.parametrize(
    "event_type",
    [
        "channel.raid",
        "channel.tape.rewound",
    ],
)
def test_people_are_told_of_a_revocation_until_it_is_over(postgres_server, event_type):
    """/status of every instance gives Twitch's reason, until a message of that type comes again."""
    with fresh_database(postgres_server.conninfo) as database, httpx.Client() as client:
        with running_here(database) as server:
            twitch = t.Twitch(server.url, client)
            twitch.send(t.message(event_type, None, **REVOKED))
            now = status_of(server)
            assert not now["isReady"]
            assert event_type in now["message"]
            assert now["message"].endswith("(Error: authorization_revoked)")
            raid = {f"from_broadcaster_{name}": value for name, value in t.viewer("RaidRita").items()}
            twitch.send(t.message(event_type, raid | {"viewers": 3}))
        with running_here(database) as other:
            assert status_of(other)["isReady"]
