"""The outbox: effects, how far each is, and the ghosts that are being made."""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

from attrs import asdict, define, field
from psycopg.errors import UniqueViolation
from psycopg.rows import scalar_row

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres import pool as db
from showtime_adapters.wire import Document, decode_effect, effect_document
from showtime_core.domain.events import GhostRequested, dedup_key
from showtime_core.domain.outbox import Job, PlannedEffect, Settlement
from showtime_core.domain.points_and_ghosts.effects import effect_kind, effect_lane
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep, prompt
from showtime_core.domain.viewers import Viewer
from showtime_core.texts import clean

_log = logging.getLogger(__name__)

_LOOKED_AT = 2
"""Effects that are looked at for each that is wanted: another instance may have some of them under way."""
_LANES = 100
"""Lanes that are looked at in one go for what was left behind in them."""


@define
class PostgresOutbox:
    """The outbox in PostgreSQL, as one instance sees it; see `showtime_core.ports.Outbox`.

    Its pool is one in which each statement is a transaction of its own.
    """

    pool: db.Pool
    may_send_for: timedelta
    """How long an instance that is gone may still be sending: before, its ledger calls are not looked at."""
    owner: int = 0
    """The number under which this instance leases: that of a lock that one of its sessions holds."""
    watched: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within it is written what came of a job: it learns whether that failed."""
    _held: set[str] = field(init=False, factory=set)
    """The tries that were leased, and are not settled."""
    _in_question: set[str] = field(init=False, factory=set)
    """The kinds of which something may be leased that is not held: the answer was lost."""
    _last_lane: str = field(init=False, default="")
    """The lane that was looked at last for what was left behind."""

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Take what is due; of one kind, one call at a time."""
        in_question = self._in_question & set(kinds)
        try:
            async with db.connected(self.pool) as connection:
                if in_question:
                    values = [self.owner, list(in_question), list(self._held)]
                    await connection.execute(statements.GIVE_BACK, values)
                jobs = await self._find(connection, kinds, limit)
        except BaseException:
            self._in_question |= set(kinds)
            raise
        self._in_question -= in_question
        self._held.update(map(_name_try, jobs))
        return jobs

    async def _find(self, connection: db.Connection, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Lease what is due, and put back what cannot be read."""
        found: list[Any] = []
        while await self._look(connection, kinds, limit - len(found), found) and len(found) < limit:
            pass  # what was in the way is out of it, and the next look may find more
        jobs = {row.key: _read(row) for row in found}
        if unread := [key for key, job in jobs.items() if job is None]:
            await connection.execute(statements.PUT_BACK, [unread, self.owner])
        return [job for job in jobs.values() if job]

    async def _look(
        self, connection: db.Connection, kinds: Collection[str], limit: int, found: list[Any]
    ) -> bool:
        """Lease up to so many more; tells whether anything was in the way."""
        wanted = {"kinds": list(kinds), "limit": limit, "look": _LOOKED_AT * limit, "owner": self.owner}
        try:
            rows = await db.fetch_all(connection, statements.LEASE, db.by_name, wanted)
        except UniqueViolation:  # another instance has taken a lane at the same moment
            return False
        found += [row for row in rows if row.key is not None]
        return bool(rows[0].moved)

    async def recover(self) -> None:
        """Take back what instances had leased that are gone, and put in front what was left behind."""
        wanted = {"after": self._last_lane, "most": _LANES}
        async with db.connected(self.pool) as connection:
            await connection.execute(statements.RECOVER, [self.may_send_for])
            await connection.execute(statements.PLAN_CHECKS)
            [row] = await db.fetch_all(connection, statements.FREE_LANES, db.by_name, wanted)
        self._last_lane = row.last or ""
        if row.freed:
            _log.warning("left behind in their lanes, and put in front: %s", ", ".join(row.freed))

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job."""
        await self.settle_all([(job, settlement)])

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        """Write what came of several jobs: in one statement, but for ghosts, each of which has more to write.

        A ghost is written in a transaction of its own: what it locks besides is its viewer's.
        """
        alone = [[each] for each in settled if each[1].ghost]
        together = [each for each in settled if not each[1].ghost]
        with self.watched():
            async with db.connected(self.pool) as connection:
                for group in [together, *alone] if together else alone:
                    async with connection.transaction() if group is not together else nullcontext():
                        await write_settlements(connection, group, "leased", self.owner)
        self._held.difference_update(_name_try(job) for job, _ in settled)

    async def claimed(self, viewer: Viewer) -> Collection[UUID]:
        """Tell which transactions of a viewer are known to be ours."""
        return set(await db.fetch_all(self.pool, statements.CLAIMED, scalar_row, [viewer.id]))

    async def is_under_way(self, viewer: Viewer) -> bool:
        """Tell whether a transaction may be being made."""
        return bool(await db.fetch_value(self.pool, statements.UNDER_WAY, [viewer.id]))


async def write_settlement(
    connection: db.Connection, job: Job, settlement: Settlement, was: str, owner: int | None
) -> None:
    """Write what came of a job, if it is still what it was, and its owner's."""
    await write_settlements(connection, [(job, settlement)], was, owner)


async def write_settlements(
    connection: db.Connection, settled: Sequence[tuple[Job, Settlement]], was: str, owner: int | None
) -> None:
    """Write what came of jobs: of each that is still what it was, and its owner's."""
    values = {
        "settled": encode([_settled_document(job, settlement) for job, settlement in settled]),
        "keys": [job.key for job, _ in settled],
        "was": was,
        "owner": owner,
    }
    written = set(await db.fetch_all(connection, statements.SETTLE, scalar_row, values))
    for job, settlement in settled:
        if settlement.ghost and job.key in written:
            await connection.execute(statements.KEEP_GHOST, _ghost_parameters(settlement.ghost, job.entry_id))


def _settled_document(job: Job, settlement: Settlement) -> Document:
    check_after, following = settlement.check_after, settlement.next_effect
    return (
        db.columns(job, "key", "attempts")
        | db.columns(settlement, "status", "in_doubt", "has_answered", "clears_doubt")
        | {
            "remark": _clean(settlement.remark),
            "flow_id": settlement.flow_id and str(settlement.flow_id),
            "delay": settlement.delay.total_seconds(),
            "check_after": check_after and check_after.total_seconds(),
            "planned": [planned_document(following)] if following else [],
        }
    )


def _name_try(job: Job) -> str:
    """Name a try, as `GIVE_BACK` does: a job may be leased again before its settlement is known here."""
    return f"{job.key} {job.attempts}"


def _read(row: Any) -> Job | None:  # noqa: ANN401 - a named tuple
    """Read a job; None if it cannot be read, which must not keep the others from being performed."""
    try:
        return read_job(row)
    except Exception:  # whatever it is about that row
        _log.exception("effect %s cannot be read, and is put back", row.key)
        return None


def read_job(row: Any) -> Job:  # noqa: ANN401 - a named tuple
    """Read a job from its columns, and those of its ghost."""
    return Job(
        effect=decode_effect(row.kind, row.payload),
        ghost=_ghost(row) if row.id else None,
        **db.columns(row, "key", "entry_id", "attempts", "in_doubt_for", "answered_for"),
    )


def _ghost(row: Any) -> Ghost:  # noqa: ANN401 - a named tuple
    return Ghost(
        viewer=Viewer(row.viewer_id, row.viewer_login, row.viewer_display_name),
        step=GhostStep(row.step),
        refusal=row.refusal and GhostRefusal(row.refusal),
        **db.columns(row, "id", "subject", "screening_id", "flow_id", "url", "reason", "jpeg"),
    )


def planned_document(planned: PlannedEffect) -> Document:
    """Say an effect that is planned as the columns of its row."""
    return db.columns(planned, "key", "entry_id", "status", "remark") | {
        "kind": effect_kind(planned.effect),
        "lane": effect_lane(planned.effect),
        "payload": effect_document(planned.effect),
        "depends_on": planned.after,
    }


def _ghost_parameters(ghost: Ghost, entry_id: str) -> dict[str, object]:
    is_over = ghost.step in {GhostStep.REFUSED, GhostStep.REFUNDED}
    reason = _clean(ghost.reason)
    viewer = db.columns(ghost.viewer, "login", "display_name", "name")
    return (
        asdict(ghost, recurse=False)
        | viewer
        | {
            "entry_id": entry_id,
            "summons": f"{entry_id}:summon-ghost",
            "viewer_id": ghost.viewer.id,
            "prompt": prompt(ghost.subject),
            "reason": reason,
            "error": reason if is_over else None,
            "is_decided": is_over or ghost.step is GhostStep.PAID,
            "is_settled": ghost.is_finished,
            "fact": dedup_key(GhostRequested(ghost.viewer, ghost.subject)),
            "jpeg": ghost.jpeg if ghost.step is GhostStep.PAINTED else None,
        }
    )


def _clean(words: str | None) -> str | None:
    """Leave out of somebody else's words what the database cannot keep."""
    return words and clean(words)[:2000]
