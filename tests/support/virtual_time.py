"""An event loop whose time passes at once: seconds of waiting take none, on a busy machine too."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Instant(selectors.SelectSelector):
    """Waits for nothing: when everybody waits, the time is what the first waits for."""

    now = 0.0

    def select(self, timeout=None):
        assert timeout is not None, "everybody waits for what cannot come"
        self.now += max(timeout, 0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s, and moves on when nobody can."""

    def __init__(self):
        self._clock = _Instant()
        super().__init__(self._clock)

    def time(self):
        return self._clock.now


def in_virtual_time(scenario: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test of a scenario that takes no time of its own."""

    @functools.wraps(scenario)
    def play(*arguments, **named):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(scenario(*arguments, **named))

    return play


def elapsed() -> float:
    """Tell the time, in seconds."""
    return asyncio.get_running_loop().time()
