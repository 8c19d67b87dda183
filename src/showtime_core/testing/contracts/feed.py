"""What everything that follows the feed keeps to: a suite of rules, to be mixed into a class of tests.

The streams show what a feed hands on, after what it reads of what was missed.
Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from attrs import Factory, define, frozen

from showtime_core.domain.feed import FeedEntry, FeedPosition

_SECONDS = 30.0
"""How long to wait, at most, for what is awaited."""
_EVER = timedelta(days=365)

_Publish = Callable[[FeedPosition, Sequence[FeedEntry]], None]
_Work = Callable[[], Coroutine[Any, Any, None]]


@frozen
class FeedStage:
    """A feed, as one instance follows it."""

    follow: Callable[[_Publish, Callable[[], bool]], _Work]
    """As `showtime_app.composition.ports.Follow`."""
    missed: Callable[[timedelta, int, int], Awaitable[Sequence[FeedEntry]]]
    """As `missed_alerts` of `showtime_app.composition.ports.Storage`."""
    write: Callable[[int], Awaitable[None]]
    """Adds so many alerts, on another instance."""


@define
class _Client:
    """What was handed on to somebody who watches, or not."""

    is_watching: bool = True
    positions: list[FeedPosition] = Factory(list)
    entries: list[FeedEntry] = Factory(list)
    _news: asyncio.Event = Factory(asyncio.Event)

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        self.positions.append(position)
        self.entries += entries
        if entries:
            assert entries[-1].id == position.id
        self._news.set()

    @property
    def tip(self) -> int:
        return self.positions[-1].id if self.positions else -1

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def _following(stage: FeedStage, client: _Client) -> AsyncIterator[_Client]:
    """Follow until the end, once it has begun."""
    task = asyncio.create_task(stage.follow(client.publish, lambda: client.is_watching)())
    try:
        await client.until(lambda: bool(client.positions))
        yield client
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


class FeedContract:
    """The rules of `showtime_app.composition.ports.Follow`, and of what a stream reads that it has missed."""

    async def test_it_begins_where_the_feed_stands(self, stage: FeedStage) -> None:
        """At first the position alone is handed on, and of what was there before nothing is."""
        await stage.write(3)
        async with _following(stage, _Client()) as client:
            assert client.entries == []
            before = client.tip
            await stage.write(1)
            await client.until(lambda: len(client.entries) == 1)
            assert client.entries[0].id > before

    async def test_what_is_written_is_handed_on_once_and_in_order(self, stage: FeedStage) -> None:
        """Everything that is written is handed on once, by ascending ids, and the same to all instances."""
        async with _following(stage, _Client()) as one, _following(stage, _Client()) as other:
            for count in (1, 20, 3):
                await stage.write(count)
            for client in (one, other):
                await client.until(lambda client=client: len(client.entries) >= 24)  # type: ignore[misc] # noqa: PLR2004
            ids = [each.id for each in one.entries]
            assert (ids, len(ids)) == (sorted(set(ids)), 24)
            assert one.entries == other.entries
            assert {each.stream for each in one.entries} == {"alerts"}
            assert len({each.epoch for each in one.positions + other.positions}) == 1

    async def test_while_nobody_watches_only_the_position_moves(self, stage: FeedStage) -> None:
        """While nobody watches nothing is read; who comes then begins at the position that is known."""
        async with _following(stage, _Client(is_watching=False)) as client:
            before = client.tip
            await stage.write(2)
            await client.until(lambda: client.tip > before)
            assert client.entries == []
            client.is_watching, after = True, client.tip
            await stage.write(1)
            await client.until(lambda: bool(client.entries))
            assert [each.id > after for each in client.entries] == [True]

    async def test_what_was_missed_joins_what_is_handed_on(self, stage: FeedStage) -> None:
        """What was missed after one id and up to another is read in order, the last included."""
        async with _following(stage, _Client()) as client:
            began = client.tip
            await stage.write(5)
            await client.until(lambda: len(client.entries) == 5)  # noqa: PLR2004
        shown = client.entries
        assert list(await stage.missed(_EVER, began, shown[-1].id)) == shown
        assert list(await stage.missed(_EVER, shown[1].id, shown[3].id)) == shown[2:4]
        assert list(await stage.missed(_EVER, shown[-1].id, shown[-1].id)) == []

    async def test_what_is_too_old_is_not_read(self, stage: FeedStage) -> None:
        """What is older than asked for is left out of what was missed."""
        async with _following(stage, _Client()) as client:
            began = client.tip
            await stage.write(1)
            await client.until(lambda: bool(client.entries))
        assert list(await stage.missed(timedelta(0), began, client.tip)) == []
