"""The page to which Twitch sends the broadcaster back, as anybody on this machine may call it."""

import asyncio

import pytest

from showtime_app.setup.browser import await_browser
from showtime_core.errors import NotAllowed
from support.server import free_port


async def confirm(_: str) -> None:
    raise AssertionError("nobody has consented")


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(20):
        writer.write(request + b"\r\n\r\n")
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /auth HTTP/1.1", b"400"),
        (b"GET /auth?state=guessed&code=stolen HTTP/1.1", b"400"),
        (b"GET /auth?state=%ff%00&code=x HTTP/1.1", b"400"),
        (b"POST /auth?state=guessed HTTP/1.1", b"404"),
        (b"GET //[ HTTP/1.1", b"404"),
        (b"GET http://[::1/auth HTTP/1.1", b"404"),
        (b"\xff\xfe\x00", b"404"),
        (b"GET /../auth HTTP/1.1", b"404"),
    ],
)
async def test_nobody_but_twitch_is_heard(request_, status):
    """Without the state that only Twitch was told, and at any other place, nothing is confirmed or ended."""
    port = free_port()
    async with await_browser(confirm, print, port) as visit:
        assert (await ask(port, request_)).split()[1] == status
        assert not visit.outcome.done()


async def test_what_twitch_says_is_shown_as_text():
    """A reason that is written as HTML is read as it is written."""
    port = free_port()
    async with await_browser(confirm, print, port) as visit:
        query = f"state={visit.state}&error_description=%3Cscript%3Ealert(1)%3C/script%3E"
        page = await ask(port, f"GET /auth?{query} HTTP/1.1".encode())
        assert b"<script" not in page
        assert b"&lt;script&gt;alert(1)" in page
        with pytest.raises(NotAllowed):
            await visit.outcome
