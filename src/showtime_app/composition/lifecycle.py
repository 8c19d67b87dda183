"""What runs beside the web application of one instance."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from showtime_app.composition.ports import Work

_log = logging.getLogger(__name__)


@asynccontextmanager
async def running(
    resources: Iterable[AbstractAsyncContextManager[Any]], background: Iterable[Work]
) -> AsyncIterator[None]:
    """Open resources in order, and run work beside them; at the end cancel it, and close them in reverse."""
    async with AsyncExitStack() as stack:
        for resource in resources:
            await stack.enter_async_context(resource)
        tasks = [asyncio.create_task(work()) for work in background]
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
