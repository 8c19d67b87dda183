"""Whether the database takes what is written: known from the writes there are, tried where there are none.

A database whose disk is full answers who reads, and refuses a write only once that needs more room. So the
first write that fails says that it takes nothing, until one succeeds. A load balancer that leaves out an
instance for it would keep such a write from ever coming: whoever asks meanwhile makes us try one of our own.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString
from uuid import uuid4

from attrs import define, field

from showtime_adapters.postgres import pool as db
from showtime_core.errors import Unavailable

_ROOM = 16 * 1024
"""Bytes, two pages of PostgreSQL: larger than what is left of any page. Random ones are not compressed."""

# Takes the room of a message in the journal; rolled back, so that nobody ever sees it.
_TAKE_ROOM: LiteralString = """
    insert into showtime.journal
        (id, position, source, type, version, retry, received_at, reacted_at, body, policy, outcome)
    select %(id)s, -1 - (random() * 1e15)::bigint, 'host', 'probe', '1', 0, now(), now(), %(body)s,
        '{}', 'kept'
"""


@define
class Writability:
    """What became of the latest writes of one instance; its pool is the one for writing."""

    pool: db.Pool
    _failure: str | None = None
    """Why the latest that is known of failed; None: it did not."""
    _tries: int = 0
    _trying: asyncio.Lock = field(factory=asyncio.Lock)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note if what happens within could not be written, or was given up for taking too long."""
        try:
            yield
        except (Unavailable, asyncio.CancelledError) as reason:
            self._failure = str(reason) or "it took too long"
            raise

    def succeeded(self) -> None:
        """Note that something was written."""
        self._failure = None

    async def require(self) -> None:
        """Return if the latest write succeeded, or else one of our own does; raises Unavailable with why not.

        Nothing is written while all is well, and who comes while another tries waits for what comes of that.
        """
        if self._failure is None:
            return
        tries = self._tries
        async with self._trying:
            if tries == self._tries:
                await self._try()
        if self._failure is not None:
            raise Unavailable(f"nothing can be written: {self._failure}")

    async def write(self) -> None:
        """Write two pages, durably, and leave nothing of them; raises Unavailable."""
        with self.watched():
            await db.retry_once(self._take_room)
            self.succeeded()

    async def _try(self) -> None:
        """Write, whatever comes of it."""
        try:
            with suppress(Unavailable):
                await self.write()
        finally:
            self._tries += 1

    async def _take_room(self) -> None:
        room = {"id": f"probe-{uuid4()}", "body": os.urandom(_ROOM)}
        async with (
            db.connected(self.pool) as connection,
            connection.transaction(),  # is committed, so that the log of the database is written
            connection.transaction(force_rollback=True),
        ):
            await connection.execute(_TAKE_ROOM, room)
