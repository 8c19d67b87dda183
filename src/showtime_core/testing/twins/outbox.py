"""The outbox in memory: for unit tests, and as the model of the one in PostgreSQL."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import Factory, define, evolve, field

from showtime_core.domain.events import GhostRequested
from showtime_core.domain.journal import Entry, Outcome, ParkedEntry, Unknown
from showtime_core.domain.outbox import EffectStatus, Job, ParkedEffect, PlannedEffect, Settlement
from showtime_core.domain.parked import settle_abandoned
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    SummonGhost,
    effect_key,
    effect_kind,
    effect_lane,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import DAY, GhostLoad
from showtime_core.domain.points_and_ghosts.ghosts import (
    SAME_REQUEST_FOR,
    Ghost,
    GhostProgress,
    GhostStep,
    GhostTask,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

SUMMON = "summon-ghost"


@define
class OutboxRow:
    """An effect, and what has become of it."""

    planned: PlannedEffect
    position: int
    status: EffectStatus
    due_at: datetime
    turn: int = 0
    """What has no lane is leased by turns: the lowest first."""
    attempts: int = 0
    owner: int | None = None
    leased_at: datetime | None = None
    in_doubt_since: datetime | None = None
    answered_at: datetime | None = None
    check_at: datetime | None = None
    remark: str | None = None
    flow_id: UUID | None = None
    kind: str = field(init=False)
    lane: str | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.kind, self.lane = effect_kind(self.planned.effect), effect_lane(self.planned.effect)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be performed."""
        return self.status in {
            EffectStatus.DUE,
            EffectStatus.WAITING,
            EffectStatus.LEASED,
            EffectStatus.PARKED,
        }


@define
class MemoryOutboxTable:
    """All effects of a channel, which every MemoryOutbox of it shares."""

    units: MemoryUnitOfWork
    may_send_for: timedelta
    """How long a dead instance may still be sending: before, its ledger calls are not looked at."""
    rows: dict[str, OutboxRow] = Factory(dict)
    ghosts: dict[UUID, Ghost] = Factory(dict)
    live_instances: set[int] = Factory(set)
    started: int = 0
    _loaded: dict[str, PlannedEffect] | None = None
    """The effects that were added last."""

    def __attrs_post_init__(self) -> None:
        """Let the units know what has become of the ghosts that they have planned."""
        self.units.count_ghosts = self.count_ghosts

    def instance(self) -> "MemoryOutbox":
        """Let an instance begin."""
        self.started += 1
        self.live_instances.add(self.started)
        return MemoryOutbox(self, self.started)

    def load_planned(self) -> None:
        """Add the effects that reactions have planned since."""
        effects = self.units.memory.effects
        if effects is not self._loaded:  # each unit leaves a new dictionary
            for planned in effects.values():
                self.add(planned)
            self._loaded = effects

    def add(self, planned: PlannedEffect) -> None:
        """Plan an effect, unless it was planned before."""
        if planned.key not in self.rows:
            now = self.units.clock()
            turn = self._turn(planned) if effect_lane(planned.effect) is None else 0
            row = OutboxRow(planned, len(self.rows), planned.status, now, turn, remark=planned.remark)
            self.rows[planned.key] = row

    def _turn(self, planned: PlannedEffect) -> int:
        """Give a turn: in the round under way, or after the last in which its viewer waits for the same."""
        now, wanted = self.units.clock(), effect_kind(planned.effect)
        waiting = [
            row
            for row in self.rows.values()
            if row.status is EffectStatus.DUE and row.lane is None and row.kind == wanted
        ]
        viewer = planned.effect.viewer.id
        under_way = min((row.turn for row in waiting if row.due_at <= now), default=0)
        own = (row.turn + 1 for row in waiting if row.planned.effect.viewer.id == viewer)
        return max(under_way, *own, 0)

    def job(self, row: OutboxRow) -> Job:
        """Tell all that is needed to perform an effect."""
        effect = row.planned.effect
        return Job(
            row.planned.key,
            row.planned.entry_id,
            effect,
            row.attempts,
            self.ghosts[effect.ghost_id] if isinstance(effect, AdvanceGhost) else None,
            self._since(row.in_doubt_since),
            self._since(row.answered_at),
        )

    def _since(self, moment: datetime | None) -> timedelta | None:
        return self.units.clock() - moment if moment else None

    def settle(self, row: OutboxRow, settlement: Settlement) -> None:
        """Write what came of an effect."""
        now = self.units.clock()
        row.status, row.remark, row.due_at = settlement.status, settlement.remark, now + settlement.delay
        row.owner, row.flow_id = None, settlement.flow_id or row.flow_id
        if settlement.in_doubt:
            row.in_doubt_since, row.answered_at = row.in_doubt_since or row.leased_at, None
        if settlement.has_answered:
            row.answered_at = row.answered_at or now
        if settlement.clears_doubt:
            row.in_doubt_since = row.answered_at = None
        row.check_at = now + settlement.check_after if settlement.check_after else None
        if settlement.ghost:
            self._save_ghost(settlement.ghost, row.planned.entry_id)
        if settlement.next_effect:
            self.add(settlement.next_effect)
        if settlement.status is EffectStatus.DONE:
            for other in self.rows.values():
                if other.planned.after == row.planned.key and other.status is EffectStatus.WAITING:
                    other.status, other.due_at = EffectStatus.DUE, now

    def count_ghosts(self, viewers: Collection[str]) -> GhostLoad:
        """Count the ghosts that limits are about."""
        self.load_planned()
        now = self.units.clock()
        summoned = [row for row in self.rows.values() if row.is_open and row.kind == SUMMON]
        painting = [row for row in self.rows.values() if row.kind == GhostTask.PAINT]
        tried = [row.leased_at for row in painting if row.status is EffectStatus.DONE and row.leased_at]
        painted = [at for at in tried if at > now - DAY]
        waiting = Counter(row.planned.effect.viewer.id for row in summoned)
        waiting += Counter(ghost.viewer.id for ghost in self.ghosts.values() if ghost.is_waited_for)
        return GhostLoad(
            {viewer: waiting[viewer] for viewer in viewers},
            len(summoned) + sum(row.is_open for row in painting) + len(painted),
            min(painted) + DAY - now if painted else None,
        )

    def plan_checks(self) -> None:
        """Plan to look once more at what was in doubt, where that is due."""
        now = self.units.clock()
        for row in [row for row in self.rows.values() if row.check_at and row.check_at <= now]:
            of = row.planned.effect
            assert row.flow_id, "it was made"
            assert not isinstance(of, AdvanceGhost | CheckForDouble), "it cannot be in doubt"
            check = CheckForDouble(of, row.flow_id)
            row.check_at, entry_id = None, row.planned.entry_id
            planned = PlannedEffect(effect_key(entry_id, check), entry_id, check)
            self.add(planned)
            self.rows[planned.key].in_doubt_since = row.in_doubt_since

    def _save_ghost(self, ghost: Ghost, entry_id: str) -> None:
        """Keep a ghost as it is now; once nobody works on it, its viewer may ask for the same again.

        Of one that was shown, not before a while has passed.
        """
        is_news = not (ghost.id in self.ghosts and self.ghosts[ghost.id].is_finished)
        self.ghosts[ghost.id] = ghost
        memory = self.units.memory
        request = memory.journal[entry_id]
        if not ghost.is_finished or not is_news or not isinstance(request.content, GhostRequested):
            return
        key = request.dedup_key or ""
        left = dict(told for told in memory.first_reports.items() if told != (key, entry_id))
        recent = {name: asked for name, asked in memory.recent.items() if name != entry_id}
        if ghost.step is GhostStep.SHOWN:
            recent[entry_id] = (key, self.units.clock() + SAME_REQUEST_FOR)
        self.units.memory = evolve(memory, first_reports=left, recent=recent)


@define
class MemoryParkedItems:
    """What is parked in a channel; see `showtime_core.ports.ParkedItems`."""

    table: MemoryOutboxTable

    async def list_parked(self, limit: int) -> Sequence[ParkedEntry | ParkedEffect]:
        """List what is parked."""
        entries = [
            evolve(parked, entry=evolve(parked.entry, body=b""))
            for entry_id in self.table.units.memory.journal
            if (parked := await self.parked_entry(entry_id))
        ]
        effects = [
            ParkedEffect(self.table.job(row), row.remark or "", row.leased_at or row.due_at)
            for row in self.table.rows.values()
            if row.status is EffectStatus.PARKED
        ]
        return [*entries[:limit], *effects[:limit]]

    async def parked_entry(self, entry_id: str) -> ParkedEntry | None:
        """Give an entry that is parked."""
        memory = self.table.units.memory
        for line in memory.records:
            if line.entry.id == entry_id and line.outcome is Outcome.PARKED:
                remark = memory.verdicts[entry_id].remark or ""
                return ParkedEntry(evolve(line.entry, content=Unknown()), line.policy, remark, line.now)
        return None

    async def settle(self, key: str, decide: Callable[[Job], Settlement]) -> None:
        """Write what follows for an effect that is parked, and for what waits for it."""
        row = self.table.rows.get(key)
        if row is None or row.status is not EffectStatus.PARKED:
            raise NotFound("nothing of this name is parked, or not any more")
        settlement = decide(self.table.job(row))
        self.table.settle(row, evolve(settlement, remark=settlement.remark or row.remark))
        if settlement.status is EffectStatus.DISMISSED:
            for other in list(self.table.rows.values()):
                if other.planned.after == key and other.status is EffectStatus.WAITING:
                    self.table.settle(other, settle_abandoned(self.table.job(other)))


@define
class MemoryGhosts:
    """How the ghosts of a channel stand; see `showtime_core.ports.Ghosts`."""

    table: MemoryOutboxTable

    async def first_request(self, request: Entry) -> str | None:
        """Name the entry whose ghost this request gets."""
        memory = self.table.units.memory
        if verdict := memory.verdicts.get(request.id):
            return verdict.remark if verdict.outcome is Outcome.REPEATED else request.id
        key = request.dedup_key or ""
        recent = None if request.has_own_key else memory.asker(key, self.table.units.clock())
        return memory.first_reports.get(key) or recent

    async def progress(self, ghost_id: UUID) -> GhostProgress:
        """Tell how a ghost stands."""
        self.table.load_planned()
        if ghost := self.table.ghosts.get(ghost_id):
            return GhostProgress.of(ghost.id, ghost.step, ghost.refusal, ghost.reason)
        for row in self.table.rows.values():
            effect = row.planned.effect
            is_asked = isinstance(effect, SummonGhost) and effect.ghost_id == ghost_id
            if is_asked and row.status is not EffectStatus.SKIPPED:
                return GhostProgress(ghost_id, None)
        raise NotFound("no such ghost")


@define
class MemoryOutbox:
    """The outbox as one instance sees it; see `showtime_core.ports.Outbox`."""

    table: MemoryOutboxTable
    owner: int

    def die(self) -> None:
        """Let the instance die: nothing that it settles from now on counts."""
        self.table.live_instances.discard(self.owner)

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Take what is due."""
        self.table.load_planned()
        jobs: list[Job] = []
        due = [row for row in self.table.rows.values() if row.status is EffectStatus.DUE]
        for row in sorted(due, key=lambda row: (row.turn, row.position)):
            if len(jobs) < limit and row.kind in kinds and self._is_free(row):
                jobs.append(self._lease(row))
        return jobs

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job."""
        row = self.table.rows[job.key]
        if (row.status, row.owner, row.attempts) != (EffectStatus.LEASED, self.owner, job.attempts):
            return
        self.table.settle(row, settlement)

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        """Write what came of several jobs."""
        for job, settlement in settled:
            await self.settle(job, settlement)

    async def claimed(self, viewer: Viewer) -> Collection[UUID]:
        """Tell which transactions are ours."""
        rows = self.table.rows.values()
        return {row.flow_id for row in rows if row.flow_id and row.planned.effect.viewer.id == viewer.id}

    async def is_under_way(self, viewer: Viewer) -> bool:
        """Tell whether a transaction may be being made."""
        return any(
            row.status is EffectStatus.LEASED or (row.status is EffectStatus.DUE and row.in_doubt_since)
            for row in self.table.rows.values()
            if row.lane == viewer.id
        )

    async def recover(self) -> None:
        """Take back what dead instances had leased."""
        self.table.plan_checks()
        now = self.table.units.clock()
        for row in self.table.rows.values():
            if row.status is EffectStatus.LEASED and row.owner not in self.table.live_instances:
                row.status, row.in_doubt_since = EffectStatus.DUE, row.in_doubt_since or row.leased_at
                row.answered_at = None
                row.due_at = now + (self.table.may_send_for if row.lane else timedelta(0))

    def _is_free(self, row: OutboxRow) -> bool:
        now = self.table.units.clock()
        if row.status is not EffectStatus.DUE or row.due_at > now:
            return False
        return not row.lane or not any(
            other.status is EffectStatus.LEASED
            or (other.status is EffectStatus.DUE and other.position < row.position)
            for other in self.table.rows.values()
            if other.lane == row.lane and other is not row
        )

    def _lease(self, row: OutboxRow) -> Job:
        now = self.table.units.clock()
        row.status, row.owner, row.leased_at, row.attempts = (
            EffectStatus.LEASED,
            self.owner,
            now,
            row.attempts + 1,
        )
        return self.table.job(row)
