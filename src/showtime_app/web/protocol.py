"""HTTP on the wire: uvicorn's parsers, with limits on what a client may make us wait for and keep."""

import asyncio
from http import HTTPStatus

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


class HttpProtocol(HttpToolsProtocol):
    """The fast parser, which hands on those who speak HTTP/1.0, as nginx does unless told otherwise.

    It answers everybody in chunks, which HTTP/1.0 does not know.
    """

    _deadline: asyncio.TimerHandle | None = None
    _is_in_head = False
    _is_in_body = False
    _head_bytes = 0
    _idle_bytes = 0
    """Of what came within a body, what is none of it: sizes of chunks, and trailers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take a new connection."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; of the first request, the first line."""
        if self.cycle is None and data.partition(b"\r\n")[0].endswith(b" HTTP/1.0"):
            self._hand_on(data)
            return
        was_in_body = self._is_in_body
        super().data_received(data)
        if was_in_body and self._is_in_body:
            self._idle_bytes += len(data)
            if self._idle_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_head:  # most come whole, and cost nothing here
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif self._deadline is None:
                self._await_head()

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its headers are there."""
        self._is_in_head, self._is_in_body, self._idle_bytes = False, True, 0
        self._forget_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._idle_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that its body is there."""
        self._is_in_body = False
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

    def _hand_on(self, data: bytes) -> None:
        self._forget_deadline()
        self.connections.discard(self)
        older = H11Protocol(self.config, self.server_state, self.app_state)
        older.connection_made(self.transport)
        self.transport.set_protocol(older)
        older.data_received(data)
        if older.cycle is None:
            self.loop.call_later(HEAD_SECONDS, _end_unless_begun, older)

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


def _end_unless_begun(older: H11Protocol) -> None:
    if older.cycle is None:
        older.transport.close()
