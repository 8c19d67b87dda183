"""What strangers may take from us: connections, time, memory and streams each have their limit."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, post

from showtime_app.metrics import Metrics
from showtime_app.server import listen
from showtime_app.web import protocol
from showtime_app.web.middleware import edge_limits
from showtime_app.web.middleware.stream_limits import StreamLimits
from showtime_app.web.problems import on_http_exception
from support.following import until
from support.in_process import running_here
from support.sse import Stream, begun, listening

SECONDS = 0.5
"""The limits of time, for these tests."""
REMOTE = {"MAX_STREAMS": "5", "MAX_STREAMS_PER_ADDRESS": "2"}


@pytest.fixture
async def port(monkeypatch) -> AsyncIterator[int]:
    """Serve a route that reads its body, behind our protocol and our shield, with short limits."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(edge_limits, "BODY_SECONDS", SECONDS)

    @post("/")
    async def measure(request: Request) -> str:
        return str(len(await request.body()))

    @post("/unread")
    async def answer_at_once() -> None: ...

    app = Litestar(
        [measure, answer_at_once], exception_handlers={Exception: on_http_exception}, logging_config=None
    )
    shielded = edge_limits.with_edge_limits(app, StreamLimits(1, 1, ()), Metrics())
    server = uvicorn.Server(uvicorn.Config(shielded, http=protocol.HttpProtocol, log_config=None, ws="none"))
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def answer_to(port: int, *parts: str, pause: float = 0.0) -> str:
    """Send what a client may send, bit by bit, until the server ends the connection; returns what it said."""
    said = bytearray()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def listen() -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(1000):
                said.extend(chunk)

    async with asyncio.timeout(20):
        ended = asyncio.create_task(listen())
        for part in parts:
            if not ended.done():
                writer.write(part.replace("\n", "\r\n").encode())
                await asyncio.sleep(pause)
        await ended
    writer.close()
    return said.decode()


BEGUN = "POST / HTTP/1.1\nHost: a\n"
WHOLE = "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nok"


@pytest.mark.parametrize(
    ("sent", "statuses"),
    {
        "nothing": ("", []),
        "half of a head": (BEGUN, ["408"]),
        "half of a head, after a request": (WHOLE + BEGUN, ["201", "408"]),
        "half of a head, by an older client": ("POST / HTTP/1.0\nHost: a\n", ["408"]),
        "half of a body": (BEGUN + "Content-Length: 9\n\nhalf", ["408"]),
        "half of a body, by an older client": ("POST / HTTP/1.0\nContent-Length: 9\n\nhalf", ["408"]),
    }.values(),
)
async def test_nobody_is_waited_for_without_end(port, sent, statuses):
    """Whoever sends a part of a request, or none, loses the connection when the time is up."""
    assert re.findall(r"HTTP/1\.1 (\d+)", await answer_to(port, sent)) == statuses


async def test_what_nobody_reads_is_not_waited_for(port):
    """Whoever is answered before the body is there, and goes on sending a little of it, is left."""
    request = "POST /unread HTTP/1.1\nHost: a\nContent-Length: 1000\n\n"
    assert (await answer_to(port, request, *["x"] * 100, pause=0.1)).startswith("HTTP/1.1 201")


async def test_an_early_answer_is_not_taken_away(port):
    """Whoever is answered before the body is sent gets the answer all the same, and the next one as well."""
    request = "POST /unread HTTP/1.1\nHost: a\nContent-Length: 4\n\n"
    said = await answer_to(port, request, "late" + request, "late", pause=SECONDS / 2)
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["201", "201"]


async def test_who_is_late_with_a_body_reads_the_answer(port):
    """A client that goes on to send its body after the time was up reads that it was."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(30):
        writer.write(BEGUN.replace("\n", "\r\n").encode() + b"Content-Length: 60000\r\n\r\n")
        first = await reader.read(1)
        writer.write(b"x" * 4 * 1024 * 1024)
        await writer.drain()
        assert (first + await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_head_that_never_ends_is_not_kept(port):
    """Headers without end are refused at 64 KiB, long before their time is up."""
    endless = [f"X-{number}: {'x' * 4000}\n" for number in range(17)]
    assert (await answer_to(port, BEGUN, *endless)).startswith("HTTP/1.1 431")


@pytest.mark.parametrize("part", ["X: " + "x" * 4000 + "\n", "x" * 4000, "1;" + "x" * 4000 + "\nx\n"])
async def test_what_is_no_part_of_a_body_is_not_kept(port, part):
    """Endless trailers, or chunks that say more than they bring, are cut off."""
    begun = BEGUN + "Transfer-Encoding: chunked\n\n"
    begun += "" if part.startswith("1") else "0\nY: "
    assert await answer_to(port, begun, *[part] * 40) == ""


async def test_a_slow_head_in_small_parts_is_no_way_out(port):
    """A byte now and then does not prolong the time."""
    parts = [f"X-{number}: x\n" for number in range(8)]
    assert (await answer_to(port, BEGUN, *parts, pause=SECONDS / 4)).startswith("HTTP/1.1 408")


async def test_a_request_in_time_is_served_on_a_connection_that_lasts(port):
    """Who is slow but in time is served; the next request on the connection has its own time."""
    async with httpx.AsyncClient() as client:
        for _ in range(3):
            answer = await client.post(f"http://127.0.0.1:{port}/", content=b"twelve bytes")
            assert (answer.status_code, answer.text) == (201, "12")
            await asyncio.sleep(SECONDS * 0.8)


def test_a_body_that_no_route_needs_is_refused(server):
    """No more than 64 KiB are read, for any route."""
    answer = httpx.post(f"{server.url}/admin/tape/5", content=b"x" * (edge_limits.MAX_BODY_BYTES + 1))
    assert answer.status_code in {400, 413}, answer.text


# --- streams --------------------------------------------------------------------------------------


@asynccontextmanager
async def streams(url: str, *addresses: str | None) -> AsyncIterator[list[Stream]]:
    """Open streams for clients whom our proxy names."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                listening(f"{url}/alerts", **({"X-Forwarded-For": address} if address else {}))
            )
            for address in addresses
        ]


async def has_place(stream: Stream) -> bool:
    """Whether a stream goes on; else see that it tells a browser to come again."""
    assert stream.response.status_code == 200
    if (first := await stream.block()).lines == (":",):
        assert await begun(stream)
        return True
    assert first.lines == (": too many streams are open, try again",)
    assert (await stream.block()).lines == ("retry: 30000",)
    with pytest.raises(EOFError):
        await stream.block()
    return False


CROWDS = {
    "an address": (["203.0.113.7"] * 3, "++-"),
    "two addresses": (["203.0.113.7", "203.0.113.8"] * 2, "++++"),
    "what the client itself says": (["1.1.1.1, 203.0.113.7", "2.2.2.2, 203.0.113.7"] * 2, "++--"),
    "proxies in a row": (["203.0.113.7, 127.0.0.1"] * 3, "++-"),
    "one household": (["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"], "++-+"),
    "IPv4 in IPv6": (["::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"], "++-"),
    "nobody is named": ([None] * 6, "+++++-"),
    "rubbish": (["unknown"] * 3, "+++"),
}


SPELLINGS = ["/alerts", "//alerts", "/alerts//", "/%61lerts", "/alerts%2f", "//alerts/"]


async def test_streams_are_limited_for_a_client_and_in_all(migrated):
    """Whom a trusted proxy names has a few places; all have no more than there are, however they spell it."""
    with running_here(migrated, REMOTE) as server:
        for crowd, (addresses, places) in CROWDS.items():
            async with streams(server.url, *addresses) as opened:
                got = ["+" if await has_place(stream) else "-" for stream in opened]
            assert (crowd, "".join(got)) == (crowd, places)
            await until(lambda: metric(server.url, 'showtime_stream_clients{stream="alerts"}') == "0.0")
        assert metric(server.url, 'showtime_refused_streams_total{limit="all"}') == "1.0"
        async with AsyncExitStack() as stack:
            spelt = [await stack.enter_async_context(listening(server.url + path)) for path in SPELLINGS]
            assert [await has_place(stream) for stream in spelt] == [True] * 5 + [False]
            # The head alone takes no place: where there is none, it is not refused one.
            async with httpx.AsyncClient() as client:
                assert (await client.head(f"{server.url}/alerts")).status_code == 200
            assert metric(server.url, 'showtime_refused_streams_total{limit="all"}') == "2.0"


def metric(url: str, name: str) -> str:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return next(line.removeprefix(name).strip() for line in lines if line.startswith(name))


async def test_a_stranger_is_not_believed(migrated):
    """Without trust in the address that speaks to us, its own word on who it is does not count."""
    settings = {**REMOTE, "TRUSTED_PROXIES": "192.0.2.0/24"}
    with running_here(migrated, settings) as server:
        async with streams(server.url, "203.0.113.7", "203.0.113.8", "203.0.113.9") as opened:
            assert [await has_place(stream) for stream in opened] == [True, True, False]
