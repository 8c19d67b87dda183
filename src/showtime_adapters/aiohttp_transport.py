"""Sends the requests of httpx by aiohttp: each once, on a connection that is known to be clean.

aiohttp takes less of the processor than httpx's own transport, and loses no place of its pool where a request
is cancelled. Three things it does are mended here. Where a kept connection ends, it sends GET, PUT and DELETE
a second time. What a server says on a kept connection before it is asked, it takes for the next answer. And
its errors do not tell whether anything was sent.
"""

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar, TypeAlias
from weakref import WeakSet

import aiohttp
import httpx
from attrs import define, field
from yarl import URL

from showtime_core.texts import name_error

BODY_STARTED = "http11.send_request_body.started"
"""What `extensions["trace"]` of a request is told at the last moment before the body: httpx's own name."""
_WAIT_SECONDS = 3.0
"""How long a request waits for a connection, besides the time that connecting may take."""
_KEPT_SECONDS = 5.0
"""How long a connection stays open while nobody uses it."""
_MAX_FIELD_BYTES = 32 * 1024
"""How long one line of the head of an answer may be; there are 128 at most."""
_KEEP_ALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 8}
"""Asked for a sign of life every 15 s, what gives none for two minutes is gone. A process that is frozen does
give it, for its machine does. Not every system has each of these."""
_Send: TypeAlias = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


@define
class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests whose bodies are known beforehand, over a limited number of connections.

    Nothing was sent where it raises httpx.ConnectError, ConnectTimeout or UnsupportedProtocol. Whatever goes
    wrong after connecting is httpx.ReadTimeout or ReadError: then nobody can tell. It looks for no proxy in
    the environment, keeps no cookies, follows no redirects and unpacks nothing.
    """

    tls: ssl.SSLContext
    """Whom it trusts."""
    most: int = 20
    """How many connections are open at once; a request that finds them all in use waits."""
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its connection is free when the answer is read, and closed where it is not."""
        body = _RequestBody(await request.aread(), request.extensions.get("trace"))
        self._session = self._session or self._open()
        connect, read = (request.extensions["timeout"][name] for name in ("connect", "read"))
        limits = aiohttp.ClientTimeout(connect=connect + _WAIT_SECONDS, sock_connect=connect, sock_read=read)
        try:
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                data=body if body.content else None,
                headers=[(name.decode("ascii"), value.decode()) for name, value in request.headers.raw],
                timeout=limits,
                allow_redirects=False,
                middlewares=(_send_once,),
            )
        except httpx.TransportError:
            if body.withheld:
                raise body.withheld from None
            raise
        except (aiohttp.NonHttpUrlClientError, ValueError) as reason:  # a URL that cannot be asked
            raise httpx.UnsupportedProtocol(name_error(reason)) from None
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_AnswerBody(answer))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Make the session, which belongs to the running event loop."""
        self.tls.set_alpn_protocols(["http/1.1"])
        connector = aiohttp.TCPConnector(
            ssl=self.tls, limit=self.most, keepalive_timeout=_KEPT_SECONDS, socket_factory=_make_socket
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("content-type",),
            request_class=_FreshRequest,
            max_line_size=_MAX_FIELD_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
        )


async def _send_once(request: aiohttp.ClientRequest, send: _Send) -> aiohttp.ClientResponse:
    """Send a request, and say in errors of httpx what went wrong.

    aiohttp repeats nothing after these errors, for it does so after its own alone. They hold nothing of the
    request, which has secrets in it.
    """
    while True:
        try:
            return await send(request)
        except _StaleError:
            continue  # aiohttp has closed that connection, so there is one less of them
        except aiohttp.ConnectionTimeoutError:
            raise httpx.ConnectTimeout("no connection came in time") from None
        except aiohttp.ClientConnectorError as reason:
            raise httpx.ConnectError(str(reason)) from None
        except Exception as reason:  # of the parser's errors, not all are aiohttp's
            raise _lost(reason) from None


def _lost(reason: Exception) -> httpx.TransportError:
    """Make the error of an answer that was lost."""
    kind = httpx.ReadTimeout if isinstance(reason, TimeoutError) else httpx.ReadError
    return kind(f"the answer was lost ({name_error(reason)})")


class _StaleError(Exception):
    """A kept connection has ended, or says what nobody has asked for; nothing was sent on it."""


class _FreshRequest(aiohttp.ClientRequest):
    """A request that is sent on no connection whose other side has spoken, or gone, since the last answer."""

    _used: ClassVar["WeakSet[Any]"] = WeakSet()
    """The connections that have been used; what is read on a new one may belong to TLS."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:  # noqa: ANN401 - its type is not public
        """Send it; raises _StaleError."""
        protocol = conn.protocol
        if protocol in self._used and (protocol.should_close or _is_readable(conn.transport)):
            raise _StaleError
        self._used.add(protocol)
        return await super().send(conn)


def _is_readable(transport: asyncio.BaseTransport) -> bool:
    """Tell whether something has come that the event loop has not read yet, be it the end."""
    connection = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):  # Windows has but the other, which others have for low numbers alone
        return bool(select.select([connection], [], [], 0)[0])
    look = select.poll()
    look.register(connection, select.POLLIN)
    return bool(look.poll(0))


@define
class _RequestBody:
    """The body of a request, which is asked for when all before it is written."""

    content: bytes
    trace: Callable[[str, Any], Awaitable[None]] | None
    withheld: Exception | None = None
    """Why it was not given."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            if self.trace:
                await self.trace(BODY_STARTED, {})
        except Exception as reason:
            self.withheld = reason
            raise
        yield self.content


@define
class _AnswerBody(httpx.AsyncByteStream):
    """The body of an answer, as it came."""

    answer: aiohttp.ClientResponse

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self.answer.content.iter_any():
                yield part
        except Exception as reason:
            raise _lost(reason) from None

    async def aclose(self) -> None:
        self.answer.close()


def _make_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if option := getattr(socket, name, None):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
