"""Group commit: concurrent submissions are gathered into one transaction, and answered together.

While one transaction is under way the next one gathers, so that batches grow with the load and a lone
message waits for nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextvars import Context
from typing import Any, Generic, Self, TypeVar

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

Item = TypeVar("Item")
_Waiting = tuple[Item, asyncio.Future[None]]


@define
class Gathering(Generic[Item]):
    """Gathers what is to be written and hands it to `receive`, one batch at a time, until it is closed."""

    receive: Callable[[Sequence[Item]], Awaitable[None]]
    linger: Callable[[], float] = field(kw_only=True, default=lambda: 0.0)
    """Tells for how many seconds the next batch waits for others, besides those that wait already."""
    _waiting: deque[_Waiting[Item]] = field(init=False, factory=deque)
    _worker: asyncio.Task[None] | None = field(init=False, default=None)

    async def close(self) -> None:
        """Stop: submissions that still wait raise Unavailable."""
        if self._worker:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        _fail(self._waiting, Unavailable("the server is stopping"))

    async def submit(self, item: Item, /) -> None:
        """Return once the item is durable; raises Unavailable if it may not be."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("too many messages are waiting")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._worker is None:
            # In a context of its own: the log must not name whoever came first for the whole batch.
            self._worker = asyncio.create_task(self._work(), name="group commit", context=Context())
        await done  # whoever gives up waiting cancels it, and is left out of the next batch

    def size(self, item: Item) -> int:  # noqa: ARG002 - what is small counts as nothing
        """Tell how many bytes an item has."""
        return 0

    def names(self, items: Iterable[Item]) -> dict[str, str]:  # noqa: ARG002 - as above
        """Name the items of a batch, for a line in the log."""
        return {}

    async def _work(self) -> None:
        while self._waiting:
            if seconds := self.linger():
                await asyncio.sleep(seconds)
            if batch := self._gather():
                await self._commit(batch)
        self._worker = None

    def _gather(self) -> list[_Waiting[Item]]:
        """Take the next batch, without the items of those who gave up waiting: they will come again."""
        batch: list[_Waiting[Item]] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            item, done = self._waiting.popleft()
            if not done.done():
                batch.append((item, done))
                size += self.size(item)
        return batch

    async def _commit(self, batch: list[_Waiting[Item]]) -> None:
        items = [item for item, _ in batch]
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                await self._receive(items)
        except Unavailable as reason:
            _log.warning("a batch of %d was not recorded: %s", len(batch), reason, extra=self.names(items))
            _fail(batch, reason)
        except Exception as reason:  # whatever it is, the next batch has its own chance
            _log.exception("a batch of %d was not recorded", len(batch), extra=self.names(items))
            _fail(batch, Unavailable(f"it was not recorded: {type(reason).__name__}"))
        except BaseException:
            _fail(batch, Unavailable("the server is stopping"))
            raise
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _receive(self, items: list[Item]) -> None:
        """Try twice: a connection that was lost while idle is noticed only by using it.

        A batch whose commit went through although its answer was lost changes nothing the second time.
        """
        try:
            await self.receive(items)
        except Unavailable:
            await self.receive(items)


@define
class GroupCommit(Gathering[Entry]):
    """Gathers entries; use as an async context manager."""

    is_known: Callable[[str], Coroutine[Any, Any, bool]]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; the web server has let most of those who wait finish."""
        await self.close()

    def size(self, item: Entry) -> int:
        """Tell how long its body is."""
        return len(item.body)

    def names(self, items: Iterable[Entry]) -> dict[str, str]:
        """Name the entries of a batch."""
        return {"message_id": " ".join(entry.id for entry in items)}


def _fail(batch: Iterable[_Waiting[Any]], reason: Unavailable) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(reason)
