"""The page to which Twitch sends the broadcaster back: a server for one visitor, on this machine alone."""

import asyncio
import hmac
import html
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from attrs import field, frozen

from showtime_core.errors import NotAllowed, Refused, ShowtimeError, Unavailable
from showtime_core.texts import printable

HOST, PORT, PATH = "localhost", 3033, "/auth"
REDIRECT_URI = f"http://{HOST}:{PORT}{PATH}"
"""As it is registered at Twitch, to the letter."""

_ADDRESSES = ("127.0.0.1", "::1")
"""A browser may take `localhost` for either."""
_MAX_REQUEST = 16 * 1024
_READ_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_HEADERS = (
    "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n"
    "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    "x-content-type-options: nosniff\r\nconnection: close\r\n"
)

Confirm = Callable[[str], Awaitable[None]]
"""Is given the code that the browser brought; raises ShowtimeError if what was consented to will not do."""


@frozen
class _ResultPage:
    status: HTTPStatus
    title: str
    text: str

    def written(self) -> bytes:
        body = files("showtime_app.setup").joinpath("page.html").read_text("utf-8")
        for name, value in (
            ("outcome", "good" if self.status == HTTPStatus.OK else "bad"),
            ("title", self.title),
            ("text", self.text),
        ):
            body = body.replace("{{" + name + "}}", html.escape(value))
        content = body.encode()
        head = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{_HEADERS}"
        return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


_ELSEWHERE = _ResultPage(
    HTTPStatus.NOT_FOUND,
    "Nothing here",
    "showtime init waits for Twitch's answer at /auth, and nowhere else.",
)
_NOT_OURS = _ResultPage(
    HTTPStatus.BAD_REQUEST,
    "This is not the answer to our question",
    "It belongs to another visit. Open the address that showtime init has printed last.",
)
_AGAIN = "Open once more the address that showtime init has printed."
_DONE = _ResultPage(
    HTTPStatus.OK,
    "Thank you, that is all",
    "showtime may follow the channel now. Close this page, and go back to the terminal.",
)


@frozen
class ConsentVisit:
    """The broadcaster's visit: waits for the browser to come back from Twitch."""

    confirm: Confirm
    state: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What makes an answer the answer to our question."""
    outcome: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())
    """Done when the consent is there; fails with NotAllowed when it was refused."""

    async def answer(self, target: str) -> _ResultPage:
        """Answer a request for this target."""
        try:
            url = urlsplit(target)
        except ValueError:
            return _ELSEWHERE
        if url.path != PATH:
            return _ELSEWHERE
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not hmac.compare_digest(query.get("state", "").encode(), self.state.encode()):
            return _NOT_OURS
        if code := query.get("code"):
            return await self._take(code)
        reason = query.get("error_description") or query.get("error") or "it brought no code"
        return self._end(NotAllowed(f"the consent was not given: {printable(reason)}"))

    async def _take(self, code: str) -> _ResultPage:
        try:
            await self.confirm(code)
        except Unavailable as reason:
            text = f"{_sentence(reason)} {_AGAIN}"
            return _ResultPage(HTTPStatus.BAD_GATEWAY, "Twitch does not answer", text)
        except NotAllowed as reason:
            # Somebody else's consent, or a part of it: the next attempt may do.
            text = f"{_sentence(reason)} {_AGAIN}"
            return _ResultPage(HTTPStatus.FORBIDDEN, "That was not quite it", text)
        except ShowtimeError as reason:
            return self._end(Refused(str(reason)))
        return self._end(None)

    def _end(self, failure: ShowtimeError | None) -> _ResultPage:
        if not self.outcome.done():
            if failure:
                self.outcome.set_exception(failure)
            else:
                self.outcome.set_result(None)
        if failure:
            text = f"{_sentence(failure)} To be asked again, run showtime init once more."
            return _ResultPage(HTTPStatus.FORBIDDEN, "The consent is missing", text)
        return _DONE


@asynccontextmanager
async def await_browser(confirm: Confirm, port: int = PORT) -> AsyncIterator[ConsentVisit]:
    """Wait for the browser, as long as the context is open. Raises OSError if the port is taken."""
    consent_visit = ConsentVisit(confirm)
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write((await consent_visit.answer(_target(head))).written())
            await writer.drain()
        writer.close()
        connections.remove(writer)

    servers = [await asyncio.start_server(serve, _ADDRESSES[0], port, limit=_MAX_REQUEST)]
    with suppress(OSError):  # a machine without IPv6
        servers.append(await asyncio.start_server(serve, _ADDRESSES[1], port, limit=_MAX_REQUEST))
    try:
        yield consent_visit
    finally:
        await asyncio.sleep(0.05)  # the page is on its way to the browser
        for server in servers:
            server.close()
        consent_visit.outcome.cancel()
        await _end(connections)


async def _end(connections: set[asyncio.StreamWriter]) -> None:
    """End those on which nothing was asked: a browser opens some in advance."""
    for writer in connections:
        writer.transport.abort()
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            while connections:  # noqa: ASYNC110 - they notice at once
                await asyncio.sleep(0.01)


def _sentence(reason: ShowtimeError) -> str:
    text = str(reason)
    return f"{text[:1].upper()}{text[1:]}."


def _target(head: bytes) -> str:
    """Read what is asked for; a request that is no GET asks for nothing."""
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    return rest.partition(b" ")[0].decode("ascii", "replace") if method == b"GET" else ""
