"""To close a connection without taking away the answer from a client that is still sending."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

REST_SECONDS = 3.0
"""How long the rest of a request may take that was answered already; less than a server waits that stops."""
MAX_REST_BYTES = 64 * 1024 * 1024
"""How much of it is read, and dropped, before the connection is closed all the same."""


class LingeringTransport(asyncio.Protocol):
    """A transport that lets a client which is still sending read its answer before the connection closes.

    To close while something is unread makes TCP reset the connection, and the client loses what it was
    answered (RFC 9112, 9.6): so the sending side is closed first, and what still comes is dropped, until the
    client closes too, for `REST_SECONDS` and `MAX_REST_BYTES` at most.
    """

    def __init__(self, transport: asyncio.Transport, is_unread: Callable[[], bool]) -> None:
        """Take over a transport; `is_unread` tells whether more of a request may come than was read."""
        self._transport = transport
        self._is_unread = is_unread
        self._protocol: asyncio.BaseProtocol | None = None  # whose connection it was, once it is closed
        self._rest = MAX_REST_BYTES
        self._deadline: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Do all the rest as the transport does it."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Tell whether nothing more may be written."""
        return self._protocol is not None or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send this, unless it is closed."""
        if not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close it, at once if all was read that the client has sent."""
        if self.is_closing():
            return
        if not self._is_unread():
            self._transport.close()
            return
        self._protocol = self._transport.get_protocol()
        self._transport.set_protocol(self)
        with suppress(OSError):  # the client is gone, which is told in a moment
            self._transport.write_eof()
        self._transport.resume_reading()
        self._deadline = asyncio.get_running_loop().call_later(REST_SECONDS, self._transport.close)

    def data_received(self, data: bytes) -> None:
        """Drop what comes too late."""
        self._rest -= len(data)
        if self._rest < 0:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whose connection it was."""
        if self._deadline and self._protocol:
            self._deadline.cancel()
            self._protocol.connection_lost(exc)

    def let_go(self) -> None:
        """Forget whose connection it was, once it is lost."""
        self._is_unread, self._protocol = bool, None
