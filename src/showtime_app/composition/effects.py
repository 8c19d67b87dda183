"""How effects are wired: the relay, and with whom it performs them."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.pool import Connection
from showtime_adapters.postgres.pulse import LASTS, Pulse
from showtime_adapters.postgres.relay import Crew, Relay
from showtime_app.composition.neighbours import Neighbours
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_core.effects import kind
from showtime_core.ghosts import Task
from showtime_core.journal import Entry
from showtime_core.outbox import Job, Settlement
from showtime_core.performing import Outside, perform

_CREWS = (
    Crew(
        frozenset(
            {
                "credit-cheer",
                "credit-subscription",
                "credit-gift-subs",
                "summon-ghost",
                Task.PAY,
                Task.REFUND,
            }
        ),
        at_once=8,
    ),
    Crew(frozenset({Task.PAINT}), at_once=2),
    Crew(frozenset({Task.STORE, Task.SHOW, Task.POST}), at_once=4),
)
"""Points wait for nobody who paints; painting is slow, and paid for by the image."""


def wire_relay(  # noqa: PLR0913, PLR0917 - all that an effect may touch
    settings: Settings,
    conninfo: str,
    pool: AsyncConnectionPool[Connection],
    neighbours: Neighbours,
    receive: Callable[[Entry], Awaitable[None]],
    metrics: Metrics,
    pulse: Pulse,
) -> Relay | None:
    """Wire the relay; None without a ledger, for then there is nothing that it could do.

    Each statement of the pool is a transaction of its own.
    """
    if neighbours.bank is None:
        return None
    settle_after = timedelta(seconds=settings.ledger_settle_seconds)
    # For so long an instance may go on that is cut off, and then the ledger.
    outbox = PostgresOutbox(pool, LASTS + settle_after)
    outside = Outside(
        outbox=outbox,
        ledger=neighbours.bank,
        account=neighbours.bank,
        painter=neighbours.painter,
        bucket=neighbours.bucket,
        gallery=neighbours.gallery,
        receive=receive,
        settle_after=settle_after,
    )

    async def counted(job: Job) -> Settlement:
        settlement = await perform(job, outside, random.random())  # noqa: S311 - spreads tries, nothing more
        metrics.effects.labels(kind(job.effect), settlement.status).inc()
        return settlement

    return Relay(conninfo, outbox, counted, _CREWS, pulse)
