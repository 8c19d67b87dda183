"""Group commit: concurrent submissions are gathered into one transaction, and answered together.

While one transaction is under way the next one gathers, so that batches grow with the load and a lone
message waits for nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Self

from attrs import define, field

from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

MAX_BATCH = 128
"""Measured: larger batches gain nothing, and a batch that must be redone one by one should be short."""
MAX_BATCH_BYTES = 1024 * 1024
"""Once the bodies of a batch come to so many bytes, nothing is added to it."""
BATCH_SECONDS = 10.0
"""A batch that takes longer is given up. Statements have limits of their own; this is the last resort."""
MAX_WAITING = 4096
"""When so many wait, another is refused at once: Twitch sends it again, and memory stays bounded."""

_Waiting = tuple[Entry, asyncio.Future[None]]


@define
class GroupCommit:
    """Gathers entries and hands them to `receive`, one batch at a time; use as an async context manager."""

    receive: Callable[[Sequence[Entry]], Awaitable[None]]
    is_known: Callable[[str], Coroutine[Any, Any, bool]]
    _waiting: deque[_Waiting] = field(factory=deque)
    _woken: asyncio.Event = field(factory=asyncio.Event)
    _worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work(), name="group commit")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: submissions that still wait raise Unavailable; the web server has let most of them finish."""
        assert self._worker, "entered before it is left"
        self._worker.cancel()
        await asyncio.wait([self._worker])
        _fail(self._waiting, Unavailable("the server is stopping"))

    async def submit(self, entry: Entry, /) -> None:
        """Return once the entry is durable; raises Unavailable if it may not be."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("too many messages are waiting")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._woken.set()
        await done  # whoever gives up waiting cancels it, and is left out of the next batch

    async def _work(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                if batch := self._gather():
                    await self._commit(batch)

    def _gather(self) -> list[_Waiting]:
        """Take the next batch, without the entries of those who gave up waiting: they will come again."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            entry, done = self._waiting.popleft()
            if not done.done():
                batch.append((entry, done))
                size += len(entry.body)
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                await self._receive([entry for entry, _ in batch])
        except Unavailable as reason:
            _log.warning("a batch of %d was not recorded: %s", len(batch), reason, extra=_named(batch))
            _fail(batch, reason)
        except Exception as reason:  # whatever it is, the next batch has its own chance
            _log.exception("a batch of %d was not recorded", len(batch), extra=_named(batch))
            _fail(batch, Unavailable(f"it was not recorded: {type(reason).__name__}"))
        except BaseException:
            _fail(batch, Unavailable("the server is stopping"))
            raise
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _receive(self, entries: list[Entry]) -> None:
        """Try twice: a connection that was lost while idle is noticed only by using it.

        A batch whose commit went through although its answer was lost is all duplicates the second time.
        """
        try:
            await self.receive(entries)
        except Unavailable:
            await self.receive(entries)


def _named(batch: Sequence[_Waiting]) -> dict[str, str]:
    """Name the entries of a batch, for a line in the log."""
    return {"message_id": " ".join(entry.id for entry, _ in batch)}


def _fail(batch: Sequence[_Waiting] | deque[_Waiting], reason: Unavailable) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(reason)
