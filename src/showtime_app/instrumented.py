"""What becomes of what arrives and of effects, told to the operator: counted, timed, and in the log."""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from attrs import frozen

from showtime_app.logs import name_effect
from showtime_app.metrics import Metrics
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import SubscriptionRevoked
from showtime_core.domain.journal import Entry, JournalChanges, Outcome
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import effect_kind
from showtime_core.domain.reactions import Policy
from showtime_core.errors import LimitReached
from showtime_core.ports import ChatLog, PlanChanges, UnitOfWork
from showtime_core.use_cases.perform import Services, perform

_log = logging.getLogger(__name__)

_FOR_THE_OPERATOR = (Outcome.PARKED, Outcome.REACTED)
"""Outcomes whose remark the operator should see; others only say which entry was repeated, and the like."""
Perform = Callable[[Job], Awaitable[Settlement]]
"""Performs an effect, and tells what came of it; raises nothing."""


class Writes(Protocol):
    """What becomes of what is written: whoever asks whether this instance is ready wants to know."""

    def watched(self) -> AbstractContextManager[None]:
        """Note if what happens within could not be written."""

    def succeeded(self) -> None:
        """Note that something was written."""


@frozen
class InstrumentedUnitOfWork:
    """A unit of work that is counted and timed; see `showtime_core.ports.UnitOfWork`."""

    units: UnitOfWork
    metrics: Metrics
    writes: Writes

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Record the entries that are new and all that follows from them."""
        began = time.perf_counter()
        try:
            with self.writes.watched():
                changes = await self.units.record(entries, policy, plan)
        except LimitReached as reason:
            self.metrics.denied_ghosts.inc()
            _tell(logging.WARNING, entries[0].id, "a ghost is not made: %s", reason)
            raise
        if changes.verdicts:  # what is known already is not written
            self.writes.succeeded()
        self.metrics.unit_seconds.observe(time.perf_counter() - began)
        outcomes = Counter(verdict.outcome.value for verdict in changes.verdicts)
        outcomes["duplicate"] = len(entries) - len(changes.verdicts)
        for outcome, count in outcomes.items():
            self.metrics.entries.labels(outcome).inc(count)
        self._tell_of(entries, changes)
        return changes

    def _tell_of(self, entries: Sequence[Entry], changes: JournalChanges) -> None:
        for verdict in changes.verdicts:
            if verdict.remark:
                level = logging.WARNING if verdict.outcome in _FOR_THE_OPERATOR else logging.INFO
                _tell(level, verdict.entry_id, "%s: %s", verdict.outcome, verdict.remark)
        for planned in changes.effects:
            if planned.denied:
                self.metrics.denied_ghosts.inc()
            elif planned.remark:
                _tell(logging.WARNING, planned.entry_id, "%s is parked: %s", planned.key, planned.remark)
        new = {verdict.entry_id for verdict in changes.verdicts}
        for entry in entries:
            if isinstance(revoked := entry.content, SubscriptionRevoked) and entry.id in new:
                self.metrics.revocations.labels(revoked.type, revoked.reason).inc()
                _tell(logging.WARNING, entry.id, "Twitch has revoked %s: %s", revoked.type, revoked.reason)


def _tell(level: int, entry_id: str, text: str, *about: object) -> None:
    """Log a line about an entry."""
    _log.log(level, text, *about, extra={"message_id": entry_id})


@frozen
class InstrumentedChatLog:
    """A chat log that is timed; see `showtime_core.ports.ChatLog`."""

    log: ChatLog
    metrics: Metrics
    writes: Writes
    clock: Callable[[], datetime]

    async def write(self, reports: Sequence[ChatReport]) -> None:
        """Write what follows from what had not been heard before."""
        with self.writes.watched():
            await self.log.write(reports)
        now = self.clock()
        for each in reports:
            if each.sent_at:  # by Twitch's clock, which may be ahead of ours
                self.metrics.chat_lag.observe(max((now - each.sent_at).total_seconds(), 0.0))


def instrumented_perform(services: Services, metrics: Metrics, chance: Callable[[], float]) -> Perform:
    """Make what performs effects with these services: each try is counted, and named in the log.

    `chance` gives numbers from 0 up to 1, which spread tries.
    """

    async def counted(job: Job) -> Settlement:
        name_effect(job.key, job.entry_id)  # a job is a task of its own
        settlement = await perform(job, services, chance())
        metrics.effects.labels(effect_kind(job.effect), settlement.status).inc()
        return settlement

    return counted
