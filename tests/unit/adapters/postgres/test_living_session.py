"""A session that is lost is followed by another: soon, and later and later while none of them lives."""

import asyncio
from itertools import pairwise

import pytest

from showtime_adapters.postgres.living_session import keep
from showtime_core.errors import Unavailable
from support.virtual_time import elapsed, in_virtual_time


@in_virtual_time
async def test_the_pause_grows_while_no_session_lives():
    """It is 0.1 s after the first loss, doubled up to 2 s; after a session that has lived, 0.1 s again."""
    began: list[float] = []

    async def hold() -> None:
        began.append(elapsed())
        if len(began) == 7:
            await asyncio.sleep(60)
        elif len(began) == 9:
            return
        raise Unavailable("the database is away")

    await keep("this", hold)
    pauses = [after - before for before, after in pairwise(began)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 60.1, 0.2], abs=0.001)


@pytest.mark.parametrize(
    "failure", [Unavailable("away"), ZeroDivisionError(), ExceptionGroup("", [OSError()])]
)
def test_whatever_fails_it_begins_again(failure, caplog):
    """Work that fails for whatever reason is begun again, and it is said why."""
    left = [failure]

    async def hold() -> None:
        if left:
            raise left.pop()

    in_virtual_time(lambda: keep("this", hold))()
    assert not left
    assert "begins again" in caplog.text
