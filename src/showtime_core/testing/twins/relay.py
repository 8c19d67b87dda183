"""A relay over an outbox in memory."""

import asyncio
from typing import Self

from attrs import define, field

from showtime_core.testing.twins.outbox import MemoryOutbox
from showtime_core.use_cases.dispatch import Dispatcher


@define
class MemoryRelay:
    """Performs what is due as one instance, whose session is never lost; use as an async context manager.

    Nothing wakes it but time: it looks once a second.
    """

    dispatcher: Dispatcher
    outbox: MemoryOutbox
    _worker: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self.dispatcher.run(self.outbox))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._worker, "entered before it is left"
        await self.dispatcher.drain(self._worker)

    def stop(self) -> None:
        """Begin nothing more."""
        self.dispatcher.stop()
