"""The reader of IRC over real sockets with TLS: whatever the server does, chat is read."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, field

from showtime_adapters.twitch.irc import (
    CHUNK_BYTES,
    MAX_LINE_BYTES,
    IrcReader,
    LineBuffer,
    pause_seconds,
)
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import (
    ChatCleared,
    ChatEvent,
    ChatMessageDeleted,
    ChatMessageSent,
    ChatUserSilenced,
)
from showtime_core.errors import Unavailable
from support.certificates import Certificate, make_certificate
from support.following import until
from support.irc import CHANNEL, IrcServer, irc, privmsg

TMI = b":tmi.twitch.tv "


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("irc"))


@pytest.fixture
async def server(certificate) -> AsyncIterator[IrcServer]:
    async with irc(certificate) as server:
        yield server


@define
class Log:
    """What a reader has handed on, and how it says it fares."""

    heard: list[ChatEvent] = field(factory=list)
    sent_at: list[datetime | None] = field(factory=list)
    batches: list[int] = field(factory=list)
    told: list[str | None] = field(factory=list)
    is_away: bool = False
    may_go_on: asyncio.Event = field(factory=asyncio.Event)

    def __attrs_post_init__(self) -> None:
        self.may_go_on.set()

    async def hear(self, heard: Sequence[ChatReport]) -> None:
        await self.may_go_on.wait()
        if self.is_away:
            raise Unavailable("the database cannot be reached")
        self.heard += [each.event for each in heard]
        self.sent_at += [each.sent_at for each in heard]
        self.batches.append(len(heard))

    async def report(self, trouble: str | None) -> None:
        self.told.append(trouble)
        if self.is_away:
            raise Unavailable("the database cannot be reached")

    @property
    def ids(self) -> list[str]:
        return [event.message_id for event in self.heard if isinstance(event, ChatMessageSent)]


@asynccontextmanager
async def reading(
    server: IrcServer, ca_file: Path | None, clock: Callable[[], float] = time.monotonic, **timing: float
) -> AsyncIterator[Log]:
    log = Log()
    reader = IrcReader(server.url, CHANNEL, log.hear, log.report, ca_file, **timing, clock=clock)
    task = asyncio.create_task(reader.run())
    try:
        yield log
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_reader_joins_without_a_name_of_its_own(server, certificate):
    """It asks for tags and commands, reads as justinfan and some digits, and says that it is well."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        capabilities, nick, join = server.connections[0].lines
        assert capabilities == "CAP REQ :twitch.tv/tags twitch.tv/commands"
        assert nick.startswith("NICK justinfan")
        assert nick.removeprefix("NICK justinfan").isdecimal()
        assert join == f"JOIN #{CHANNEL}"
        await until(lambda: log.told == [None])


async def test_lines_arrive_in_any_pieces(server, certificate):
    """Lines that are split anywhere, within a character too, or come many at once, are all read in order."""
    script = b"".join(privmsg(f"m{number}", f"tape {number} 📼 ✂ ") for number in range(200))
    script += TMI + b"CLEARCHAT #goldenvcr\r\n"
    chance = random.Random(7)
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        while script:
            size = chance.choice([1, 2, 3, 7, 50, 4000])
            await server.send(script[:size])
            script = script[size:]
            await asyncio.sleep(0)
        await until(lambda: log.heard[-1:] == [ChatCleared()])
        assert log.ids == [f"m{number}" for number in range(200)]
        assert log.heard[199].text == "tape 199 📼 ✂ "


async def test_a_ping_is_answered(server, certificate):
    """A PING is answered with what it said, also between messages."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        await server.send(privmsg("a", "hi") + b"PING :tmi.twitch.tv\r\nPING\r\n" + privmsg("b", "hi"))
        await until(lambda: server.connections[0].lines[3:] == ["PONG :tmi.twitch.tv", "PONG"])
        await until(lambda: log.ids == ["a", "b"])


async def test_it_says_when_twitch_sent_what_was_said(server, certificate):
    """The time of a message is Twitch's stamp, and without a sensible stamp there is none."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        stamps = ["1793390400123", "", "soon", "9" * 30]
        for number, stamp in enumerate(stamps):
            await server.send(privmsg(f"m{number}", "hi", tmi_sent_ts=stamp))
        await until(lambda: len(log.heard) == len(stamps))
        sent = datetime(2026, 10, 30, 20, microsecond=123_000, tzinfo=UTC)
        assert log.sent_at == [sent, None, None, None]


async def test_garbage_harms_nothing(server, certificate):
    """Random bytes, endless lines and messages of nobody leave all that is well among them to be read."""
    chance = random.Random(1986)
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        for number in range(50):
            await server.send(chance.randbytes(chance.randrange(400)).replace(b"PING", b"") + b"\r\n")
            await server.send(b"@emotes=x:1-,/-;id :: PRIVMSG # \r\n@;;;=\r\n:\r\n \r\n")
            await server.send(privmsg(f"m{number}", "still here"))
        await server.send(b"x" * (20 * MAX_LINE_BYTES) + b"\r\n" + privmsg("after", "the flood"))
        await until(lambda: log.ids[-1:] == ["after"])
        well = [message_id for message_id in log.ids if message_id]
        assert well == [*(f"m{number}" for number in range(50)), "after"]
        assert len(server.connections) == 1


async def test_deeds_of_moderators_are_heard_in_their_place(server, certificate):
    """What moderators do is reported in its place among the messages that it is about."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        deeds = b"@target-msg-id=a " + TMI + b"CLEARMSG #goldenvcr :x\r\n" + privmsg("b", "y")
        deeds += (
            b"@target-user-id=7 " + TMI + b"CLEARCHAT #goldenvcr :v\r\n" + TMI + b"CLEARCHAT #goldenvcr\r\n"
        )
        await server.send(privmsg("a", "x") + deeds)
        await until(lambda: log.heard[-1:] == [ChatCleared()])
        assert [*map(type, log.heard[:1]), log.heard[1], *map(type, log.heard[2:3]), *log.heard[3:]] == [
            *(
                ChatMessageSent,
                ChatMessageDeleted("a"),
                ChatMessageSent,
                ChatUserSilenced("7"),
                ChatCleared(),
            ),
        ]


async def test_it_connects_again_when_it_is_told_to(server, certificate):
    """On RECONNECT it leaves, what came along with that word is kept, and it joins again."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        await server.send(privmsg("a", "x") + TMI + b"RECONNECT\r\n" + privmsg("b", "y"))
        await server.until_joined(2)
        await server.send(privmsg("c", "z"))
        await until(lambda: log.ids == ["a", "b", "c"])
        await until(lambda: log.told[-1:] == [None])
        assert log.told.count("chat is not connected: Twitch asks for a new connection") == 1


async def test_it_connects_again_when_nothing_comes(server, certificate):
    """Silence is a dead line; as long as anything comes, the line is alive."""
    now = 1000.0
    timing = {"silence_seconds": 1.0, "health_seconds": 0.05}
    async with reading(server, certificate.file, lambda: now, **timing) as log:
        for count in range(1, 9):
            await until(lambda count=count: len(log.told) == count)  # it has looked whether it is too late
            await server.send(b"PING :tmi.twitch.tv\r\n")
            await until(lambda count=count: len(server.connections[0].lines) == 3 + count)
            now += 0.9
        assert set(log.told) == {None}
        now += 0.9
        await server.until_joined(2)
        assert "chat is not connected: nothing was heard for 1 s" in log.told


async def test_it_says_now_and_then_that_it_is_well(server, certificate):
    """A reader reports now and then that it is well, so that nobody takes it for dead."""
    async with reading(server, certificate.file, health_seconds=0.05) as log:
        await until(lambda: len(log.told) > 3)
        assert set(log.told) == {None}


async def test_it_says_why_it_cannot_join(server, certificate):
    """A reader that cannot join passes on what the server says."""
    server.lets_join = False
    async with reading(server, certificate.file) as log:
        await until(lambda: server.connections and len(server.connections[0].lines) == 3)
        server.connections[0].writer.write(TMI + b"NOTICE * :Login unsuccessful\r\n")
        await server.connections[0].writer.drain()
        server.connections[0].writer.close()
        await until(lambda: log.told == ["chat is not connected: Login unsuccessful"])
        server.lets_join = True
        await server.until_joined()
        await until(lambda: log.told[-1] is None)


async def test_a_certificate_that_is_not_trusted_is_refused(server):
    """Whoever answers must be who it is called."""
    async with reading(server, None) as log:
        await until(lambda: log.told)
        assert "certificate verify failed" in log.told[0]
        assert not server.joined


async def test_nothing_is_lost_while_the_database_is_away(server, certificate):
    """What was heard waits, and then is kept in order."""
    async with reading(server, certificate.file) as log:
        await server.until_joined()
        log.is_away = True
        await server.send(privmsg("a", "x"))
        await asyncio.sleep(0.1)
        await server.send(privmsg("b", "y"))
        log.is_away = False
        await until(lambda: log.ids == ["a", "b"])


async def test_whoever_writes_faster_than_we_keep_waits(server, certificate):
    """While nothing can be kept the server is not read from: memory holds a chunk, not the flood."""
    crowd = [privmsg(f"m{number}", "spam " * 400) for number in range(12_000)]
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for first in range(0, len(crowd), 100):
            await server.send(b"".join(crowd[first : first + 100]))
            sent = first + 100

    async with reading(server, certificate.file) as log:
        await server.until_joined()
        log.may_go_on.clear()
        sending, before = asyncio.create_task(flood()), -1
        while before < sent:
            before = sent
            await asyncio.sleep(0.5)
        assert 0 < sent < len(crowd)
        log.may_go_on.set()
        await until(lambda: len(log.ids) == len(crowd), 60)
        await sending
        assert log.ids == [f"m{number}" for number in range(len(crowd))]
        assert max(log.batches) <= CHUNK_BYTES // len(crowd[0]) + 1


def test_pauses_grow_and_have_a_limit():
    """Pauses grow from half a second to at most a minute, and are never the same for all."""
    assert [pause_seconds(failures, 1.0) for failures in (0, 1, 2, 3, 20, 2000)] == [0.5, 1, 2, 4, 60, 60]
    assert pause_seconds(3, 0.0) == 2


def test_a_line_without_an_end_is_left_out():
    """However long it is, no more than a line is held; the lines after it are read."""
    lines = LineBuffer()
    assert lines.feed(b"a\r\nb") == [b"a\r"]
    for _ in range(100):
        assert lines.feed(b"x" * 10_000) == []
    assert lines.feed(b"tail\nc\n" + b"y" * (MAX_LINE_BYTES + 1) + b"\nd\n") == [b"c", b"d"]
