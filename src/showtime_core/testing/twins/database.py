"""What one instance does alone, and a database that takes what is written or not, in memory."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import Factory, define

from showtime_core.errors import Unavailable

T = TypeVar("T")


@define
class MemoryExclusive:
    """Does work with nobody else at it, among those who share this; raises Unavailable."""

    _lock: asyncio.Lock = Factory(asyncio.Lock)

    async def __call__(self, work: Callable[[], Coroutine[Any, Any, T]], patience_seconds: float) -> T:
        """Do the work, once nobody else is at it."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise Unavailable("another has been at it for too long") from None
        try:
            return await work()
        finally:
            self._lock.release()


@define
class MemoryWritableDatabase:
    """Takes what is written, and is on no disk; see `showtime_core.ports.WritableDatabase`."""

    failure: Unavailable | None = None
    """Why it takes nothing."""

    async def write(self) -> None:
        """Write for a try."""
        if self.failure:
            raise self.failure

    async def free_bytes(self) -> int | None:
        """Tell that nobody can see how much space is left."""
        return None
