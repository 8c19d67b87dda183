"""The unit of work in memory: for unit tests, as the model of the state machine, for who embeds the core."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from attrs import Factory, evolve, frozen, mutable

from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState, Screening
from showtime_core.domain.journal import (
    Admission,
    Entry,
    Known,
    Outcome,
    Page,
    Reacted,
    Shown,
    Verdict,
    admit,
    wishers,
)
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLoad
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.domain.reactions import Acquaintance, Policy
from showtime_core.ports import Follow

NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class Memory:
    """All that is kept, as one value: a unit that fails leaves the one before."""

    state: ChannelState = ChannelState()
    journal: dict[str, Entry] = Factory(dict)
    facts: dict[str, str] = Factory(dict)
    """Each with the id of the entry that told it first."""
    recent: dict[str, tuple[str, datetime]] = Factory(dict)
    """Requests that are named, or whose ghost was shown: the fact, and until when it can be repeated."""
    verdicts: dict[str, Verdict] = Factory(dict)
    shown: tuple[Shown, ...] = ()
    effects: dict[str, PlannedEffect] = Factory(dict)
    viewers: dict[str, Acquaintance] = Factory(dict)
    broadcasts: dict[int, Broadcast] = Factory(dict)
    screenings: dict[str, Screening] = Factory(dict)
    reacted: tuple[Reacted, ...] = ()
    payments: tuple[Payment, ...] = ()

    def asker(self, fact: str, now: datetime) -> str | None:
        """Name who asked for a ghost last, in progress or shown a moment ago, without a claim to the fact."""
        asked = [(until, entry_id) for entry_id, (told, until) in self.recent.items() if told == fact]
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

    async def record(self, entries: Sequence[Entry], policy: Policy, follow: Follow) -> Page:
        """Record the entries that are new and all that follows from them."""
        kept, now = self.memory, self.clock()
        parked = frozenset(
            entry.about
            for entry in entries
            if entry.about in kept.verdicts and kept.verdicts[entry.about].outcome is Outcome.PARKED
        )
        recent = {one.fact: asker for one in entries if one.fact and (asker := kept.asker(one.fact, now))}
        load = (self.count_ghosts or self._count_planned)(wishers(entries, policy))
        known = Known(kept.journal, kept.facts, parked, recent, load, kept.payments)
        admission = admit(entries, kept.state, now, known, policy)
        page = follow(admission, policy)
        if admission.fresh:
            self.memory = _written(kept, admission, page, now, policy)
        return page

    def _count_planned(self, viewers: Collection[str]) -> GhostLoad:
        planned = [one for one in self.memory.effects.values() if not one.skipped]
        summoned = [one.effect.viewer.id for one in planned if isinstance(one.effect, SummonGhost)]
        return GhostLoad(Counter(each for each in summoned if each in viewers), len(summoned))


def _written(kept: Memory, admission: Admission, page: Page, now: datetime, policy: Policy) -> Memory:
    fresh = admission.fresh
    news = [(one, one.fact) for one in fresh if one.fact and one.id not in admission.told]
    claims = {fact: one.id for one, fact in news if not one.is_named}
    named = {one.id: (fact, NEVER) for one, fact in news if one.is_named}
    verdicts = kept.verdicts | {verdict.entry_id: verdict for verdict in page.verdicts}
    for decided in page.decided:
        verdicts[decided.entry_id] = evolve(verdicts[decided.entry_id], outcome=decided.outcome)
    broadcasts = kept.broadcasts | {broadcast.id: broadcast for broadcast in page.broadcasts}
    for merged in page.merged_broadcasts:
        del broadcasts[merged]
    return evolve(
        kept,
        state=page.state,
        journal=kept.journal | {entry.id: entry for entry in fresh},
        facts=kept.facts | claims,
        recent=kept.recent | named,
        verdicts=verdicts,
        shown=kept.shown + page.shown,
        effects=kept.effects | {planned.key: planned for planned in page.effects},
        viewers=_remember(kept.viewers, page.acquaintances),
        broadcasts=broadcasts,
        screenings=kept.screenings | {str(screening.id): screening for screening in page.screenings},
        payments=(*kept.payments, *(told.payment for told in page.payments)),
        reacted=(
            *(evolve(line, outcome=verdicts[line.entry.id].outcome) for line in kept.reacted),
            *(Reacted(entry, now, policy, verdicts[entry.id].outcome) for entry in fresh),
        ),
    )


def _remember(viewers: dict[str, Acquaintance], met: Sequence[Acquaintance]) -> dict[str, Acquaintance]:
    known = dict(viewers)
    for new in met:
        old = known.get(new.viewer.id, new)
        known[new.viewer.id] = Acquaintance(
            new.viewer,
            followed_at=old.followed_at or new.followed_at,
            subscribed_at=old.subscribed_at or new.subscribed_at,
        )
    return known
