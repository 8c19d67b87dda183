"""What is asked depends on the bytes that a client sends, and not on their segments or its hopes."""

import asyncio
import gc
import re
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
import uvicorn
from litestar import Litestar, Request, get, post
from litestar.response import Stream

from showtime_app.server import listen
from showtime_app.web.protocol import MAX_HEAD_BYTES, HttpProtocol
from support.following import until

UPGRADE = "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n"
"""What the HTTP client of the JDK sends on plain HTTP."""
SMUGGLED = "GET /?smuggled HTTP/1.1\nHost: a\n\n"
"""A body that reads like a request."""


def body(upgrade: str = UPGRADE, content: str = SMUGGLED) -> str:
    length = len(content.replace("\n", "\r\n"))
    return f"POST / HTTP/1.1\nHost: a\n{upgrade}Content-Length: {length}\n\n{content}"


def chunks(content: str = SMUGGLED) -> str:
    length = len(content.replace("\n", "\r\n"))
    head = f"POST / HTTP/1.1\nHost: a\n{UPGRADE}Transfer-Encoding: chunked\n\n"
    return f"{head}{length:x}\n{content}\n0\n\n"


LAST = "GET /last HTTP/1.1\nHost: a\nConnection: close\n\n"
OLDER = "GET /older HTTP/1.0\nHost: a\n\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve what repeats the path and query it was asked for, or the body; /slow once /go is asked for."""

    @get(["/", "/last", "/older"])
    async def say(request: Request) -> str:
        assert "upgrade" not in request.headers
        return f"[{request.url.path}{request.url.query}]"

    told = asyncio.Event()

    @get("/slow")
    async def slow() -> str:
        await told.wait()
        return "[/slow]"

    @get("/go")
    async def go() -> str:
        told.set()
        return "[/go]"

    @post("/")
    async def repeat(request: Request) -> str:
        return f"[{(await request.body()).decode()}]"

    @get("/unsized")
    async def unsized() -> Stream:
        return Stream(iter(["[un", "sized]"]))

    app = Litestar([say, slow, go, repeat, unsized], logging_config=None, openapi_config=None)
    server = uvicorn.Server(uvicorn.Config(app, http=HttpProtocol, log_config=None, ws="none"))
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def answers(port: int, *requests: Sequence[str]) -> list[tuple[str, str]]:
    """Send requests, each in its segments and once the one before is answered; gives statuses and contents.

    A segment is on its way before the next is written: without delay, and read by a server on the same loop.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    async with asyncio.timeout(30):
        for number, segments in enumerate(requests):
            for segment in segments:
                writer.write(segment.replace("\n", "\r\n").encode())
                await writer.drain()
                for _ in range(4):
                    await asyncio.sleep(0)
            while number < len(requests) - 1 and said.count(b"]") <= number:
                part = await reader.read(1000)
                assert part, said
                said += part
        said += await reader.read()
        writer.close()
    text = said.decode()
    return [
        (status, content)
        for status, content in re.findall(r"HTTP/1\.1 (\d+)[^\[]*?\r\n\r\n(?:\[(.*?)\])?", text, re.DOTALL)
    ]


def wire(text: str) -> str:
    return text.replace("\n", "\r\n")


def split(text: str, size: int) -> list[str]:
    """Split what is sent; line ends are one character here, and are cut as such."""
    return [text[at : at + size] for at in range(0, len(text), size)]


SEGMENTS = {"whole": 10_000, "in two": 150, "in small parts": 7, "byte by byte": 1}


@pytest.mark.parametrize("size", SEGMENTS.values(), ids=SEGMENTS)
@pytest.mark.parametrize("request_", [body(), chunks(), body("Upgrade: websocket\nconnection: UPGRADE\n")])
async def test_an_upgrade_is_ignored_and_the_body_stays_a_body(port, request_, size):
    """Who asks for an upgrade is answered as if it had not (RFC 9110, 7.8); the connection is kept."""
    said = await answers(port, split(request_, size), split(request_, size), [LAST])
    assert said == [("201", wire(SMUGGLED))] * 2 + [("200", "/last")]


async def test_an_upgrade_without_a_body_is_followed_by_the_next_request(port):
    """A request that asks for an upgrade may have others behind it, in the same segment too."""
    asking = f"GET / HTTP/1.1\nHost: a\n{UPGRADE}\n"
    assert await answers(port, [asking + LAST]) == [("200", "/"), ("200", "/last")]


@pytest.mark.parametrize("size", SEGMENTS.values(), ids=SEGMENTS)
@pytest.mark.parametrize("before", [[], [["\n"]], [[body("")]], [[body()]]])
async def test_an_older_client_is_known_by_its_line(port, before, size):
    """HTTP/1.0 is answered without chunks and its connection ended, however TCP splits what it sends."""
    unsized = OLDER.replace("/older", "/unsized")
    for asked, content in ((OLDER, "/older"), (unsized, "unsized")):
        requests = [*before, split(asked, size)] if before != [["\n"]] else [["\n", *split(asked, size)]]
        said = await answers(port, *requests)
        assert said[-1] == ("200", content)
        assert len(said) == len(requests)


@pytest.mark.parametrize("size", SEGMENTS.values(), ids=SEGMENTS)
async def test_an_older_client_may_send_a_body_and_ask_for_an_upgrade(port, size):
    """The body of HTTP/1.0 is kept, and its field Upgrade says nothing (RFC 9110, 7.8)."""
    for upgrade in ("", UPGRADE):
        older = body(upgrade).replace("POST / HTTP/1.1", "POST / HTTP/1.0")
        assert await answers(port, split(older, size)) == [("201", wire(SMUGGLED))]


async def test_an_older_client_sends_no_chunks(port):
    """HTTP/1.0 knows no transfer coding: a body that has one could be read in two ways (RFC 9112, 6.1)."""
    older = chunks().replace("POST / HTTP/1.1", "POST / HTTP/1.0")
    assert await answers(port, [older]) == [("400", "")]


async def test_a_segment_that_ends_like_an_older_request_is_none(port):
    """A field that ends in HTTP/1.0 at the beginning of a segment is a field."""
    parts = ["GET /last HTTP/1.1\nConnection: close\nHost: a\n", "User-Agent: legacy HTTP/1.0\n\n"]
    assert await answers(port, parts) == [("200", "/last")]


TO_BE_READ_ANEW = [body(), chunks(), OLDER, "CONNECT a:1 HTTP/1.1\nHost: a\n\n"]
TOO_LARGE = f"GET / HTTP/1.1\nHost: a\nX: {'x' * MAX_HEAD_BYTES}\n\n"


@pytest.mark.parametrize("second", [*TO_BE_READ_ANEW, TOO_LARGE, "no HTTP at all\n\n"])
@pytest.mark.parametrize("cut", [9, -1, None])
async def test_behind_a_request_without_answer_the_connection_ends(port, second, cut):
    """What would have to be read anew comes before the answer to another: that is given, and all is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    parts = ["GET /slow HTTP/1.1\nHost: a\n\n" + second[:cut], second[cut:] if cut else "", LAST, LAST]
    async with asyncio.timeout(30):
        for part in parts:
            writer.write(wire(part).encode())
            assert await answers(port, [LAST]) == [("200", "/last")]  # by then what was written is read
        await answers(port, ["GET /go HTTP/1.1\nHost: a\nConnection: close\n\n"])
        said = (await reader.read()).decode()
    writer.close()
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["200"]
    assert "[/slow]" in said


@pytest.mark.parametrize("second", TO_BE_READ_ANEW)
async def test_behind_a_request_in_one_segment_the_connection_ends(port, second):
    """What would have to be read anew began behind another that is answered by now: all is over."""
    first = "GET / HTTP/1.1\nHost: a\n\n"
    assert await answers(port, [first + second[:9]], [second[9:]]) == [("200", "/")]


async def test_a_tunnel_is_refused(port):
    """CONNECT makes a tunnel of what comes behind it: it is refused, and nothing behind it is read."""
    tunnel = "CONNECT a:1 HTTP/1.1\nHost: a\nContent-Length: 9\n\n"
    assert await answers(port, [tunnel + LAST]) == [("501", "")]
    assert await answers(port, [tunnel, LAST]) == [("501", "")]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("size", [4000, 100])
async def test_a_head_to_be_read_anew_is_bounded_as_any(port, version, size):
    """A head of HTTP/1.0, or one that asks for an upgrade, is refused where any is: at 64 KiB."""
    field = f"X: {'x' * (size - 5)}\n"
    head = [f"GET / HTTP/{version}\nHost: a\n{UPGRADE}", *[field] * (MAX_HEAD_BYTES // size + 1)]
    assert await answers(port, head) == [("431", "")]


HEADS = {
    "one field": "GET /last HTTP/{version}\nHost: a\nConnection: close\nX: {fill}\n\n",
    "the target": "GET /last?{fill} HTTP/{version}\nHost: a\nConnection: close\n\n",
    "a field behind an upgrade": "GET /last HTTP/{version}\nHost: a\n" + UPGRADE + "X: {fill}\n\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("size", [4000, MAX_HEAD_BYTES * 2], ids=["in pieces", "in one write"])
async def test_a_head_may_have_64_kib_and_no_byte_more(port, head, version, size):
    """A head of 64 KiB is read, one with a byte more is refused, in one write as well as in pieces."""
    room = MAX_HEAD_BYTES - len(wire(head.format(version=version, fill="")))
    largest, larger = (head.format(version=version, fill="x" * fill) for fill in (room, room + 1))
    then = [LAST] if "Upgrade" in head and version == "1.1" else []
    statuses = [status for status, _ in await answers(port, split(largest, size), *[[each] for each in then])]
    assert statuses == ["200"] * (1 + len(then))
    assert await answers(port, split(larger, size)) == [("431", "")]


async def test_many_small_fields_are_as_large_as_they_are_written(port):
    """A head of many fields is refused in one write, although each of them is small."""
    fields = "".join(f"X-{number}: x\n" for number in range(MAX_HEAD_BYTES // 8))
    assert await answers(port, [f"GET / HTTP/1.1\nHost: a\n{fields}\n"]) == [("431", "")]


async def test_large_trailers_in_one_write_are_refused(port):
    """Trailers are fields as well: beyond 64 KiB the request is not answered, and the connection ends."""
    trailers = f"Y: {'x' * MAX_HEAD_BYTES}\n"
    assert await answers(port, [chunks().replace("\n0\n\n", f"\n0\n{trailers}\n")]) == []


async def test_what_is_malformed_behind_an_upgrade_is_refused(port):
    """A body that is none is found in the second reading as well, and said so once."""
    assert await answers(port, [chunks().replace("\n0\n\n", "\nzero\n\n")]) == [("400", "")]


def connections() -> list[weakref.ref[HttpProtocol]]:
    """Refer to the connections that are in memory, open or not."""
    return [weakref.ref(each) for each in gc.get_objects() if isinstance(each, HttpProtocol)]


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Remove what nobody refers to any more at once, but nothing that refers to itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_connection_that_is_over_leaves_nothing_for_the_collector(port):
    """What belonged to it is gone at once: thousands come and go before the collector comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"[/]")
    [connection] = connections()
    writer.close()
    await until(lambda: connection() is None, seconds=20)
