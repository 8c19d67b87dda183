"""HTTP on the wire: uvicorn's parsers, with limits on what a client may make us wait for and keep."""

import asyncio
import re
from http import HTTPStatus
from typing import cast

import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from showtime_app.web.lingering import REST_SECONDS, LingeringTransport

HEAD_SECONDS = 10.0
"""How long a client may take to begin a request, and to send its headers."""
MAX_HEAD_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 75
"""Longer than nginx keeps idle connections, 60 s: closed by the other side, none is closed in its face."""

_NO_HTTP = "Invalid HTTP request received."
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)


class _OtherReadingError(Exception):
    """The head is whole, and the request is not for the parser as it came."""


class _LargeFieldsError(Exception):
    """The fields of a request, those of its trailers too, are larger than `MAX_HEAD_BYTES`."""


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
    _may_be_large = False
    """Whether more has come than the fields of a request may have."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take a new connection."""
        self._lingering = LingeringTransport(transport, self._is_unread)
        super().connection_made(cast("asyncio.Transport", self._lingering))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection, and let go of what refers to it: thousands come before the collector does."""
        self._forget_deadline()
        super().connection_lost(exc)
        self._lingering.let_go()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        was_in_body = self._is_in_body
        if not self._is_in_head:
            self._is_first = not was_in_body
        self._may_be_large = len(self._held) + len(data) > MAX_HEAD_BYTES
        stopped: BaseException | None = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            stopped = error.__context__ or error
        if stopped:
            self._on_stop(stopped, data)
        elif was_in_body and self._is_in_body:
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
        self._require_small_fields()
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
        """Note that its body is there, and its trailers, which are kept with the headers."""
        self._require_small_fields()
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

    def _is_unread(self) -> bool:
        return self._is_over or self._is_in_head or self._is_in_body

    def _require_small_fields(self) -> None:
        """Raise _LargeFieldsError if a request has too much of them, and of its line, as they are written."""
        if self._may_be_large:
            line = b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)
            fields = (b"%s: %s\r\n" % field for field in self.headers)
            if len(line) + sum(map(len, fields)) + len(b"\r\n") > MAX_HEAD_BYTES:
                raise _LargeFieldsError

    def _on_stop(self, reason: BaseException, data: bytes) -> None:
        """Go on where the parser does not; `data` is the segment at which it stopped."""
        if isinstance(reason, _OtherReadingError):
            self._read_otherwise(self._held + data)
        elif isinstance(reason, _LargeFieldsError):
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self.pipeline or (self._is_behind_another() if self._is_in_head else self._is_begun()):
            self._end()
        else:
            self._is_over = True
            self.logger.warning(_NO_HTTP)
            self.send_400_response(_NO_HTTP)

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
        if not self._is_first or self._is_behind_another():
            self._end()
        elif self._is_older() and any(name == b"transfer-encoding" for name, _ in self.headers):
            self._refuse(HTTPStatus.BAD_REQUEST)  # it knows no such thing (RFC 9112, 6.1)
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

    def _is_behind_another(self) -> bool:
        """Tell whether one request came before the answer to another."""
        return self.cycle is not None and not self.cycle.response_complete

    def _is_begun(self) -> bool:
        """Tell whether the answer has begun to the request whose body is being read."""
        return self.cycle is not None and self.cycle.response_started

    def _end(self) -> None:
        """Read nothing more: what came before is answered, and then all is over."""
        self._is_over = True
        self._forget_deadline()
        self.shutdown()

    def _refuse(self, status: HTTPStatus) -> None:
        if self._is_in_head and self._is_behind_another():
            self._end()
            return
        if self._is_in_head:
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            self.transport.write(f"{line}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()
