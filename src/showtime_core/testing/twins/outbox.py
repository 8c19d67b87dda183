"""The outbox in memory: for unit tests, and as the model of the one in PostgreSQL."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import Factory, define, evolve

from showtime_core.domain.events import GhostRequested
from showtime_core.domain.journal import Entry, Outcome, ParkedEntry, Unknown
from showtime_core.domain.outbox import Job, ParkedEffect, PlannedEffect, Settlement, Status
from showtime_core.domain.parked import abandon
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    SummonGhost,
    key,
    kind,
    lane,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import DAY, GhostLoad
from showtime_core.domain.points_and_ghosts.ghosts import SAME_REQUEST_FOR, Ghost, Standing, Step, Task
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

SUMMON = "summon-ghost"


@define
class Row:
    """An effect, and what has become of it."""

    planned: PlannedEffect
    position: int
    status: Status
    due_at: datetime
    turn: int = 0
    """What has no lane is leased by turns: the lowest first."""
    attempts: int = 0
    owner: int | None = None
    leased_at: datetime | None = None
    doubted_since: datetime | None = None
    answered_at: datetime | None = None
    check_at: datetime | None = None
    remark: str | None = None
    flow_id: UUID | None = None

    @property
    def lane(self) -> str | None:
        """Tell its lane."""
        return lane(self.planned.effect)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be performed."""
        return self.status in {Status.DUE, Status.WAITING, Status.LEASED, Status.PARKED}


@define
class Shelf:
    """All effects of a channel, which every instance sees."""

    units: MemoryUnitOfWork
    may_send_for: timedelta
    """How long a dead instance may still be sending: before, its ledger calls are not looked at."""
    rows: dict[str, Row] = Factory(dict)
    ghosts: dict[UUID, Ghost] = Factory(dict)
    alive: set[int] = Factory(set)
    started: int = 0

    def __attrs_post_init__(self) -> None:
        """Let the units know what has become of the ghosts that they have planned."""
        self.units.count_ghosts = self.count_ghosts

    def instance(self) -> "MemoryOutbox":
        """Let an instance begin."""
        self.started += 1
        self.alive.add(self.started)
        return MemoryOutbox(self, self.started)

    def take_in(self) -> None:
        """See what the reactions have planned."""
        for planned in self.units.memory.effects.values():
            self.add(planned)

    def add(self, planned: PlannedEffect) -> None:
        """Plan an effect, unless it was planned before."""
        if planned.key not in self.rows:
            now = self.units.clock()
            turn = self._turn(planned) if lane(planned.effect) is None else 0
            row = Row(planned, len(self.rows), planned.status, now, turn, remark=planned.remark)
            self.rows[planned.key] = row

    def _turn(self, planned: PlannedEffect) -> int:
        """Give a turn: in the round under way, or after the last in which its viewer waits for the same."""
        now, wanted = self.units.clock(), kind(planned.effect)
        waiting = [
            row
            for row in self.rows.values()
            if row.status is Status.DUE and row.lane is None and kind(row.planned.effect) == wanted
        ]
        viewer = planned.effect.viewer.id
        under_way = min((row.turn for row in waiting if row.due_at <= now), default=0)
        own = (row.turn + 1 for row in waiting if row.planned.effect.viewer.id == viewer)
        return max(under_way, *own, 0)

    def job(self, row: Row) -> Job:
        """Tell all that is needed to perform an effect."""
        effect = row.planned.effect
        return Job(
            row.planned.key,
            row.planned.entry_id,
            effect,
            row.attempts,
            self.ghosts[effect.ghost_id] if isinstance(effect, AdvanceGhost) else None,
            self._since(row.doubted_since),
            self._since(row.answered_at),
        )

    def _since(self, moment: datetime | None) -> timedelta | None:
        return self.units.clock() - moment if moment else None

    def settle(self, row: Row, settlement: Settlement) -> None:
        """Write what came of an effect."""
        now = self.units.clock()
        row.status, row.remark, row.due_at = settlement.status, settlement.remark, now + settlement.delay
        row.owner, row.flow_id = None, settlement.flow_id or row.flow_id
        if settlement.in_doubt:
            row.doubted_since, row.answered_at = row.doubted_since or row.leased_at, None
        if settlement.has_answered:
            row.answered_at = row.answered_at or now
        if settlement.is_sure:
            row.doubted_since = row.answered_at = None
        row.check_at = now + settlement.check_after if settlement.check_after else None
        if settlement.ghost:
            self._keep(settlement.ghost, row.planned.entry_id)
        if settlement.then:
            self.add(settlement.then)
        if settlement.status is Status.DONE:
            for other in self.rows.values():
                if other.planned.after == row.planned.key and other.status is Status.WAITING:
                    other.status, other.due_at = Status.DUE, now

    def count_ghosts(self, viewers: Collection[str]) -> GhostLoad:
        """Count the ghosts that limits are about."""
        self.take_in()
        now = self.units.clock()
        summoned = [row for row in self.rows.values() if row.is_open and kind(row.planned.effect) == SUMMON]
        painting = [row for row in self.rows.values() if kind(row.planned.effect) == Task.PAINT]
        tried = [row.leased_at for row in painting if row.status is Status.DONE and row.leased_at]
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
            planned = PlannedEffect(key(entry_id, check), entry_id, check)
            self.add(planned)
            self.rows[planned.key].doubted_since = row.doubted_since

    def _keep(self, ghost: Ghost, entry_id: str) -> None:
        """Keep a ghost as it is now; once nobody works on it, its viewer may ask for the same again.

        Of one that was shown, not before a while has passed.
        """
        is_news = not (ghost.id in self.ghosts and self.ghosts[ghost.id].is_settled)
        self.ghosts[ghost.id] = ghost
        memory = self.units.memory
        request = memory.journal[entry_id]
        if not ghost.is_settled or not is_news or not isinstance(request.content, GhostRequested):
            return
        fact = request.fact or ""
        left = dict(told for told in memory.facts.items() if told != (fact, entry_id))
        recent = {name: asked for name, asked in memory.recent.items() if name != entry_id}
        if ghost.step is Step.SHOWN:
            recent[entry_id] = (fact, self.units.clock() + SAME_REQUEST_FOR)
        self.units.memory = evolve(memory, facts=left, recent=recent)


@define
class MemoryParking:
    """What is parked in a channel; see `showtime_core.ports.Parking`."""

    shelf: Shelf

    async def parked(self, limit: int) -> Sequence[ParkedEntry | ParkedEffect]:
        """List what is parked."""
        entries = [
            evolve(parked, entry=evolve(parked.entry, body=b""))
            for entry_id in self.shelf.units.memory.journal
            if (parked := await self.entry(entry_id))
        ]
        effects = [
            ParkedEffect(self.shelf.job(row), row.remark or "", row.leased_at or row.due_at)
            for row in self.shelf.rows.values()
            if row.status is Status.PARKED
        ]
        return [*entries[:limit], *effects[:limit]]

    async def entry(self, entry_id: str) -> ParkedEntry | None:
        """Give an entry that is parked."""
        memory = self.shelf.units.memory
        for line in memory.reacted:
            if line.entry.id == entry_id and line.outcome is Outcome.PARKED:
                remark = memory.verdicts[entry_id].remark or ""
                return ParkedEntry(evolve(line.entry, content=Unknown()), line.policy, remark, line.now)
        return None

    async def settle(self, key: str, decide: Callable[[Job], Settlement]) -> None:
        """Write what follows for an effect that is parked, and for what waits for it."""
        row = self.shelf.rows.get(key)
        if row is None or row.status is not Status.PARKED:
            raise NotFound("nothing of this name is parked, or not any more")
        settlement = decide(self.shelf.job(row))
        self.shelf.settle(row, evolve(settlement, remark=settlement.remark or row.remark))
        if settlement.status is Status.DISMISSED:
            for other in list(self.shelf.rows.values()):
                if other.planned.after == key and other.status is Status.WAITING:
                    self.shelf.settle(other, abandon(self.shelf.job(other)))


@define
class MemoryGhosts:
    """How the ghosts of a channel stand; see `showtime_core.ports.Ghosts`."""

    shelf: Shelf

    async def asker(self, request: Entry) -> str | None:
        """Name the entry whose ghost this request gets."""
        memory = self.shelf.units.memory
        if verdict := memory.verdicts.get(request.id):
            return verdict.remark if verdict.outcome is Outcome.REPEATED else request.id
        fact = request.fact or ""
        recent = None if request.is_named else memory.asker(fact, self.shelf.units.clock())
        return memory.facts.get(fact) or recent

    async def standing(self, ghost_id: UUID) -> Standing:
        """Tell how a ghost stands."""
        self.shelf.take_in()
        if ghost := self.shelf.ghosts.get(ghost_id):
            return Standing.of(ghost.id, ghost.step, ghost.refusal, ghost.reason)
        for row in self.shelf.rows.values():
            effect = row.planned.effect
            is_asked = isinstance(effect, SummonGhost) and effect.ghost_id == ghost_id
            if is_asked and row.status is not Status.SKIPPED:
                return Standing(ghost_id, None)
        raise NotFound("no such ghost")


@define
class MemoryOutbox:
    """The outbox as one instance sees it; see `showtime_core.ports.Outbox`."""

    shelf: Shelf
    owner: int

    def die(self) -> None:
        """Let the instance die: nothing that it settles from now on counts."""
        self.shelf.alive.discard(self.owner)

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Take what is due."""
        self.shelf.take_in()
        jobs: list[Job] = []
        for row in sorted(self.shelf.rows.values(), key=lambda row: (row.turn, row.position)):
            if len(jobs) < limit and kind(row.planned.effect) in kinds and self._is_free(row):
                jobs.append(self._lease(row))
        return jobs

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job."""
        row = self.shelf.rows[job.key]
        if (row.status, row.owner, row.attempts) != (Status.LEASED, self.owner, job.attempts):
            return
        self.shelf.settle(row, settlement)

    async def claimed(self, viewer: Viewer) -> Collection[UUID]:
        """Tell which transactions are ours."""
        rows = self.shelf.rows.values()
        return {row.flow_id for row in rows if row.flow_id and row.planned.effect.viewer.id == viewer.id}

    async def is_under_way(self, viewer: Viewer) -> bool:
        """Tell whether a transaction may be being made."""
        return any(
            row.status is Status.LEASED or (row.status is Status.DUE and row.doubted_since)
            for row in self.shelf.rows.values()
            if row.lane == viewer.id
        )

    async def recover(self) -> None:
        """Take back what dead instances had leased."""
        self.shelf.plan_checks()
        now = self.shelf.units.clock()
        for row in self.shelf.rows.values():
            if row.status is Status.LEASED and row.owner not in self.shelf.alive:
                row.status, row.doubted_since = Status.DUE, row.doubted_since or row.leased_at
                row.answered_at = None
                row.due_at = now + (self.shelf.may_send_for if row.lane else timedelta(0))

    def _is_free(self, row: Row) -> bool:
        now = self.shelf.units.clock()
        if row.status is not Status.DUE or row.due_at > now:
            return False
        return not row.lane or not any(
            other.status is Status.LEASED or (other.status is Status.DUE and other.position < row.position)
            for other in self.shelf.rows.values()
            if other.lane == row.lane and other is not row
        )

    def _lease(self, row: Row) -> Job:
        now = self.shelf.units.clock()
        row.status, row.owner, row.leased_at, row.attempts = Status.LEASED, self.owner, now, row.attempts + 1
        return self.shelf.job(row)
