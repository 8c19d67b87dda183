"""Evenings in PostgreSQL: the order of delivery makes no difference, and the reference agrees."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, settings

from showtime_core.testing.machines.any_order import evenings_in_any_order
from showtime_core.testing.records import Stage
from support.databases import empty
from support.records import staged


@pytest.mark.long
def test_evenings_in_postgres(migrated: str):
    """An evening in any order, on two instances of PostgreSQL's, comes to what the reference says."""

    @asynccontextmanager
    async def in_postgres(_: Callable[[], datetime]) -> AsyncIterator[Stage]:
        empty(migrated)
        async with staged(migrated) as stage:
            yield stage

    settings(
        max_examples=settings.default.max_examples // 6,
        deadline=None,
        phases=[Phase.generate],  # to shrink takes long here: memory has the shorter story
        suppress_health_check=list(HealthCheck),
    )(evenings_in_any_order(in_postgres))()
