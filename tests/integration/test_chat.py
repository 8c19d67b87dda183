"""`/chat` by EventSub: to the letter of its clients, each message once, and none kept for ever."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from showtime_core.domain.chat import BACKLOG_LENGTH
from support import shared
from support import twitch as t
from support.databases import fresh_database
from support.following import following, until
from support.in_process import running_here
from support.sending import Sender, all_at_once
from support.server import Served, rows, running
from support.sse import Stream, asking, begun, listening
from support.twitch import CHANNEL, Message, Twitch, message, viewer

EVENTSUB = {"CHAT_SOURCE": "eventsub"}
KAPPA_URL = "https://static-cdn.jtvnw.net/emoticons/v2/25/default/dark/1.0"

database = shared.database


@pytest.fixture(scope="module")
def server(database) -> Iterator[Served]:
    with running_here(database, EVENTSUB) as server:
        yield server


@pytest.fixture
def chat(server) -> str:
    return f"{server.url}/chat"


def says(name: str, text: str, line_id: str | None = None, fragments: Any = None, **options: Any) -> Message:
    """Somebody writes; the id of the message is its text, if no other is given."""
    event = CHANNEL | {f"chatter_{key}": value for key, value in viewer(name).items()}
    event |= {"message_id": line_id or text, "color": "#1E90FF"}
    event |= {"message": {"text": text, "fragments": fragments or []}}
    return message("channel.chat.message", event, **options)


def deletes(line_id: str, **options: Any) -> Message:
    return message("channel.chat.message_delete", CHANNEL | {"message_id": line_id}, **options)


def bans(name: str, **options: Any) -> Message:
    event = CHANNEL | {f"target_{key}": value for key, value in viewer(name).items()}
    return message("channel.chat.clear_user_messages", event, **options)


def clears(**options: Any) -> Message:
    return message("channel.chat.clear", dict(CHANNEL), **options)


def word(line: Any) -> str | list[str]:
    """What a line is, in a word: the id of a message, the ids of a deletion, or `clear`."""
    match line:
        case {"type": "message", "message": {"id": str(message_id)}}:
            return message_id
        case {"type": "deletion", "deletion": {"messageIds": list(ids)}}:
            return ids
    return str(line["type"])


async def words(stream: Stream, count: int) -> list[str | list[str]]:
    return [word(block.data) for block in await stream.events(count)]


async def show(server: Served, *deeds: Message) -> None:
    """Send one after the other, and see each shown: whoever comes then begins behind them."""
    async with listening(f"{server.url}/chat") as stream:
        await begun(stream)
        for deed in deeds:
            assert await all_at_once(server.port, [deed]) == [204]
        await stream.events(len(deeds))


# --- to the letter --------------------------------------------------------------------------------


async def test_a_line_is_an_id_and_a_line_of_data(server):
    """A line is compact JSON of the fields that the overlay knows, with codes in the text and emote URLs."""
    kappa = {"type": "emote", "text": "Kappa", "emote": {"id": "25"}}
    async with asking(server.port, "GET /chat HTTP/1.0\nHost: a") as reader:
        head = await reader.readuntil(b"\nid: ") + await reader.readuntil(b"\n\n")
        # An instance that has just begun may not have reached the database: then it says when to come again.
        begin = rb":\n\n(retry: 3000\n\n)?id: [0-9a-z]+-\d+\nretry: 3000\n\n"
        assert re.fullmatch(rb".*\r\n\r\n" + begin, head, re.DOTALL)
        sent = says("Vera", "$5 Kappa", "m1", [{"type": "text", "text": "$5 "}, kappa])
        await all_at_once(server.port, [sent])
        data = b'{"type":"message","message":{"id":"m1","username":"Vera","color":"#1E90FF","text":"$$5 $0",'
        data += b'"emotes":[{"name":"Kappa","url":"' + KAPPA_URL.encode() + b'"}]}}'
        assert re.fullmatch(
            rb"id: [0-9a-z]+-\d+\ndata: " + re.escape(data) + rb"\n\n", await blocks(reader, 1)
        )
        await all_at_once(server.port, [deletes("m1")])
        assert b'\ndata: {"type":"deletion","deletion":{"messageIds":["m1"]}}\n\n' in await blocks(reader, 1)
        await all_at_once(server.port, [clears()])
        assert b'\ndata: {"type":"clear"}\n\n' in await blocks(reader, 1)


async def blocks(reader: asyncio.StreamReader, count: int) -> bytes:
    async with asyncio.timeout(60):
        return b"".join([await reader.readuntil(b"\n\n") for _ in range(count)])


def test_who_accepts_no_events_is_told(chat):
    """An Accept without events is refused as on other streams, and a backlog that is no number is named."""
    assert httpx.get(chat, headers={"accept": "text/html"}).text == "content-type text/html is not supported"
    assert httpx.post(chat).status_code == 405
    for wrong in ("fifty", "-1", "1.5", "²"):
        answer = httpx.get(chat, params={"backlog": wrong})
        assert (answer.status_code, answer.text) == (400, "backlog must be a whole number")


async def test_what_no_client_can_show_is_never_sent(server, chat):
    """A message without text is answered as any other, and not sent; without an id it is parked."""
    async with listening(chat) as stream:
        await begun(stream)
        nothing = [says("Vera", "", "empty"), says("Vera", "\x01ACTION \x01", "empty-me")]
        assert await all_at_once(server.port, nothing) == [204, 204]
        await all_at_once(server.port, [says("Vera", "something")])
        assert await words(stream, 1) == ["something"]


async def test_moderators_take_away(server, chat):
    """A deletion takes one message, a ban what that viewer wrote and is still there, a clearing all."""
    deeds = [
        clears(),
        *(says("Bob", "b1"), says("Vera", "v1"), says("Bob", "b2"), deletes("b1"), deletes("unknown")),
        *(bans("Bob"), bans("Bob"), bans("Larry"), clears(), bans("Vera"), says("Bob", "b3")),
    ]
    async with listening(chat) as stream:
        await begun(stream)
        for deed in deeds:
            assert await all_at_once(server.port, [deed]) == [204]
        expected = ["clear", "b1", "v1", "b2", ["b1"], ["unknown"], ["b2"], "clear", "b3"]
        assert await words(stream, len(expected)) == expected


# --- once, and not for ever -----------------------------------------------------------------------


async def test_a_message_that_comes_again_is_shown_once(server, database, chat):
    """A message is shown once under the same id, under another with the same fact, at once, and if stale."""
    first, clear = says("Vera", "once"), clears()
    twin = says("Vera", "once")
    async with listening(chat) as stream:
        await begun(stream)
        assert set(await all_at_once(server.port, [first, first.again(), twin, first.again(2)])) == {204}
        assert set(await all_at_once(server.port, [clear])) == {204}
        assert set(await all_at_once(server.port, [clear.again(), twin.again(), says("Vera", "then")])) == {
            204
        }
        assert await words(stream, 3) == ["once", "clear", "then"]
    stale = [
        clears(message_id=clear.id, timestamp="2026-01-01T00:00:00Z"),
        clears(message_id="never-seen", timestamp="2026-01-01T00:00:00Z"),
    ]
    assert await all_at_once(server.port, stale) == [204, 400]
    assert rows(database, "select count(*) from showtime.journal") == [(0,)]


# --- resuming and the backlog ---------------------------------------------------------------------


async def test_a_resume_gets_exactly_the_missed(server, chat):
    """With Last-Event-ID a client gets what it missed, deletions too, in order and once, then what comes."""
    async with listening(chat) as stream:
        start = await begun(stream)
        for deed in (says("Vera", "r1"), says("Bob", "r2"), deletes("r1"), says("Vera", "r3")):
            await all_at_once(server.port, [deed])
        seen = await stream.events(4)
    for place, last in enumerate([start, *(block.id for block in seen)]):
        async with listening(chat, last) as stream:
            assert await begun(stream) == last
            assert await stream.events(len(seen) - place) == seen[place:]
            await all_at_once(server.port, [says("Vera", f"live-{place}")])
            seen.append(await stream.event())
            assert word(seen[-1].data) == f"live-{place}"


async def test_a_resume_goes_back_as_far_as_the_backlog(server, chat):
    """Whoever was away for longer gets the latest 256 messages."""
    async with listening(chat) as stream:
        start = await begun(stream)
        spoken = [f"far-{number}" for number in range(BACKLOG_LENGTH + 20)]
        await Sender(server.port, connections=1).deliver([says("Vera", text) for text in spoken])
        await stream.events(len(spoken))
    async with listening(chat, start) as stream:
        await begun(stream)
        assert await words(stream, BACKLOG_LENGTH) == spoken[20:]


async def test_a_new_client_gets_the_backlog_that_it_asks_for(server, chat):
    """A new client gets the latest visible messages that it asks for, oldest first, and none unasked."""
    texts = [f"back-{number}" for number in range(10)]
    await show(server, clears(), *(says("Vera", text) for text in texts), deletes("back-8"))
    async with listening(f"{chat}?backlog=4") as stream, listening(chat) as plain:
        await begun(stream)
        await begun(plain)
        await all_at_once(server.port, [says("Vera", "back-live")])
        assert await words(stream, 5) == ["back-5", "back-6", "back-7", "back-9", "back-live"]
        assert await words(plain, 1) == ["back-live"]
    async with listening(f"{chat}?backlog=999") as stream:
        await begun(stream)
        assert await words(stream, 10) == [text for text in texts if text != "back-8"] + ["back-live"]


async def test_who_resumes_gets_no_backlog_besides(server, chat):
    """A browser that connects again with its id at the same address gets nothing twice."""
    await show(server, says("Vera", "resumed-1"), says("Vera", "resumed-2"))
    async with listening(f"{chat}?backlog=1") as stream:
        await begun(stream)
        last = (await stream.event()).id
    await show(server, says("Vera", "resumed-3"))
    async with listening(f"{chat}?backlog=50", last) as stream:
        await begun(stream)
        assert await words(stream, 1) == ["resumed-3"]


async def test_a_clearing_leaves_no_backlog(server, chat):
    """What was cleared is not shown to whoever comes later."""
    await show(server, says("Vera", "cleared"), clears())
    async with listening(f"{chat}?backlog=50") as stream:
        await begun(stream)
        await all_at_once(server.port, [says("Vera", "after the clearing")])
        assert await words(stream, 1) == ["after the clearing"]


# --- several instances, and none ------------------------------------------------------------------


async def test_two_instances_show_one_chat(postgres_server, tmp_path):
    """With messages split between two and one killed, each client sees each message once, in one order."""
    with fresh_database(postgres_server.conninfo) as database:
        first, second = (
            running(database, tmp_path / f"{number}.log", settings=EVENTSUB) for number in (1, 2)
        )
        with first as one, second as two:
            async with (
                following(f"{one.url}/chat", f"{two.url}/chat", hop_after=25) as hopping,
                following(f"{two.url}/chat") as staying,
            ):
                halves = [[says("Vera", f"{half}-{number}") for number in range(120)] for half in "ab"]
                await asyncio.gather(
                    Sender(one.port, connections=4).deliver(halves[0]),
                    Sender(two.port, connections=4).deliver(halves[1]),
                )
                one.kill()
                await until(lambda: len(staying.events) == len(hopping.events) == 240)
                assert staying.data == hopping.data
                assert len({word(line) for line in staying.data}) == 240


def test_chat_of_another_source_is_let_go(postgres_server):
    """By default chat is read by IRC: what EventSub sends besides is answered, and neither shown nor kept."""
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
        httpx.Client(timeout=60) as client,
    ):
        sent = Twitch(server.url, client).send(says("Vera", "twice"), clears(), t.cheer())
        assert [answer.status_code for answer in sent] == [204, 204, 204]
        assert rows(database, "select count(*) from showtime.chat_line") == [(0,)]
        assert rows(database, "select type from showtime.journal") == [("channel.cheer",)]
        status = client.get(f"{server.url}/status").json()
        assert status == {
            "isReady": True,
            "message": "showtime is fully operational. Off: chat, ghosts, points.",
        }


NEXT_DOOR = {"source_broadcaster_user_id": "2", "source_broadcaster_user_name": "Next_Door"}


def notifies(line_id: str, kind: str, text: str = "", **said: Any) -> Message:
    """Something is announced in chat, perhaps with words."""
    event = CHANNEL | {f"chatter_{key}": value for key, value in viewer("Vera").items()} | said
    event |= {"message_id": line_id, "notice_type": kind, "color": ""}
    return message("channel.chat.notification", event | {"message": {"text": text, "fragments": []}})


def streak(line_id: str, text: str = "", **said: Any) -> Message:
    return notifies(line_id, "watch_streak", text, watch_streak={"streak_count": 7}, **said)


async def test_what_is_written_with_a_notice_is_shown_and_another_room_is_not(server, database, chat):
    """Words of an announcement or a watch streak are chat; other rooms and alerts need settings."""
    elsewhere = message(
        "channel.chat.message",
        json.loads(says("Bob", "there").body)["event"] | NEXT_DOOR,
    )
    async with listening(chat) as stream:
        await begun(stream)
        for each in (
            *(notifies("n1", "resub", "still here"), notifies("n2", "raid"), streak("n3", "seven tapes")),
            *(
                elsewhere,
                streak("n4", "there", **NEXT_DOOR),
                notifies("n5", "shared_chat_announcement", "there"),
            ),
            *(says("Vera", "n6"), notifies("n1", "resub", "still here")),
        ):
            assert await all_at_once(server.port, [each]) == [204]
        assert await words(stream, 3) == ["n1", "n3", "n6"]
    assert rows(database, "select count(*) from showtime.journal where source = 'chat'") == [(0,)]


async def test_settings_show_other_rooms_and_watch_streaks(postgres_server):
    """Another room is shown with its channel's name; a watch streak of ours has one alert."""
    settings = EVENTSUB | {"SHOW_SHARED_CHAT": "true", "ALERT_WATCH_STREAKS": "true"}
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database, settings) as server,
    ):
        async with listening(f"{server.url}/chat") as chat, listening(f"{server.url}/alerts") as alerts:
            await begun(chat)
            await begun(alerts)
            ours = streak("n1", "seven tapes")
            there = streak("n2", "hello", **NEXT_DOOR)
            sent = [ours, ours.again(), streak("n1", "seven tapes"), there, streak("n3"), t.follow()]
            for each in sent:
                assert await all_at_once(server.port, [each]) == [204]
            shown = [block.data["message"] for block in await chat.events(2)]
            assert [(line["text"], line.get("channel")) for line in shown] == [
                ("seven tapes", None),
                ("hello", "Next_Door"),
            ]
            told = [block.data for block in await alerts.events(3)]
            streaks = {"type": "watch-streak", "data": {"username": "Vera", "numConsecutiveStreams": 7}}
            assert [each["type"] for each in told] == ["watch-streak", "watch-streak", "follow"]
            assert told[0]["data"] == {**streaks["data"], "message": "seven tapes"}
            assert told[1]["data"] == {**streaks["data"], "message": ""}


def test_bits_are_credited_once_whoever_tells_of_them(postgres_server):
    """A cheer is told by two types, and so is a custom Power-up: each has one alert and one credit."""
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
        httpx.Client(timeout=60) as client,
    ):
        told = viewer("Vera") | CHANNEL | {"message": {"text": "rewind", "fragments": []}, "bits": 250}
        redeemed = viewer("Vera") | CHANNEL | {"id": "r1", "custom_power_up": {"bits": 250}}
        custom = told | {"type": "custom_power_up"}
        sent = [
            t.cheer("Vera", bits=100),
            message("channel.bits.use", told | {"type": "cheer", "bits": 100}),
            *[message("channel.custom_power_up_redemption.add", redeemed)] * 2,
            message("channel.bits.use", custom),
            message("channel.custom_power_up_redemption.add", redeemed),
            message("channel.bits.use", told | {"type": "power_up", "message": None}),
        ]
        answers = Twitch(server.url, client).send(*sent)
        assert {answer.status_code for answer in answers} == {204}
        credited = rows(database, "select (payload->>'points')::int from showtime.outbox order by position")
        assert credited == [(100,), (250,), (250,)]
        alerts = rows(database, "select payload->'data'->>'numBits' from showtime.feed order by id")
        assert alerts == [("100",), ("250",), ("250",)]
        outcomes = rows(database, "select outcome from showtime.journal order by position")
        assert outcomes == [
            (each,) for each in ("reacted", "kept", "reacted", "reacted", "repeated", "reacted")
        ]
