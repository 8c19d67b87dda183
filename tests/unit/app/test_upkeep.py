"""What is done now and then is done again, whatever becomes of it."""

import asyncio
from collections.abc import Sequence

import pytest

from showtime_app.upkeep import repeat
from showtime_core.errors import Unavailable

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
