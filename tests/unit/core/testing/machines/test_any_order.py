"""Evenings in memory: the order of delivery makes no difference, and the reference agrees."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from showtime_core.testing.machines.any_order import evenings_in_any_order
from showtime_core.testing.records import Stage, memory_stage
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


@asynccontextmanager
async def in_memory(clock: Callable[[], datetime]) -> AsyncIterator[Stage]:
    yield memory_stage(MemoryUnitOfWork(clock=clock))


test_evenings_in_memory = evenings_in_any_order(in_memory)
