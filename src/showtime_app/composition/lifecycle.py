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
class Lifecycle:
    """Routes, resources and background work of one instance, collected while it is wired."""

    routes: list[ControllerRouterHandler] = field(factory=list)
    _resources: list[AbstractAsyncContextManager[Any]] = field(factory=list)
    _background_work: list[Work] = field(factory=list)
    _stop_callbacks: list[Callable[[], None]] = field(factory=list)

    def add_routes(self, *routes: ControllerRouterHandler) -> None:
        """Serve these routes."""
        self.routes += routes

    def manage(self, resource: _Resource) -> _Resource:
        """Open this when the service starts and close it when it stops, in the reverse order."""
        self._resources.append(resource)
        return resource

    def run_in_background(self, work: Work) -> None:
        """Run this beside the service once all resources are open; it is cancelled when the service stops."""
        self._background_work.append(work)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call this as soon as the service is told to stop, while requests are still under way."""
        self._stop_callbacks.append(callback)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all that was gathered."""
        async with AsyncExitStack() as stack:
            for resource in self._resources:
                await stack.enter_async_context(resource)
            await stack.enter_async_context(_background(self._background_work))
            yield

    def stop(self) -> None:
        """Tell all parts to stop."""
        for callback in self._stop_callbacks:
            callback()


@asynccontextmanager
async def _background(work: list[Work]) -> AsyncIterator[None]:
    """Let something run beside the service, until the service stops."""
    tasks = [asyncio.create_task(each()) for each in work]
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    """Log background work that ended with an error: none of it is meant to end."""
    if not task.cancelled() and (failure := task.exception()):
        _log.error("something ended that must run beside the service", exc_info=failure)
