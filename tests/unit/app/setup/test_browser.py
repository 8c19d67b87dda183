"""The page to which Twitch sends the broadcaster back, as anybody on this machine may call it."""

import asyncio
import socket

import pytest

from showtime_app.setup.browser import await_browser
from showtime_core.errors import NotAllowed, Refused, Unavailable
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
    async with await_browser(confirm, port) as visit:
        assert (await ask(port, request_)).split()[1] == status
        assert not visit.outcome.done()


async def test_what_twitch_says_is_shown_as_text():
    """A reason that is written as HTML is read as it is written."""
    port = free_port()
    async with await_browser(confirm, port) as visit:
        query = f"state={visit.state}&error_description=%3Cscript%3Ealert(1)%3C/script%3E"
        page = await ask(port, f"GET /auth?{query} HTTP/1.1".encode())
        assert b"<script" not in page
        assert b"&lt;script&gt;alert(1)" in page
        with pytest.raises(NotAllowed):
            await visit.outcome


async def test_a_mismatch_is_heard_wherever_twitch_tells_it():
    """That the address is not registered comes to any path; with our state it ends the wait."""
    port = free_port()
    async with await_browser(confirm, port) as visit:
        told = "error=redirect_mismatch&error_description=Parameter+redirect_uri+does+not+match"
        assert (await ask(port, f"GET /?{told}&state=guessed HTTP/1.1".encode())).split()[1] == b"404"
        assert not visit.outcome.done()
        page = await ask(port, f"GET /?{told}&state={visit.state} HTTP/1.1".encode())
        assert b"Parameter redirect_uri does not match" in page
        with pytest.raises(Refused, match="Add http://localhost:3033/auth to the redirect URLs"):
            await visit.outcome


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_stranger_at_either_address_has_taken_the_port(address):
    """Browsers take localhost for either address, so a port that is taken at one of them is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with await_browser(confirm, port):
                pass
        if address == "::1":  # the other was given back
            socket.create_server(("127.0.0.1", port)).close()


async def test_the_cookies_of_other_programs_are_taken():
    """As many cookies as a browser keeps for localhost do not keep it from bringing the answer."""
    port = free_port()
    cookies = "; ".join(f"app{number}={'x' * 4000}" for number in range(180))
    async with await_browser(confirm, port) as visit:
        query = f"state={visit.state}&error=access_denied"
        page = await ask(port, f"GET /auth?{query} HTTP/1.1\r\nCookie: {cookies}".encode())
        assert page.split()[1] == b"403"
        with pytest.raises(NotAllowed):
            await visit.outcome


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (NotAllowed("it was tapehead who has consented, and the channel is GoldenVCR"), b"403"),
        (Unavailable("Twitch cannot be reached"), b"502"),
    ],
)
async def test_the_terminal_is_told_what_the_page_says(failure, status):
    """What a visit lacked is said on the page and in the terminal, which both ask for another visit."""

    async def refuse(_: str) -> None:
        raise failure

    port, said = free_port(), []
    async with await_browser(refuse, port, said.append) as visit:
        page = await ask(port, f"GET /auth?state={visit.state}&code=x HTTP/1.1".encode())
        assert page.split()[1] == status
        assert not visit.outcome.done()
        await ask(port, b"GET /auth?state=guessed&code=x HTTP/1.1")
    again = "Open once more the address that showtime init has printed."
    assert said == [
        f"{failure}. {again}",
        f"a browser came with what is not the answer to our question. {again}",
    ]


async def test_a_connection_that_asks_nothing_is_not_waited_for():
    """Who is answered last reads the answer, and connections that a browser opened in advance are closed."""
    port = free_port()
    async with await_browser(confirm, port) as visit:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        query = f"state={visit.state}&error=access_denied"
        asking = asyncio.create_task(ask(port, f"GET /auth?{query} HTTP/1.1".encode()))
        with pytest.raises(NotAllowed):
            await visit.outcome
    assert not visit.connections
    assert (await asking).endswith(b"</html>\n")
    assert await reader.read() == b""
    writer.close()
