"""`POST /callback` in trouble: poison among good messages, a database that is away, secrets that change."""

import asyncio
import json
import re
import secrets
from datetime import timedelta

import httpx
import pytest

from showtime_app import composition
from support import shared
from support import twitch as t
from support.databases import fresh_database, gone, locked, read_only
from support.in_process import running_here
from support.sending import Connection, all_at_once
from support.server import rows

LONG = secrets.token_hex(6000)  # too long for a key of an index, and nothing that could be compressed
WITH_BITS = '{"subscription": {"type": "channel.cheer"}, "event": {"user_id": "1", "user_login": "bob", %s}}'


database = shared.database
server = shared.server


def raw(body):
    return t.message("channel.cheer", None, body=body.encode())


def verdict(database, message):
    [found] = rows(database, "select outcome, remark from showtime.journal where id = %s", message.id)
    return found


@pytest.fixture(scope="module")
def cleaned():
    """Give what is taken, less what no text may hold. Made when it is needed: a message grows too old."""
    return {
        "NUL": t.cheer("NulNed", text="be \0 kind"),
        "half a pair": t.cheer("HalfHal", text="rewind \ud83d"),
        "NUL in a name": t.follow("Null\0Nora"),
        "NUL in the title": t.message("channel.update", {"title": "\0", "category_name": "\udc7b"}),
        "infinity unused": raw(WITH_BITS % '"bits": 7, "total": 1e999'),
    }


@pytest.fixture(scope="module")
def parked():
    """Give what cannot be reacted to, with the reason."""
    return {
        "5000 digits": (raw(WITH_BITS % f'"bits": {"7" * 5000}'), "the body cannot be read"),
        "deep nesting": (raw("[" * 100_000 + "]" * 100_000), "the body cannot be read"),
        "infinity": (raw(WITH_BITS % '"bits": 1e999'), "'bits' is not a whole number"),
        "beyond 32 bits": (raw(WITH_BITS % '"bits": 2147483648'), "'bits' is not a whole number"),
        "negative": (t.cheer(bits=-1), "'bits' is not a whole number"),
        "a text": (t.cheer(bits="100"), "'bits' is not a whole number"),
        "nobody": (raw(WITH_BITS.replace('"1"', "null") % '"bits": 7'), "'user_id' is missing"),
        "the year 1": (
            t.message("channel.follow", t.viewer("Zed") | {"followed_at": "0001-01-01T00:00:00Z"}),
            "'followed_at' is not a time",
        ),
        "an id too long for a key": (
            t.message(
                "channel.follow", t.viewer("Zed") | {"user_id": LONG, "followed_at": "2026-01-01T00:00:00Z"}
            ),
            "it cannot be written: ProgramLimitExceeded",
        ),
        "a fact too long for a key": (
            t.message("channel.channel_points_custom_reward_redemption.add", t.viewer("Zed") | {"id": LONG}),
            "it cannot be written: ProgramLimitExceeded",
        ),
    }


async def test_one_bad_message_harms_no_other(server, database, cleaned, parked):
    """Of a batch with poison in it only the culprits are parked, with the reason; all others are shown."""
    good = [t.cheer(f"GoodGwen{number}") for number in range(20)]
    poison = [*cleaned.values(), *(message for message, _ in parked.values())]
    with locked(database):
        sending = asyncio.create_task(all_at_once(server.port, [t.cheer(), *good[:10], *poison, *good[10:]]))
        await asyncio.sleep(0.7)
    assert set(await sending) == {204}
    assert {verdict(database, cheer) for cheer in good} == {("reacted", None)}
    [(count,)] = rows(
        database,
        "select count(*) from showtime.feed where payload->'data'->>'username' like %s",
        "GoodGwen%",
    )
    assert count == 20
    assert {name: verdict(database, message) for name, message in cleaned.items()} == dict.fromkeys(
        cleaned, ("reacted", None)
    )
    for name, (message, reason) in parked.items():
        outcome, remark = verdict(database, message)
        assert (name, outcome) == (name, "parked")
        assert reason in remark


def test_what_was_parked_holds_up_nobody(twitch, database, parked):
    """The message after a poisonous one is taken as ever, and its viewer is shown."""
    message, _ = parked["an id too long for a key"]
    good = t.cheer("AfterAl")
    assert [answer.status_code for answer in twitch.send(message.again(), good)] == [204, 204]
    assert verdict(database, good) == ("reacted", None)


def test_viewers_text_is_shown_without_what_was_cleaned(twitch, database):
    """An alert shows a viewer's text without NUL and halves of pairs, and is JSON all the same."""
    cheer = t.cheer("Cleo\0", text="a \ud83d ghost 👻 \0of \\u0000")
    twitch.send(cheer)
    [(payload,)] = rows(database, "select payload::text from showtime.feed where entry_id = %s", cheer.id)
    data = json.loads(str(payload))["data"]
    assert (data["username"], data["message"]) == ("Cleo", "a  ghost 👻 of \\u0000")


async def test_a_batch_of_large_messages_is_taken(postgres_server):
    """Messages of which every one is large are taken together as well, and so is what comes next."""
    cheers = [t.cheer(f"BigBen{number}", text="x" * 120_000) for number in range(40)]
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
    ):
        with locked(database):
            sending = asyncio.create_task(all_at_once(server.port, cheers))
            await asyncio.sleep(0.7)
        assert set(await sending) == {204}
        assert await all_at_once(server.port, [t.cheer()]) == [204]


async def test_a_slow_sender_delays_nobody_and_is_answered(server):
    """A body that does not come is given up after 5 s with 503, and no other message waits for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /callback HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
    slow = asyncio.create_task(reader.read())
    assert await all_at_once(server.port, [t.cheer(), t.cheer()]) == [204, 204]
    assert not slow.done()
    assert (await asyncio.wait_for(slow, 30)).startswith(b"HTTP/1.1 503")
    writer.close()
    await writer.wait_closed()


def test_a_database_that_is_away_is_503_until_it_is_back(postgres_server):
    """Without a database the answer is 503; the resend is taken once it is back, unrestarted."""
    address = postgres_server.conninfo
    with (
        fresh_database(address) as database,
        running_here(database) as server,
        httpx.Client(timeout=60) as client,
    ):
        twitch, cheer = t.Twitch(server.url, client), t.cheer()
        twitch.send(t.online())
        with gone(database, address):
            for message in (cheer, t.cheer(at=t.datetime.now(t.UTC) - timedelta(minutes=11))):
                [answer] = twitch.send(message)
                assert answer.status_code == 503
                assert "select" not in answer.text
            assert client.get(f"{server.url}/readyz").status_code == 503
            assert client.get(f"{server.url}/healthz").status_code == 200
            told = client.get(f"{server.url}/status")
            assert (told.status_code, told.json()["isReady"]) == (200, False)
        assert twitch.send(cheer.again())[0].status_code == 204
        assert verdict(database, cheer) == ("reacted", None)
        assert client.get(f"{server.url}/readyz").status_code == 200
        assert client.get(f"{server.url}/status").json()["isReady"]


def test_an_old_schema_is_not_served(postgres_server):
    """With migrations pending nothing is taken, /readyz says what to run, and then it works unrestarted."""
    with (
        fresh_database(postgres_server.conninfo, is_migrated=False) as database,
        running_here(database, ready=False) as server,
        httpx.Client() as client,
    ):
        ready = client.get(f"{server.url}/readyz")
        assert (ready.status_code, "showtime migrate" in ready.text) == (503, True)
        twitch, cheer = t.Twitch(server.url, client), t.cheer()
        assert twitch.send(cheer)[0].status_code == 503
        composition.migrate_up(database, lambda _: None)
        assert twitch.send(cheer)[0].status_code == 204
        assert client.get(f"{server.url}/readyz").status_code == 200


def test_a_database_that_takes_nothing_is_not_ready(postgres_server):
    """One that is read-only, as a standby is, is told apart from one that is well, until it takes again."""
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
        httpx.Client(timeout=60) as client,
    ):
        twitch, cheer = t.Twitch(server.url, client), t.cheer()
        with read_only(database, postgres_server.conninfo):
            ready = client.get(f"{server.url}/readyz")
            assert (ready.status_code, "read-only" in ready.text) == (503, True)
            assert twitch.send(cheer)[0].status_code == 503
        assert client.get(f"{server.url}/readyz").text == "ready"
        assert twitch.send(cheer)[0].status_code == 204


def test_a_secret_is_replaced_without_losing_a_message(postgres_server):
    """While two secrets are configured, messages signed with either are taken."""
    both = {"TWITCH_WEBHOOK_SECRET": "the-old-secret, the-new-secret"}
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database, settings=both) as server,
        httpx.Client() as client,
    ):
        signed = [
            t.cheer(secret=secret) for secret in ("the-old-secret", "the-new-secret", "neither-of-them")
        ]
        assert [answer.status_code for answer in t.Twitch(server.url, client).send(*signed)] == [
            204,
            204,
            400,
        ]


@pytest.mark.parametrize(
    "path",
    [
        "/callback",
        "/status",
        "/alerts",
        "/admin/tape",
        "/nowhere",
    ],
)
def test_every_answer_bears_the_id_of_its_request(server, path):
    """x-request-id is echoed; where it is absent, or nothing to be logged, it is made."""
    made = set()
    for given in ("night-7/cheer", None, "x" * 200, "two words"):
        headers = {"accept": "nothing"} | ({"x-request-id": given} if given else {})
        answer = httpx.get(server.url + path, headers=headers)
        told = answer.headers.get_list("x-request-id")
        assert len(told) == 1
        assert re.fullmatch(r"[!-~]{8,64}", told[0])
        assert (told[0] == given) == (given == "night-7/cheer")
        made.add(told[0])
    assert len(made) == 4


async def test_a_connection_is_used_again_after_a_refusal(server):
    """Twitch's connection survives a refusal: what comes next on it is taken."""
    connection = Connection(server.port)
    sent = [t.cheer(secret="a-guess-of-mine"), t.cheer(), raw("no json"), t.cheer()]
    assert [await connection.post(message) for message in sent] == [400, 204, 400, 204]
    connection.close()
