"""HTTP on the wire: uvicorn's parsers, with limits on what a client may make us wait for and keep."""

import asyncio
import re
from http import HTTPStatus

import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""How long a client may take to begin a request, and to send its headers."""
MAX_HEAD_BYTES = 64 * 1024
REST_SECONDS = 2.0
"""How long the rest of a body may take that was answered already: to close at once would take away the answer
from a client that is still sending."""
KEEP_ALIVE_SECONDS = 75
"""Longer than nginx keeps idle connections, 60 s: closed by the other side, none is closed in its face."""

_NO_HTTP = "Invalid HTTP request received."
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)


class _OtherReadingError(Exception):
    """The head is whole, and the request is not for the parser as it came."""


class HttpProtocol(HttpToolsProtocol):
    """The fast parser, with a detour for two kinds of request that it does not do justice to.

    It answers everybody in chunks, which HTTP/1.0 does not know: such a request is handed to h11, which ends
    the connection with its answer. And what comes after the head of one that asks for an upgrade is to it
    neither a body nor a request: such a request is read once more without the field `Upgrade`, which a server
    may ignore (RFC 9110, 7.8). Both are known when the head is whole, and are read again from the first byte:
    one that follows another in the same segment, or before the other's answer, ends the connection instead.
    """

    _deadline: asyncio.TimerHandle | None = None
    _is_in_head = False
    _is_in_body = False
    _idle_bytes = 0
    """Of what came within a body, what is none of it: sizes of chunks, and trailers."""
    _is_over = False
    """Whether nothing more is read from this connection."""
    _is_first = True
    """Whether the request that is being read began with the first byte of a segment."""
    _held = b""
    """What came of a head in the segments before."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take a new connection."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        was_in_body = self._is_in_body
        if not self._is_in_head:
            self._is_first = not was_in_body
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _OtherReadingError):
                self._read_otherwise(self._held + data)
            else:
                self.logger.warning(_NO_HTTP)
                self.send_400_response(_NO_HTTP)
            return
        if was_in_body and self._is_in_body:
            self._idle_bytes += len(data)
            if self._idle_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_head:  # most come whole, and cost nothing here
            self._hold(data)

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._is_in_head, self._held = True, b""
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its headers are there; raises if it is none for this parser, which then stops."""
        if self._is_older() or self.parser.should_upgrade():
            raise _OtherReadingError
        self._is_in_head, self._is_in_body, self._idle_bytes = False, True, 0
        self._forget_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._idle_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that its body is there."""
        self._is_in_body = self._is_first = False
        super().on_message_complete()
        if self._deadline:  # it was answered before it was all there
            self._forget_deadline()
            self._await_head()

    def on_response_complete(self) -> None:
        """Go on with the next request, once the rest of this one has come, unless that takes long."""
        is_unread = self._is_in_body and not self.pipeline
        super().on_response_complete()
        if is_unread:
            self._deadline = self.loop.call_later(REST_SECONDS, self.transport.close)

    def _hold(self, data: bytes) -> None:
        """Keep a part of a head, within bounds of size and time."""
        self._held += data
        if len(self._held) > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._deadline is None:
            self._await_head()

    def _is_older(self) -> bool:
        return self.parser.get_http_version() == "1.0"

    def _read_otherwise(self, data: bytes) -> None:
        """Go on with a request that is not for the parser as it came; `data` is all that came of it."""
        head, end, rest = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
        plain = _UPGRADE.sub(b"", head)
        if not self._is_first or (self.cycle and not self.cycle.response_complete):
            self._is_over, self._is_in_head = True, False
            self._forget_deadline()
            self.shutdown()
        elif self._is_older():
            self._hand_on(plain + end + rest)
        elif plain == head:  # it is CONNECT that is no request to the parser
            self._refuse(HTTPStatus.NOT_IMPLEMENTED)
        else:
            self._is_in_head = False
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            self.data_received(plain + end + rest)

    def _hand_on(self, data: bytes) -> None:
        """Let h11 read and answer this request, the last of the connection."""
        self._forget_deadline()
        self.connections.discard(self)
        older = H11Protocol(self.config, self.server_state, self.app_state)
        older.connection_made(self.transport)
        self.transport.set_protocol(older)
        older.data_received(data)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _forget_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        if self._is_in_head:
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            self.transport.write(f"{line}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()
