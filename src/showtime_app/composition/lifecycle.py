"""What runs beside the web application of one instance."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from showtime_app.composition.ports import Work
from showtime_core.errors import Unavailable

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


@asynccontextmanager
async def running(
    resources: Iterable[AbstractAsyncContextManager[Any]], background: Iterable[Work]
) -> AsyncIterator[None]:
    """Open resources in order, and run work beside them; at the end cancel it, and close them in reverse."""
    async with AsyncExitStack() as stack:
        for resource in resources:
            await stack.enter_async_context(resource)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        for work in background:
            stack.callback(group.create_task(_log_failure(work)).cancel)
        yield


async def log_readiness(check: Callable[[], Awaitable[None]]) -> None:
    """Log that this instance is ready, once it is; what it waits for is a warning, once for each reason."""
    told: set[str] = set()
    while True:
        try:
            await check()
        except Unavailable as reason:
            if str(reason) not in told:
                _log.warning("not ready yet: %s", reason)
            told.add(str(reason))
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            _log.info("showtime is ready")
            return


async def _log_failure(work: Work) -> None:
    """Do work, and log if it ends with an error: none of it is meant to end."""
    try:
        await work()
    except Exception:
        _log.exception("something ended that must run beside the service")
