"""The page to which Twitch sends the broadcaster back: a server for one visitor, on this machine alone."""

import asyncio
import errno
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

_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_MAX_REQUEST = 1024 * 1024
"""More than a browser sends, however many cookies other programs have left at `localhost`."""
_READ_SECONDS = 10.0
_LINGER_SECONDS = 0.05
"""A browser that was answered may come once more, for the icon of the page."""
_CLOSE_SECONDS = 1.0
_HEADERS = (
    "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n"
    "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    "x-content-type-options: nosniff\r\nconnection: close\r\n"
)

Confirm = Callable[[str], Awaitable[None]]
"""Is given the code that the browser brought; raises ShowtimeError if what was consented to will not do."""
Say = Callable[[str], None]
"""Tells the operator a line."""
_Page = tuple[HTTPStatus, str, str]
"""A status, a title, and a text."""

_ELSEWHERE = (
    HTTPStatus.NOT_FOUND,
    "Nothing here",
    "showtime init waits for Twitch's answer at /auth, and nowhere else.",
)
_NOT_OURS = (
    HTTPStatus.BAD_REQUEST,
    "This is not the answer to our question",
    "It belongs to another visit. Open the address that showtime init has printed last.",
)
_AGAIN = "Open once more the address that showtime init has printed."
_REGISTER = (
    f"Add {REDIRECT_URI} to the redirect URLs of the application at https://dev.twitch.tv/console/apps"
)
_DONE = (
    HTTPStatus.OK,
    "Thank you, that is all",
    "showtime may follow the channel now. Close this page, and go back to the terminal.",
)


@frozen
class ConsentVisit:
    """The broadcaster's visit: waits for the browser to come back from Twitch."""

    confirm: Confirm
    say: Say
    """Is told what the page says of a visit that was not the last."""
    state: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What makes an answer the answer to our question."""
    connections: dict[asyncio.Task[None], asyncio.Timeout] = field(factory=dict)
    """Those that are open, and how long each may take to ask."""
    outcome: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())
    """Done when the consent is there; fails with NotAllowed or Refused when it will not come."""

    async def answer(self, target: str) -> _Page:
        """Answer a request for this target."""
        try:
            url = urlsplit(target)
        except ValueError:
            return _ELSEWHERE
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        is_ours = hmac.compare_digest(query.get("state", "").encode(), self.state.encode())
        error = query.get("error")
        if url.path != PATH and not (is_ours and error):  # what is wrong Twitch tells wherever it likes
            return _ELSEWHERE
        if not is_ours:
            self.say(f"a browser came with what is not the answer to our question. {_AGAIN}")
            return _NOT_OURS
        if (code := query.get("code")) and not error:
            return await self._take(code)
        reason = printable(query.get("error_description") or error or "it brought no code")
        if error == "redirect_mismatch":
            return self._end(Refused(f"Twitch says: {reason}. {_REGISTER}"))
        return self._end(NotAllowed(f"the consent was not given: {reason}"))

    async def _take(self, code: str) -> _Page:
        try:
            await self.confirm(code)
        except (Unavailable, NotAllowed) as reason:
            # Somebody else's consent, or a part of it: the next attempt may do.
            self.say(f"{reason}. {_AGAIN}")
            text = f"{_sentence(reason)} {_AGAIN}"
            if isinstance(reason, Unavailable):
                return HTTPStatus.BAD_GATEWAY, "Twitch does not answer", text
            return HTTPStatus.FORBIDDEN, "That was not quite it", text
        except ShowtimeError as reason:
            return self._end(Refused(str(reason)))
        if not self.outcome.done():
            self.outcome.set_result(None)
        return _DONE

    def _end(self, failure: ShowtimeError) -> _Page:
        if not self.outcome.done():
            self.outcome.set_exception(failure)
        text = f"{_sentence(failure)} To be asked again, run showtime init once more."
        return HTTPStatus.FORBIDDEN, "The consent is missing", text

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection; one that is no GET asks for nothing."""
        connection = asyncio.current_task()
        assert connection
        self.connections[connection] = patience = asyncio.timeout(_READ_SECONDS)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with patience:
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = [*head.partition(b"\r\n")[0].split(b" "), b""]
            asked = target.decode("ascii", "replace") if method == b"GET" else ""
            writer.write(_written(await self.answer(asked)))
            await writer.drain()
        writer.close()
        del self.connections[connection]

    async def end(self) -> None:
        """Let those who were answered read it, and wait for no others: a browser opens some in advance."""
        self.outcome.cancel()
        for patience in self.connections.values():
            with suppress(RuntimeError):  # it has asked
                patience.reschedule(0)
        if self.connections:
            await asyncio.wait(self.connections, timeout=_CLOSE_SECONDS)


def _written(page: _Page) -> bytes:
    status, title, text = page
    body = files("showtime_app.setup").joinpath("page.html").read_text("utf-8")
    outcome = "good" if status == HTTPStatus.OK else "bad"
    for name, value in (("outcome", outcome), ("title", title), ("text", text)):
        body = body.replace("{{" + name + "}}", html.escape(value))
    content = body.encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{_HEADERS}content-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _sentence(reason: ShowtimeError) -> str:
    text = str(reason)
    return f"{text[:1].upper()}{text[1:]}."


@asynccontextmanager
async def await_browser(confirm: Confirm, port: int = PORT, say: Say = print) -> AsyncIterator[ConsentVisit]:
    """Wait for the browser, as long as the context is open; `say` is told what the page says meanwhile.

    A browser may take `localhost` for either address: raises OSError if the port of either is taken.
    """
    visit = ConsentVisit(confirm, say)
    servers = [await asyncio.start_server(visit.serve, "127.0.0.1", port, limit=_MAX_REQUEST)]
    try:
        try:
            servers.append(await asyncio.start_server(visit.serve, "::1", port, limit=_MAX_REQUEST))
        except OSError as reason:
            if reason.errno not in _NO_IPV6:
                raise
        yield visit
    finally:
        await asyncio.sleep(_LINGER_SECONDS)
        for server in servers:
            server.close()
        await visit.end()
