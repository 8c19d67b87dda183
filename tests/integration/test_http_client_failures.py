"""How requests to neighbours fail, by method: each arrived once at most, and doubt is told from certainty."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from attrs import define, field

from showtime_adapters.http_client import NeighbourClient, Telemetry
from showtime_core.errors import Ambiguous, Unavailable
from support.following import until

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
BODIES = {"POST": b'{"points":200}', "PUT": b"an image"}
WELL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
UNASKED = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


def saying(text: bytes) -> Act:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return say


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection by an RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.sleep(0)  # the event loop closes what is aborted at its next turn


def then_close(text: bytes) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        await saying(text)(writer)
        await close(writer)

    return act


LOSSES: dict[str, Act] = {
    "closed": close,
    "reset": reset,
    "half a head": then_close(b"HTTP/1.1 200 OK\r\ncontent-len"),
    "half a body": then_close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"),
    "rubbish": then_close(b"\x00\xff\xfe rewind\r\n\r\n"),
    "rubbish, and silence": saying(b"be kind, rewind\r\n\r\n"),
    "a head without end": then_close(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000),
    "two lengths": then_close(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
}


@define
class Server:
    """Takes requests whole, answers well, or does what it is told to."""

    acts: list[Act] = field(factory=list)
    """What it does with the next requests; it answers well when there are no more."""
    received: list[tuple[str, bytes]] = field(factory=list)
    """Of each request that arrived whole, the method and the body."""
    writers: list[asyncio.StreamWriter] = field(factory=list)
    """One for each connection."""
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = await reader.readexactly(int(lines.get("content-length", 0)))
                self.received.append((head.split()[0], body))
                await (self.acts.pop(0) if self.acts else saying(WELL))(writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


def sent(*methods: str) -> list[tuple[str, bytes]]:
    return [(method, BODIES.get(method, b"")) for method in methods]


@pytest.fixture
async def server():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server
        for writer in server.writers:
            writer.transport.abort()


@asynccontextmanager
async def opened(url: str, told: list[str] | None = None):
    heard = [] if told is None else told
    telemetry = Telemetry(observe=lambda outcome, _: heard.append(outcome))
    async with NeighbourClient("the parrot", url, telemetry) as client:
        yield client


async def send(client: NeighbourClient, method: str, **options: object) -> int:
    answer = await client.send(method, "/", content=BODIES.get(method), **options)
    return answer.status_code


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", METHODS)
async def test_what_was_sent_and_not_answered_is_ambiguous(server: Server, method: str, loss: str):
    """An answer that is lost on a new connection leaves a doubt, and nothing is sent again."""
    server.acts = [LOSSES[loss]]
    told: list[str] = []
    async with opened(server.url, told) as client:
        with pytest.raises(Ambiguous):
            await send(client, method)
        assert server.received == sent(method)
        assert await send(client, method) == 200
    assert told == ["lost", "2xx"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", METHODS)
async def test_what_is_lost_on_a_kept_connection_is_not_repeated(server: Server, method: str, loss: str):
    """A kept connection that ends after it took a request leaves the same doubt, whatever the method."""
    server.acts = [saying(WELL), LOSSES[loss]]
    async with opened(server.url) as client:
        assert await send(client, "GET") == 200
        with pytest.raises(Ambiguous):
            await send(client, method)
    assert server.received == sent("GET", method)
    assert len(server.writers) == 1, "it was kept"


@pytest.mark.parametrize("turns", [0, 1, 20])
@pytest.mark.parametrize("end", [close, reset])
@pytest.mark.parametrize("method", METHODS)
async def test_nothing_is_sent_on_a_connection_that_has_ended(
    server: Server, method: str, end: Act, turns: int
):
    """A kept connection that ended before is seen to have, also by who has had no time to read that."""
    async with opened(server.url) as client:
        assert await send(client, "GET") == 200
        await end(server.writers[0])
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await send(client, method) == 200
    assert server.received == sent("GET", method)
    assert len(server.writers) == 2


@pytest.mark.parametrize("turns", [0, 1, 20])
@pytest.mark.parametrize("method", METHODS)
async def test_what_is_said_unasked_answers_nothing(server: Server, method: str, turns: int):
    """What comes on a kept connection before a request is not the answer to that request."""
    async with opened(server.url) as client:
        assert await send(client, "GET") == 200
        await saying(UNASKED)(server.writers[0])
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await send(client, method) == 200
    assert server.received == sent("GET", method)
    assert len(server.writers) == 2


async def test_what_follows_an_answer_belongs_to_no_other(server: Server):
    """Two answers to one request are one too many: the connection is not used again."""
    server.acts = [saying(WELL + UNASKED)]
    async with opened(server.url) as client:
        assert [await send(client, "POST") for _ in range(2)] == [200, 200]
    assert len(server.writers) == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("method", METHODS)
async def test_who_cannot_be_reached_was_sent_nothing(method: str, scheme: str):
    """Without a connection, or without TLS where it is wanted, nothing can have been done."""
    told: list[str] = []
    heard: list[bytes] = []

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(3))
        writer.close()

    listening = await asyncio.start_server(leave, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    if scheme == "http":
        listening.close()
        await listening.wait_closed()
    async with opened(f"{scheme}://127.0.0.1:{port}", told) as client:
        with pytest.raises(Unavailable):
            await send(client, method)
    listening.close()
    assert told == ["unsent"]
    assert heard == ([] if scheme == "http" else [b"\x16\x03\x01"]), "a greeting of TLS at most"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "rewind", "http://no.such.host.invalid"])
async def test_an_address_that_nobody_has_was_sent_nothing(url: str):
    """What names no server that speaks HTTP is no doubt either."""
    told: list[str] = []
    async with opened(url, told) as client:
        with pytest.raises(Unavailable):
            await send(client, "POST")
    assert told == ["unsent"]


@pytest.mark.parametrize("is_kept", [False, True])
async def test_a_request_that_is_withheld_leaves_no_half_behind(server: Server, *, is_kept: bool):
    """What is withheld before its body ends its connection: the next request is not taken for that body."""

    async def withhold(step: str, _: object) -> None:
        assert step == "http11.send_request_body.started"
        raise Unavailable("somebody else may be at it")

    told: list[str] = []
    async with opened(server.url, told) as client:
        if is_kept:
            await send(client, "GET")
        with pytest.raises(Unavailable, match="somebody else"):
            await send(client, "POST", extensions={"trace": withhold})
        assert await send(client, "POST") == 200
    assert told[-2:] == ["unsent", "2xx"]
    assert server.received == sent(*(["GET"] if is_kept else []), "POST")


async def test_a_place_is_waited_for_and_not_for_ever(server: Server):
    """Who finds all connections in use has sent nothing when he gives up."""

    async def hold(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server.acts = [hold] * 20
    async with opened(server.url) as client:
        crowd = [asyncio.create_task(send(client, "POST")) for _ in range(20)]
        await until(lambda: len(server.received) == 20)
        with pytest.raises(Unavailable):
            await send(client, "POST")
        for each in crowd:
            each.cancel()
        await asyncio.wait(crowd)
        assert await send(client, "POST") == 200
    assert server.received == sent(*["POST"] * 21)


async def test_an_answer_that_comes_before_all_is_sent_costs_no_place():
    """Who is answered before his body is taken hears it, and the connection with the rest is used no more."""
    writers: list[asyncio.StreamWriter] = []

    async def interrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a head, and read no further: what is not taken is held up at its sender."""
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        await saying(WELL)(writer)

    listening = await asyncio.start_server(interrupt, "127.0.0.1", 0, limit=1000)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, opened(url) as client:
        for _ in range(25):
            answer = await client.send("PUT", "/", content=b"x" * 10_000_000)
            assert answer.status_code == 200
        for writer in writers:
            writer.close()
    assert len(writers) == 25
