"""What is done now and then is done again, and the channel at Twitch is looked after when it is due."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from showtime_app.upkeep import Upkeep, Work, repeat
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.stream_check import ListedStream, StreamListing
from showtime_core.domain.health import CHECK_EVERY, Health
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Unavailable
from showtime_core.testing.entries import at
from showtime_core.testing.twins.twitch import MemoryChannels, MemoryHealthStore, MemorySubscriptions
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.check_channel import CheckChannel
from support.virtual_time import elapsed, in_virtual_time

OURS = "https://goldenvcr.com/api/showtime/callback"
NEVER = 1e6
"""Seconds: no test waits for so long."""
SECONDS = 30
"""After which a test fails rather than wait for what never comes."""
AWAY, BROKEN = Unavailable("the database is away"), ValueError("a fault of ours")


@pytest.mark.parametrize(
    ("fates", "every", "after_failure"),
    [([AWAY, BROKEN, AWAY, None], NEVER, 0), ([None, None, AWAY], 0, NEVER), ([None, BROKEN], 0, NEVER)],
)
async def test_work_is_repeated_after_its_pause_or_after_that_of_a_failure(
    fates: Sequence[Exception | None], every: float, after_failure: float
):
    """It goes on through whatever fails, until the pause that never ends."""
    left, is_done = list(fates), asyncio.Event()

    async def work() -> None:
        fate = left.pop(0)
        if not left:
            is_done.set()
        if fate:
            raise fate

    repeating = asyncio.create_task(repeat("the work", work, every, after_failure))
    async with asyncio.timeout(SECONDS):
        await is_done.wait()
    for _ in range(5):  # would begin the next one, if any
        await asyncio.sleep(0)
    assert not repeating.done()
    repeating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await repeating


async def test_what_has_failed_is_told(caplog):
    """That it is put off, with the reason, and a fault of our own with its traceback."""
    fates = [AWAY, BROKEN]

    async def work() -> None:
        if not fates:
            raise asyncio.CancelledError
        raise fates.pop(0)

    caplog.set_level("INFO", "showtime_app.upkeep")
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(SECONDS):
            await repeat("the work", work, NEVER, 0)
    first, second = caplog.records
    assert first.getMessage() == "the work is put off: the database is away"
    assert second.exc_info


class Stage:
    """A channel in memory, whose clock is the loop's, and whoever looks after it."""

    def __init__(self) -> None:
        def now():
            return at(0) + timedelta(seconds=elapsed())

        self.units, self.record = MemoryUnitOfWork(clock=now), MemoryHealthStore(now)
        self.failures: list[Exception] = []
        self.channel = CheckChannel(
            login="goldenvcr",
            our_url=OURS,
            channels=MemoryChannels(
                {"goldenvcr": "953753877"}, StreamListing(ListedStream("1", at(0)), at(0))
            ),
            subscriptions=MemorySubscriptions(OURS),
            units=self.units,
            health=self.record,
            policy=Policy(),
            pause=asyncio.sleep,
            may_repair=True,
        )

    async def read(self) -> tuple[ChannelState, Health]:
        if self.failures:
            raise self.failures.pop(0)
        return self.units.memory.state, await self.record.read()

    async def alone(self, work: Work, _: float) -> None:
        await work()

    def checked_after(self) -> float | None:
        """Tell after how many seconds the last check began."""
        return (self.record.twitch.checked_at - at(0)).total_seconds() if self.record.twitch else None

    @asynccontextmanager
    async def looked_after(self) -> AsyncIterator[None]:
        looking = asyncio.create_task(Upkeep(self.read, self.channel, self.alone).run())
        yield
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking


@in_virtual_time
async def test_a_channel_is_checked_at_the_start_and_as_soon_as_it_is_due():
    """At the start whatever was found before; later each 5 s it is looked whether it is due."""
    stage = Stage()
    await stage.channel.check(stage.units.memory.state, is_forced=True)
    async with stage.looked_after():
        await asyncio.sleep(2)
        assert stage.checked_after() == 1
        due = 1 + CHECK_EVERY.total_seconds()
        await asyncio.sleep(due - elapsed() - 0.1)
        assert stage.checked_after() == 1
        await asyncio.sleep(5.2)
        assert due <= stage.checked_after() <= due + 5


@in_virtual_time
async def test_a_look_that_fails_is_made_up_for():
    """Whatever goes wrong, the next look comes 5 s later, and the first check is owed until it was made."""
    stage = Stage()
    await stage.channel.check(stage.units.memory.state, is_forced=True)
    stage.failures += [Unavailable("the database is away"), ZeroDivisionError()]
    async with stage.looked_after():
        await asyncio.sleep(10.9)
        assert stage.checked_after() == 0
        await asyncio.sleep(0.2)
        assert stage.checked_after() == 11
