"""What the service is put together from: each part tells what it serves, holds, and does beside."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from attrs import define, field
from litestar.types import ControllerRouterHandler

_log = logging.getLogger(__name__)
_Resource = TypeVar("_Resource", bound=AbstractAsyncContextManager[Any])
Work = Callable[[], Coroutine[Any, Any, None]]


@define
class Parts:
    """All parts of one instance, gathered while they are wired."""

    routes: list[ControllerRouterHandler] = field(factory=list)
    _resources: list[AbstractAsyncContextManager[Any]] = field(factory=list)
    _work: list[Work] = field(factory=list)
    _farewells: list[Callable[[], None]] = field(factory=list)

    def serve(self, *routes: ControllerRouterHandler) -> None:
        """Serve these routes."""
        self.routes += routes

    def hold(self, resource: _Resource) -> _Resource:
        """Hold this open while the service runs. What is held first is let go last."""
        self._resources.append(resource)
        return resource

    def keep_doing(self, work: Work) -> None:
        """Do this beside the service: it begins when all is held, and is cancelled when the service stops."""
        self._work.append(work)

    def when_told_to_stop(self, farewell: Callable[[], None]) -> None:
        """Call this as soon as the service is told to stop, while requests are still under way."""
        self._farewells.append(farewell)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all that was gathered."""
        async with AsyncExitStack() as stack:
            for resource in self._resources:
                await stack.enter_async_context(resource)
            await stack.enter_async_context(_background(self._work))
            yield

    def stop(self) -> None:
        """Tell all parts to stop."""
        for farewell in self._farewells:
            farewell()


@asynccontextmanager
async def _background(work: list[Work]) -> AsyncIterator[None]:
    """Let something run beside the service, until the service stops."""
    tasks = [asyncio.create_task(each()) for each in work]
    for task in tasks:
        task.add_done_callback(_tell_of_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    """None of it is meant to end: if it does, somebody must know."""
    if not task.cancelled() and (failure := task.exception()):
        _log.error("something ended that must run beside the service", exc_info=failure)
