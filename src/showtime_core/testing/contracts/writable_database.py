"""What tries whether the database takes what is written keeps to: to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Awaitable, Callable

import pytest
from attrs import frozen

from showtime_core.errors import Unavailable
from showtime_core.ports import WritableDatabase


@frozen
class WritableStage:
    """A database, and what is in it."""

    database: WritableDatabase
    count: Callable[[], Awaitable[int]]
    """Counts what is in it."""
    go_away: Callable[[], None]
    """Lets it take nothing."""
    come_back: Callable[[], None]
    """Lets it take everything again."""


class WritableDatabaseContract:
    """The rules of `showtime_core.ports.WritableDatabase`."""

    async def test_a_try_leaves_nothing(self, stage: WritableStage) -> None:
        """A database that takes what is written raises nothing, however often, and keeps nothing."""
        before = await stage.count()
        for _ in range(3):
            await stage.database.write()
        assert await stage.count() == before

    async def test_space_is_counted_or_not_seen(self, stage: WritableStage) -> None:
        """The space that is left is a number of bytes, or None where it cannot be seen."""
        free = await stage.database.free_bytes()
        assert free is None or free >= 0

    async def test_a_database_that_takes_nothing_is_unavailable(self, stage: WritableStage) -> None:
        """While it takes nothing it is Unavailable each time, with a reason; then it is tried anew."""
        stage.go_away()
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"\w"):
                await stage.database.write()
        stage.come_back()
        await stage.database.write()
