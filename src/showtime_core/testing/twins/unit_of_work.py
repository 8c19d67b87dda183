"""The unit of work in memory: for unit tests, as the model of the state machine, for who embeds the core."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from attrs import Factory, evolve, frozen, mutable

from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState, Screening
from showtime_core.domain.journal import (
    AdmittedBatch,
    Entry,
    FeedItem,
    JournalChanges,
    JournalRecord,
    KnownEntries,
    Outcome,
    Verdict,
    admit,
    ghost_requesters,
)
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLoad
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.domain.reactions import Policy, ViewerUpdate
from showtime_core.domain.show.commands import ShowChange
from showtime_core.ports import PlanChanges

NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class Memory:
    """All that is kept, as one value: a unit that fails leaves the one before."""

    state: ChannelState = ChannelState()
    journal: dict[str, Entry] = Factory(dict)
    first_reports: dict[str, str] = Factory(dict)
    """Dedup key → the id of the entry that reported it first."""
    recent: dict[str, tuple[str, datetime]] = Factory(dict)
    """Requests with a key of their own, or whose ghost was shown: the dedup key, and until when it counts."""
    verdicts: dict[str, Verdict] = Factory(dict)
    feed_items: tuple[FeedItem, ...] = ()
    effects: dict[str, PlannedEffect] = Factory(dict)
    viewers: dict[str, ViewerUpdate] = Factory(dict)
    broadcasts: dict[int, Broadcast] = Factory(dict)
    screenings: dict[str, Screening] = Factory(dict)
    records: tuple[JournalRecord, ...] = ()
    payments: tuple[Payment, ...] = ()

    def asker(self, key: str, now: datetime) -> str | None:
        """Find the latest request of a dedup key among those whose key is not recorded, if there is one."""
        asked = [(until, entry_id) for entry_id, (told, until) in self.recent.items() if told == key]
        latest = max(reversed(asked), key=lambda one: one[0], default=(now, ""))
        return latest[1] if latest[0] > now else None


def _read_clock() -> datetime:
    return datetime.now(UTC)


@mutable
class MemoryUnitOfWork:
    """The journal and state of a channel, in memory; nothing in it waits, so that nothing comes between."""

    memory: Memory = Memory()
    clock: Callable[[], datetime] = _read_clock
    count_ghosts: Callable[[Collection[str]], GhostLoad] | None = None
    """Counts the ghosts of some viewers; None: nobody performs anything, and all are under way."""
    change_show: Callable[[Sequence[ShowChange]], None] | None = None
    """Changes what is on the screen, or raises; None: there is no queue."""

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Record the entries that are new and all that follows from them."""
        kept, now = self.memory, self.clock()
        parked = frozenset(
            entry.decided_id
            for entry in entries
            if entry.decided_id in kept.verdicts and kept.verdicts[entry.decided_id].outcome is Outcome.PARKED
        )
        recent = {
            one.dedup_key: asker
            for one in entries
            if one.dedup_key and (asker := kept.asker(one.dedup_key, now))
        }
        load = (self.count_ghosts or self._count_planned)(ghost_requesters(entries, policy))
        known = KnownEntries(kept.journal, kept.first_reports, parked, recent, load, kept.payments)
        admitted = admit(entries, kept.state, now, known, policy)
        changes = plan(admitted, policy)
        if admitted.new_entries:
            if changes.show_changes and self.change_show:
                self.change_show(changes.show_changes)
            self.memory = _after(kept, admitted, changes, now, policy)
        return changes

    def _count_planned(self, viewers: Collection[str]) -> GhostLoad:
        planned = [one for one in self.memory.effects.values() if not one.is_skipped]
        summoned = [one.effect.viewer.id for one in planned if isinstance(one.effect, SummonGhost)]
        return GhostLoad(Counter(each for each in summoned if each in viewers), len(summoned))


def _after(
    kept: Memory, admitted: AdmittedBatch, changes: JournalChanges, now: datetime, policy: Policy
) -> Memory:
    fresh = admitted.new_entries
    news = [(one, one.dedup_key) for one in fresh if one.dedup_key and one.id not in admitted.first_reports]
    recorded = {one.recorded_key: one.id for one, _ in news if one.recorded_key}
    unrecorded = {one.id: (key, NEVER) for one, key in news if one.has_own_key}
    verdicts = kept.verdicts | {verdict.entry_id: verdict for verdict in changes.verdicts}
    for decided in changes.decided:
        verdicts[decided.entry_id] = evolve(verdicts[decided.entry_id], outcome=decided.outcome)
    broadcasts = kept.broadcasts | {broadcast.id: broadcast for broadcast in changes.broadcasts}
    for merged in changes.merged_broadcasts:
        del broadcasts[merged]
    return evolve(
        kept,
        state=changes.state,
        journal=kept.journal | {entry.id: entry for entry in fresh},
        first_reports=kept.first_reports | recorded,
        recent=kept.recent | unrecorded,
        verdicts=verdicts,
        feed_items=kept.feed_items + changes.feed_items,
        effects=kept.effects | {planned.key: planned for planned in changes.effects},
        viewers=_remember(kept.viewers, changes.viewer_updates),
        broadcasts=broadcasts,
        screenings=kept.screenings | {str(screening.id): screening for screening in changes.screenings},
        payments=(*kept.payments, *(told.payment for told in changes.payments)),
        records=(
            *(_decided(kept.records, verdicts) if changes.decided else kept.records),
            *(JournalRecord(entry, now, policy, verdicts[entry.id].outcome) for entry in fresh),
        ),
    )


def _decided(records: Sequence[JournalRecord], verdicts: dict[str, Verdict]) -> list[JournalRecord]:
    """Give the records with the outcomes that they have by now."""
    return [evolve(line, outcome=verdicts[line.entry.id].outcome) for line in records]


def _remember(viewers: dict[str, ViewerUpdate], updates: Sequence[ViewerUpdate]) -> dict[str, ViewerUpdate]:
    known = dict(viewers)
    for new in updates:
        old = known.get(new.viewer.id, new)
        known[new.viewer.id] = ViewerUpdate(
            new.viewer,
            followed_at=old.followed_at or new.followed_at,
            subscribed_at=old.subscribed_at or new.subscribed_at,
        )
    return known
