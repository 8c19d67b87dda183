"""How effects are wired: the relay, with whom it performs them, and where viewers ask for one."""

import random
from datetime import timedelta

from showtime_adapters.ledger import CHANGES_AT_ONCE
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.heartbeat import LASTS, Pulse
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.relay import Crew, Relay
from showtime_app.composition.journal import Recording
from showtime_app.composition.neighbours import Neighbours
from showtime_app.composition.resources import Ground, Guards
from showtime_app.logs import name_effect
from showtime_app.web.polling import Patience
from showtime_app.web.routes import ghosts
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import kind
from showtime_core.domain.points_and_ghosts.ghosts import Task
from showtime_core.ports import Account
from showtime_core.use_cases.perform import Outside, perform
from showtime_core.use_cases.request_ghost import Counter

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
                "check-credit-cheer",
                "check-credit-subscription",
                "check-credit-gift-subs",
                "check-summon-ghost",
            }
        ),
        at_once=8,
        at_most=CHANGES_AT_ONCE,
    ),
    Crew(frozenset({Task.PAINT}), at_once=2),
    Crew(frozenset({Task.STORE, Task.SHOW, Task.POST}), at_once=4),
)
"""Points wait for nobody who paints; painting is slow, and paid for by the image."""


def wire_relay(ground: Ground, recording: Recording, neighbours: Neighbours, pulse: Pulse) -> None:
    """Perform effects; not without a ledger, for then there is nothing that could be done."""
    if neighbours.bank is None:
        return
    settle_after = timedelta(seconds=ground.settings.ledger_settle_seconds)
    outbox = PostgresOutbox(ground.recording, LASTS, watched=ground.writes.watched)
    outside = Outside(
        outbox=outbox,
        ledger=neighbours.bank,
        account=neighbours.bank,
        painter=neighbours.painter,
        bucket=neighbours.bucket,
        gallery=neighbours.gallery,
        receive=recording.inbox.submit,
        settle_after=settle_after,
    )

    async def counted(job: Job) -> Settlement:
        name_effect(job.key, job.entry_id)  # a job is a task of its own
        settlement = await perform(job, outside, random.random())  # noqa: S311 - spreads tries, nothing more
        ground.metrics.effects.labels(kind(job.effect), settlement.status).inc()
        return settlement

    relay = ground.parts.hold(Relay(ground.conninfo, outbox, counted, _CREWS, pulse))
    ground.parts.when_told_to_stop(relay.stop)


def wire_ghosts(ground: Ground, recording: Recording, guards: Guards, account: Account) -> None:
    """Let viewers ask for ghosts."""
    asked, patience = PostgresGhosts(ground.recording), Patience(ghosts.WAIT_SECONDS)
    counter = Counter(recording.units, account, asked, recording.policy)
    ground.parts.serve(*ghosts.routes(counter, asked, patience, guards.viewers_only))
    ground.parts.when_told_to_stop(patience.end)
