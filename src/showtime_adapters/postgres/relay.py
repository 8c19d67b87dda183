"""The relay: performs what is due, on every instance at once, until it is settled.

An instance leases under a number of its own, whose advisory lock one of its sessions holds. When that session
is gone, so is the instance, for all that the others can tell: they take over what it had leased, and it stops
what it was doing. What is leased when is the business of `showtime_core.use_cases.dispatch`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Self

from attrs import define, evolve, field

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres.heartbeat import Heartbeat
from showtime_adapters.postgres.living_session import SILENT_SECONDS, keep, living_session
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.session import Connection
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.use_cases.dispatch import SLOW_SECONDS, Dispatcher, WorkerPool
from showtime_core.use_cases.pressure import Pressure

_BEAT_SECONDS = 1.0


@define
class Relay:
    """Performs what is due, whatever happens to the database; use as an async context manager."""

    conninfo: str
    outbox: PostgresOutbox
    perform: Callable[[Job], Awaitable[Settlement]]
    """Raises nothing."""
    worker_pools: Sequence[WorkerPool]
    heartbeat: Heartbeat = field(factory=Heartbeat)
    slow_seconds: float = SLOW_SECONDS
    pressure: Pressure = field(factory=Pressure)
    """Of messages, to which it leaves most of the machine."""
    _dispatcher: Dispatcher = field(init=False)
    _worker: asyncio.Task[None] | None = None

    def __attrs_post_init__(self) -> None:
        self._dispatcher = Dispatcher(
            self.perform, self.worker_pools, self.slow_seconds, pressure=self.pressure
        )

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(keep("the relay", self._hold), name="relay")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what does not finish in time is taken over by whoever comes next."""
        assert self._worker, "entered before it is left"
        await self._dispatcher.drain(self._worker)

    def stop(self) -> None:
        """Begin nothing more."""
        self._dispatcher.stop()

    async def _hold(self) -> None:
        """Perform what is due under a new instance number, for as long as its session lives."""
        if self._dispatcher.is_stopping:
            return
        async with living_session(self.conninfo, statements.LISTEN) as session:
            owner = secrets.randbelow(2**62) + 1
            await session.lock(owner)
            work = partial(self._dispatcher.run, evolve(self.outbox, owner=owner))
            beat = partial(self._beat, session.connection)
            await session.do(work, beat, _BEAT_SECONDS, self._dispatcher.wake)

    async def _beat(self, connection: Connection) -> None:
        """Show that this instance lives, and end those that are frozen."""
        with self.heartbeat.beat():
            await connection.execute(statements.END_SILENT, [SILENT_SECONDS])
