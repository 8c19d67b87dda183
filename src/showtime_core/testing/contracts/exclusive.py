"""What does work with nobody else at it keeps to: a suite of rules, to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import pytest

from showtime_core.errors import Refused, Unavailable

_T = TypeVar("_T")
PATIENCE_SECONDS = 60.0
"""Longer than anything here takes on a busy machine."""


class _Exclusive(Protocol):
    async def __call__(self, work: Callable[[], Coroutine[Any, Any, _T]], patience_seconds: float) -> _T: ...


class ExclusiveContract:
    """The rules of `showtime_app.setup.ports.Exclusive`; the fixture `instances` gives two of one sort."""

    async def test_what_comes_of_the_work_is_given(self, instances: tuple[_Exclusive, _Exclusive]) -> None:
        """What the work gives is given; what it raises is raised, and the next is let in."""
        one, other = instances

        async def work() -> str:
            return "done"

        async def fail() -> str:
            raise Refused("not this")

        assert await one(work, PATIENCE_SECONDS) == "done"
        with pytest.raises(Refused, match="not this"):
            await one(fail, PATIENCE_SECONDS)
        assert await other(work, PATIENCE_SECONDS) == "done"

    async def test_no_two_are_at_it(self, instances: tuple[_Exclusive, _Exclusive]) -> None:
        """However many want to, on whichever instance, one works at a time, and each has its turn."""
        at_it, done = list[int](), list[int]()

        async def work(number: int) -> int:
            at_it.append(number)
            for _ in range(20):
                await asyncio.sleep(0)
                assert at_it == [number]
            at_it.remove(number)
            done.append(number)
            return number

        turns = [
            instances[number % 2](lambda number=number: work(number), PATIENCE_SECONDS)  # type: ignore[misc]
            for number in range(6)
        ]
        assert await asyncio.gather(*turns) == [0, 1, 2, 3, 4, 5]
        assert sorted(done) == [0, 1, 2, 3, 4, 5]

    async def test_who_waits_too_long_does_nothing(self, instances: tuple[_Exclusive, _Exclusive]) -> None:
        """Who has waited for as long as its patience is Unavailable, and its work is not begun."""
        one, other = instances
        begun, over, done = asyncio.Event(), asyncio.Event(), list[str]()

        async def work() -> None:
            begun.set()
            await over.wait()
            done.append("first")

        async def another() -> None:
            done.append("second")

        first = asyncio.create_task(one(work, PATIENCE_SECONDS))
        await begun.wait()
        with pytest.raises(Unavailable):
            await other(another, 0.05)
        over.set()
        await first
        assert done == ["first"]

    async def test_who_is_cancelled_lets_go(self, instances: tuple[_Exclusive, _Exclusive]) -> None:
        """Work that is cancelled is cancelled to its end before another's begins."""
        one, other = instances
        begun, steps = asyncio.Event(), list[str]()

        async def work() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                steps.append("cancelled")

        async def another() -> None:
            steps.append("next")

        first = asyncio.create_task(one(work, PATIENCE_SECONDS))
        await begun.wait()
        second = asyncio.create_task(other(another, PATIENCE_SECONDS))
        first.cancel()
        await asyncio.wait([first, second])
        assert (first.cancelled(), second.result(), steps) == (True, None, ["cancelled", "next"])
