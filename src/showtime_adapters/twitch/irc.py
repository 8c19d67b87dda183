"""Chat by IRC, as Twitch speaks it: read anonymously, for as long as it takes.

What has arrived is handed on before more is read: so nothing is held but one chunk and what the connection
buffers, and whoever writes faster than we can keep waits.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from attrs import Factory, define, frozen

from showtime_adapters.twitch.irc_lines import IrcLine, channel_of, parse, read_event, sent_at, write
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.points_and_ghosts.retries import back_off
from showtime_core.errors import Unavailable
from showtime_core.texts import name_error

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
JOIN_SECONDS = 15.0
SILENCE_SECONDS = 360.0
"""Twitch sends a PING about every five minutes."""
HEALTH_SECONDS = 20.0
"""How often at least the reader says that it is well."""
_PAUSE = {"first": timedelta(seconds=0.5), "longest": timedelta(minutes=1)}
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 16 * 1024
"""Tags have 8 KiB at most, and a message half of one."""
_RETRY_SECONDS = 1.0

_PORTS = {"irc": 6667, "ircs": 6697}
_JOINED = ("JOIN", "ROOMSTATE", "366")
"""What Twitch sends once a channel is joined; 366 ends the list of names."""

RecordChat = Callable[[Sequence[ChatReport]], Awaitable[None]]
"""Keeps what was heard; raises Unavailable, and is asked again then."""
ReportHealth = Callable[[str | None], Awaitable[None]]
"""Is told how the reader fares: what is wrong, None if nothing is; raises Unavailable."""


class LostError(Exception):
    """The connection is of no use any more; the message says why."""


@frozen
class IrcReader:
    """Reads one channel's chat, and connects again whenever it must."""

    url: str
    """`ircs://host:port`, or `irc://` without TLS."""
    channel: str
    """The login of the channel, in lower case."""
    record: RecordChat
    report: ReportHealth
    ca_file: Path | None = None
    """Whom to trust, where it is not those that the system trusts."""
    silence_seconds: float = SILENCE_SECONDS
    health_seconds: float = HEALTH_SECONDS
    clock: Callable[[], float] = time.monotonic

    async def run(self) -> None:
        """Read until cancelled."""
        failures = 0
        while True:
            session = _Session(self)
            try:
                await session.run()
            except (LostError, OSError) as reason:
                why = str(reason) or name_error(reason)
            failures = 0 if session.is_joined else failures + 1
            _log.warning("chat is not connected: %s", why)
            await self.report_health(f"chat is not connected: {why}")
            await asyncio.sleep(pause_seconds(failures, random.random()))  # noqa: S311 - jitter, no secret

    async def report_health(self, trouble: str | None) -> None:
        """Report, as well as can be: what cannot be told now is told later."""
        try:
            await self.report(trouble)
        except Unavailable as reason:
            _log.warning("how chat fares could not be recorded: %s", reason)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection for a while; raises LostError or OSError."""
        url = urlsplit(self.url)
        tls = ssl.create_default_context(cafile=self.ca_file) if url.scheme == "ircs" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(
                    url.hostname, url.port or _PORTS[url.scheme], ssl=tls, limit=CHUNK_BYTES
                )
        except TimeoutError:
            raise LostError(f"{url.netloc} did not answer within {CONNECT_SECONDS:.0f} s") from None
        try:
            yield reader, writer
        finally:
            writer.transport.abort()  # there is nothing left to say, and nobody to wait for


def pause_seconds(failures: int, chance: float) -> float:
    """Tell how long to wait before connecting again: longer after each failure, and never all at once."""
    return back_off(failures + 1, chance, **_PAUSE).total_seconds()


@define
class _Session:
    """One connection, from its beginning to its end."""

    reader: IrcReader
    is_joined: bool = False
    _heard_at: float = Factory(lambda self: self.reader.clock(), takes_self=True)
    _told_at: float | None = None
    _notice: str = ""
    """What the server has said last, for people."""

    async def run(self) -> None:
        """Join and read; raises LostError or OSError, in the end always one of them."""
        async with self.reader.connect() as (stream, writer):
            writer.write(write("CAP REQ", "twitch.tv/tags twitch.tv/commands"))
            writer.write(write(f"NICK justinfan{random.randrange(10_000, 99_999)}"))  # noqa: S311 - a name
            writer.write(write(f"JOIN #{self.reader.channel}"))
            lines = LineBuffer()
            while True:
                await self._take(lines.feed(await self._read(stream)), writer)
                await self._report_health()

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        """Wait for what comes next, but no longer than the next report can wait; raises LostError."""
        limit = self.reader.silence_seconds if self.is_joined else JOIN_SECONDS
        try:
            async with asyncio.timeout(min(self.reader.health_seconds, limit)):
                chunk = await stream.read(CHUNK_BYTES)
        except TimeoutError:
            if self.reader.clock() - self._heard_at < limit:
                return b""
            if self.is_joined:
                raise LostError(f"nothing was heard for {limit:.0f} s") from None
            raise LostError(self._notice or f"#{self.reader.channel} could not be joined") from None
        if not chunk:
            raise LostError(self._notice or "the connection was closed")
        self._heard_at = self.reader.clock()
        return chunk

    async def _take(self, lines: Sequence[bytes], writer: asyncio.StreamWriter) -> None:
        """Keep what was said, and do what the server asks; raises LostError."""
        reports, must_leave = [], False
        for line in map(parse, lines):
            must_leave |= line.command == "RECONNECT"
            if event := read_event(line):
                reports.append(ChatReport(event, sent_at=sent_at(line)))
            else:
                self._handle(line, writer)
        if reports:
            await self._record(reports)
        if must_leave:
            raise LostError("Twitch asks for a new connection")

    async def _record(self, reports: Sequence[ChatReport]) -> None:
        """Hand on what was heard, as often as it takes."""
        while True:
            try:
                return await self.reader.record(reports)
            except Unavailable as reason:
                _log.warning("%d lines of chat wait to be recorded: %s", len(reports), reason)
                await asyncio.sleep(_RETRY_SECONDS)

    def _handle(self, line: IrcLine, writer: asyncio.StreamWriter) -> None:
        match line.command:
            case "PING":
                writer.write(write("PONG", *line.params[-1:]))
            case "NOTICE" if line.params:
                self._notice = line.params[-1]
                _log.info("chat: %s", self._notice)
            case command if command in _JOINED and not self.is_joined:
                self.is_joined = any(channel_of(name) == self.reader.channel for name in line.params)

    async def _report_health(self) -> None:
        """Say now and then that all is well."""
        now = self.reader.clock()
        if self.is_joined and self._told_at is None:
            _log.info("chat of #%s is connected", self.reader.channel)
        elif not self.is_joined or now - (self._told_at or now) < self.reader.health_seconds:
            return
        self._told_at = now
        await self.reader.report_health(None)


@define
class LineBuffer:
    """Makes lines of chunks, wherever these end; a line without an end is left out."""

    _rest: bytes = b""
    _is_overlong: bool = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk; returns the lines that it completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and self._is_overlong:
            del lines[0]
            self._is_overlong = False
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self._is_overlong = b"", True
        return [line for line in lines if len(line) <= MAX_LINE_BYTES]
