"""The feed: what the streams show, read from the database, so that every instance shows the same.

One connection for each, the feed and the chat, listens for commits. It reads on from the id it has reached,
so that a lost notification, a lost connection or a restarted database only delays what is shown. Listening
belongs to a session: the connection must not go through a proxy that pools transactions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import LiteralString

from attrs import define, frozen
from psycopg.rows import args_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres import statements
from showtime_adapters.postgres.living_session import keep, living_session
from showtime_adapters.postgres.state import read_chat_tip, read_tip
from showtime_core.domain.feed import FeedEntry, FeedPosition

_PAGE = 500
_POLL_SECONDS = 5.0
"""How long to wait for a notification before looking all the same."""
_PAUSE_SECONDS = 0.02
"""Between two looks: what hundreds of commits a second show is read in one go, and nobody sees the delay."""
_ENTRY = args_row(FeedEntry)
"""In the order of its fields: by name it takes three times as long, for each alert that is shown."""


@frozen
class FeedSource:
    """A table that grows, whose new rows every instance shows."""

    listen: LiteralString
    """Wakes the session with every commit that adds rows."""
    after: LiteralString
    """Reads ids, streams and payloads after an id, no more than so many."""
    read_tip: Callable[[db.Connection], Awaitable[FeedPosition]]

    async def read_tip_of(self, pool: db.Pool) -> FeedPosition:
        """Tell where the feed stands, however far any instance has read; raises Unavailable."""
        async with db.connected(pool) as connection:
            return await self.read_tip(connection)


@define
class PostgresFeed:
    """Follows the feed, or the chat, and hands on what is new."""

    conninfo: str
    source: FeedSource
    publish: Callable[[FeedPosition, Sequence[FeedEntry]], None]
    """Called with the new tip and the entries that led to it; must not block."""
    is_watched: Callable[[], bool]
    """Whether anybody is there to be shown entries; otherwise only the tip is read."""
    position: FeedPosition | None = None
    """None until the database has been reached."""

    async def run(self) -> None:
        """Follow the feed until cancelled, whatever happens to the database."""
        await keep("the feed", self._follow)

    async def _follow(self) -> None:
        # It listens before it reads: what is committed between is seen.
        async with living_session(self.conninfo, self.source.listen) as session:
            known, tip = self.position, await self.source.read_tip(session.connection)
            if known is None or known.epoch != tip.epoch or known.id > tip.id:
                self._publish(tip, [])
            while True:
                await self._catch_up(session.connection)
                await asyncio.sleep(_PAUSE_SECONDS)
                async for _ in session.connection.notifies(timeout=_POLL_SECONDS, stop_after=1):
                    pass

    async def _catch_up(self, connection: db.Connection) -> None:
        if not self.is_watched():
            position = await self.source.read_tip(connection)
            if not self.is_watched():  # whoever has come meanwhile begins where we stand
                self._publish(position, [])
                return
        while True:
            assert self.position, "the tip was read before"
            # Never prepared: a plan that was made while the table was small would sort all of it each time.
            after = [self.position.id, _PAGE]
            entries = await db.fetch_all(connection, self.source.after, _ENTRY, after, prepare=False)
            if entries:
                states = [entry.payload for entry in entries if entry.stream == "state"]
                on = states[-1] if states else self.position.snapshot
                self._publish(FeedPosition(self.position.epoch, entries[-1].id, on), entries)
            if len(entries) < _PAGE:
                return

    def _publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        self.position = position
        self.publish(position, entries)


async def missed_alerts(pool: db.Pool, since: timedelta, after: int, until: int) -> Sequence[FeedEntry]:
    """Read the alerts after one id and up to another that are not older than this; raises Unavailable."""
    return await db.fetch_all(pool, statements.MISSED_ALERTS, _ENTRY, [after, until, since])


FEED = FeedSource(statements.LISTEN, statements.FEED_AFTER, read_tip)
"""Alerts and changes of the state."""
CHAT = FeedSource(statements.LISTEN_TO_CHAT, statements.CHAT_AFTER, read_chat_tip)
"""Chat, which has an order of its own."""
