"""The feed of the night in memory keeps to the contract."""

from datetime import timedelta

import pytest

from showtime_core.domain.outbox import EffectStatus
from showtime_core.testing.contracts.night_feed import NightFeedContract, NightFeedStage
from showtime_core.testing.contracts.show import ShowStage
from showtime_core.testing.entries import at
from showtime_core.testing.twins.night_feed import MemoryNightFeedStore
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryNightFeed(NightFeedContract):
    @pytest.fixture
    def night(self):
        elapsed = [timedelta(0)]
        units = MemoryUnitOfWork(clock=lambda: at(0) + elapsed[0])
        queue = MemoryShow(units, limit=10)
        log = MemoryNightFeedStore(units, queue)

        async def wait(time):
            elapsed[0] += time

        async def showings():
            return sorted(queue.all_showings.values(), key=lambda each: (each.alert.id, each.attempt))

        async def finish(key):
            log.statuses[key] = EffectStatus.DONE

        return NightFeedStage(ShowStage(units, queue, queue, queue, wait, showings), log, finish)
