"""How what follows outside is performed; not without a ledger, for then there is nothing that could be."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from showtime_app.composition.ports import Ports, Relay, Storage
from showtime_app.composition.twitch import AutoModOnDemand
from showtime_app.config import Settings
from showtime_app.instrumented import instrumented_perform
from showtime_app.metrics import Metrics
from showtime_core.domain.ghost_approval import GhostApproval
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.perform import Services
from showtime_core.use_cases.review_ghost import ReviewGhost


def make_relays(
    settings: Settings, ports: Ports, storage: Storage, inbox: GroupCommit, metrics: Metrics
) -> Sequence[Relay]:
    """Make what performs effects on this instance; none where others do, or nobody can."""
    services = _services(settings, ports, inbox)
    if services is None or settings.instance_role == "web":
        return []
    return [storage.relay(instrumented_perform(services, metrics, ports.chance))]


def _services(settings: Settings, ports: Ports, inbox: GroupCommit) -> Services | None:
    neighbours = ports.neighbours
    if neighbours.ledger is None:
        return None
    return Services(
        outbox=ports.storage.outbox,
        ledger=neighbours.ledger,
        account=neighbours.ledger,
        painter=neighbours.painter,
        bucket=neighbours.bucket,
        gallery=neighbours.gallery,
        receive=inbox.submit,
        settle_after=timedelta(seconds=settings.ledger_settle_seconds),
        review=_review(settings, ports),
    )


def _review(settings: Settings, ports: Ports) -> Callable[[str], Awaitable[str | None]] | None:
    """Tell which ghosts wait for the host."""
    if settings.ghost_approval is GhostApproval.OFF:
        return None
    automod = AutoModOnDemand(ports.twitch) if ports.twitch else None
    return ReviewGhost(automod, is_always=settings.ghost_approval is GhostApproval.ON).why_to_wait
