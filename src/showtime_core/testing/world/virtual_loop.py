# ruff: noqa: SLF001 - the loop of asyncio has no public way to decide who goes first
"""An event loop that never waits, in which chance decides who goes first.

Sets of tasks and futures have the order of their making, for the loop numbers them: addresses decide nothing.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import Context
from random import Random
from typing import Any, TypeVar

_T = TypeVar("_T")
_REORDERED = 0.3
"""How often another of those who can go on goes first."""


class StuckError(AssertionError):
    """Everybody waits, and nothing is going to happen."""


class _NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set follows from when it was made."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class _NumberedFuture(asyncio.Future[Any]):
    number = 0

    def __hash__(self) -> int:
        return self.number


class _NoSelector(selectors.BaseSelector):
    """Knows that nothing comes from outside."""

    def __init__(self) -> None:
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:  # noqa: ARG002
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s; where nobody can go on, it is as late as the next timer says."""

    _ready: Any
    _scheduled: Any

    def __init__(self, chance: Random) -> None:
        self.now = 0.0
        self.turns = 0
        self._chance = chance
        self._made = 0
        super().__init__(_NoSelector())
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    def time(self) -> float:
        """Tell the time, in seconds."""
        return self.now

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future with a number."""
        future = _NumberedFuture(loop=self)
        future.number = self.next_number()
        return future

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call something in the next turn."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call something at a time; of those at one time, what was asked for first is called first."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]
        heapq.heappush(self._scheduled, (when, self.next_number(), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is left out when its time comes."""

    def next_number(self) -> int:
        """Give the next task, future or timer its number."""
        self._made += 1
        return self._made

    @staticmethod
    def _make_task(
        loop: "VirtualLoop",
        coroutine: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        task = _NumberedTask(coroutine, loop=loop, context=context)
        task.number = loop.next_number()
        return task

    def _run_once(self) -> None:
        self.turns += 1
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0][2]._cancelled:
            heapq.heappop(scheduled)
        if not ready:
            if not scheduled:
                raise StuckError("everybody waits for what cannot come")
            self.now = max(self.now, scheduled[0][0])
        elif len(ready) > 1 and self._chance.random() < _REORDERED:
            ready.rotate(1)
        while scheduled and scheduled[0][0] <= self.now:
            ready.append(heapq.heappop(scheduled)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
