"""How effects are wired: the relay, with whom it performs them, and where viewers ask for one."""

import random
from datetime import timedelta

from showtime_adapters.ledger import CHANGES_AT_ONCE
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.heartbeat import VALID_FOR, Heartbeat
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.relay import Relay
from showtime_app.composition.journal import Recording
from showtime_app.composition.neighbours import Neighbours
from showtime_app.composition.resources import Guards, Resources
from showtime_app.logs import name_effect
from showtime_app.web.polling import Polling
from showtime_app.web.routes import ghosts
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import effect_kind
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.ports import Account
from showtime_core.use_cases.dispatch import WorkerPool
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.request_ghost import RequestGhost

_WORKER_POOLS = (
    WorkerPool(
        frozenset(
            {
                "credit-cheer",
                "credit-subscription",
                "credit-gift-subs",
                "summon-ghost",
                GhostTask.PAY,
                GhostTask.REFUND,
                "check-credit-cheer",
                "check-credit-subscription",
                "check-credit-gift-subs",
                "check-summon-ghost",
            }
        ),
        size=8,
        at_most=CHANGES_AT_ONCE,
    ),
    WorkerPool(frozenset({GhostTask.PAINT}), size=2),
    WorkerPool(frozenset({GhostTask.STORE, GhostTask.SHOW, GhostTask.POST}), size=4),
)
"""Points wait for nobody who paints; painting is slow, and paid for by the image."""


def wire_relay(
    resources: Resources, recording: Recording, neighbours: Neighbours, heartbeat: Heartbeat
) -> None:
    """Perform effects; not without a ledger, for then there is nothing that could be done."""
    if neighbours.ledger is None:
        return
    settle_after = timedelta(seconds=resources.settings.ledger_settle_seconds)
    outbox = PostgresOutbox(resources.recording, VALID_FOR, watched=resources.writes.watched)
    services = Services(
        outbox=outbox,
        ledger=neighbours.ledger,
        account=neighbours.ledger,
        painter=neighbours.painter,
        bucket=neighbours.bucket,
        gallery=neighbours.gallery,
        receive=recording.inbox.submit,
        settle_after=settle_after,
    )

    async def counted(job: Job) -> Settlement:
        name_effect(job.key, job.entry_id)  # a job is a task of its own
        settlement = await perform(job, services, random.random())  # noqa: S311 - spreads tries, nothing more
        resources.metrics.effects.labels(effect_kind(job.effect), settlement.status).inc()
        return settlement

    relay = resources.lifecycle.manage(Relay(resources.conninfo, outbox, counted, _WORKER_POOLS, heartbeat))
    resources.lifecycle.on_stop(relay.stop)


def wire_ghosts(resources: Resources, recording: Recording, guards: Guards, account: Account) -> None:
    """Let viewers ask for ghosts."""
    asked, polling = PostgresGhosts(resources.recording), Polling(ghosts.WAIT_SECONDS)
    use_case = RequestGhost(recording.units, account, asked, recording.policy)
    resources.lifecycle.add_routes(*ghosts.routes(use_case, asked, polling, guards.viewers_only))
    resources.lifecycle.on_stop(polling.stop)
