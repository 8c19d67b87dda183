"""What is true of a channel after every step, whatever came, in whatever order, on however many instances.

Worked out anew from the entries alone where that is possible, without asking the core.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import (
    Broadcast,
    ChannelState,
    Snapshot,
    broadcast_rows,
    snapshot_of,
)
from showtime_core.domain.journal import AdmittedBatch, Entry, FeedItem, Malformed, Outcome
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import (
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import Denial, ghost_requester
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.testing.records import StoredRecords
from showtime_core.testing.reference import earned, told_twice
from showtime_core.use_cases.receive import plan_changes

Journal = Mapping[str, Entry]
"""Every entry that was sent, by id."""


def check(stored: StoredRecords, sent: Journal) -> None:
    """Check all that one look can tell; what needs two looks is in the state machine."""
    check_one_night_at_a_time(stored)
    check_screenings_lie_within_broadcasts(stored)
    check_the_state_stream_shows_exactly_the_changes(stored)
    check_none_vanishes(stored)
    check_points_are_the_sum_of_events(stored, sent)
    check_anonymous_events_touch_nobody(stored, sent)


def check_one_night_at_a_time(stored: StoredRecords) -> None:
    """At most one broadcast is live, none overlaps another, and the state says the same as the tables."""
    rows = sorted(stored.broadcasts.values(), key=_by_start)
    assert all(row.started_at <= row.ended_at for row in rows if row.ended_at)
    for row, following in pairwise(rows):
        assert row.ended_at, f"{row} is live, and yet {following} began"
        assert row.ended_at <= following.started_at
    recent = broadcast_rows(stored.state)
    assert {row.id: row for row in recent.broadcasts}.items() <= stored.broadcasts.items()
    assert {one.id: one for one in recent.screenings}.items() <= stored.screenings.items()
    assert stored.state.last_broadcast_id >= max([0, *stored.broadcasts])


def _by_start(row: Broadcast) -> tuple[datetime, bool, datetime]:
    return row.started_at, row.ended_at is None, row.ended_at or row.started_at


def check_screenings_lie_within_broadcasts(stored: StoredRecords) -> None:
    """At most one screening is open, and only in a live broadcast."""
    assert sum(one.ended_at is None for one in stored.screenings.values()) <= 1
    for one in stored.screenings.values():
        within = stored.broadcasts[one.broadcast_id]
        assert within.started_at <= one.started_at <= (one.ended_at or one.started_at)
        assert within.ended_at is None or (one.ended_at and one.ended_at <= within.ended_at)


def check_the_state_stream_shows_exactly_the_changes(stored: StoredRecords) -> None:
    """None is left out, and none is shown that changes nothing."""
    told = [
        Snapshot(is_live=False),
        *(one.content for one in stored.feed_items if isinstance(one.content, Snapshot)),
    ]
    assert all(one != following for one, following in pairwise(told))
    assert told[-1] == snapshot_of(stored.state)


def check_none_vanishes(stored: StoredRecords) -> None:
    """Each entry is in the journal once, later ones have no earlier time, and who is parked knows why."""
    assert max(Counter(line.entry_id for line in stored.journal).values(), default=1) == 1
    assert all(line.now <= following.now for line, following in pairwise(stored.journal))
    assert all(line.remark for line in stored.journal if line.outcome is Outcome.PARKED)
    names = {line.entry_id for line in stored.journal}
    assert {one.entry_id for one in stored.feed_items} <= names
    assert {planned.entry_id for planned in stored.effects.values()} <= names


def check_points_are_the_sum_of_events(stored: StoredRecords, sent: Journal) -> None:
    """Every viewer is credited what the distinct events come to; a ghost has its cheer, or was asked for.

    A month that is told by two messages counts once.
    """
    told = dict(_credited_name(sent[line.entry_id]) for line in stored.journal)
    credited, due = Counter[str](), Counter[str]()
    for planned in stored.effects.values():
        match planned.effect:
            case CreditCheer(viewer, points):
                credited[viewer.id] += points
            case CreditSubscription(viewer, base, times):
                credited[viewer.id] += base * times
            case CreditGiftSubs(viewer, base, times, count):
                credited[viewer.id] += base * times * count
            case SummonGhost():
                is_asked = isinstance(told[planned.entry_id], ev.GhostRequested)
                assert is_asked or f"{planned.entry_id}:credit-cheer" in stored.effects
    for line in stored.journal:
        if line.outcome is Outcome.REACTED:
            _, content = _credited_name(sent[line.entry_id])
            viewer_id, points = earned(content)
            due[viewer_id] += points
    due.subtract(_told_twice(stored, sent))
    assert +credited == +due


def _told_twice(stored: StoredRecords, sent: Journal) -> Counter[str]:
    """Tell what each viewer would have earned once more for months that two messages told of."""
    reacted = (sent[line.entry_id] for line in stored.journal if line.outcome is Outcome.REACTED)
    return told_twice((_credited_name(entry)[1], entry.sent_at) for entry in reacted)


def _credited_name(entry: Entry) -> tuple[str, object]:
    """Tell in whose name something follows from an entry, and what: who is tried again keeps the name."""
    match entry.content:
        case ev.EntryRetried(name, event):
            return name, event
        case content:
            return entry.id, content


def check_anonymous_events_touch_nobody(stored: StoredRecords, sent: Journal) -> None:
    """Only who follows or subscribes is remembered, and nothing is done for nobody."""
    met = set[str]()
    for line in stored.journal:
        if line.outcome is not Outcome.REACTED:
            continue
        cause, content = _credited_name(sent[line.entry_id])
        if isinstance(content, ev.Follow | ev.SubscriptionStart | ev.Resubscription):
            met.add(content.viewer.id)
        if getattr(content, "viewer", "somebody") is None:
            assert not [one for one in stored.effects.values() if one.entry_id == cause]
    assert set(stored.viewers) == met


def check_the_journal_replays(stored: StoredRecords, sent: Journal) -> None:
    """The entries, told to the pure core again with their times and policies, have the same consequences."""
    state, broadcasts = ChannelState(), dict[int, Broadcast]()
    shown: list[FeedItem] = []
    effects: list[PlannedEffect] = []
    parked, decisions = set[str](), dict[str, Outcome]()
    payments = list[Payment]()
    for line in stored.journal:
        told = {line.entry_id: line.remark or ""} if line.outcome is Outcome.REPEATED else {}
        entry, outcome = sent[line.entry_id], line.outcome
        if outcome in {Outcome.RETRIED, Outcome.DISMISSED}:  # whatever it says by now, it was parked then
            entry, outcome = evolve(entry, content=Malformed(line.remark or "")), Outcome.PARKED
        denied = {entry.id: _denial(line.remark)} if line.remark and ghost_requester(entry.content) else {}
        admitted = AdmittedBatch(state, line.now, (entry,), told, frozenset(parked), denied, tuple(payments))
        changes = plan_changes(admitted, line.policy)
        payments += [each.payment for each in changes.payments]
        assert [(one.outcome, one.remark) for one in changes.verdicts] == [(outcome, line.remark)]
        parked |= {line.entry_id} if outcome is Outcome.PARKED else set()
        parked -= {decided.entry_id for decided in changes.decided}
        decisions |= {decided.entry_id: decided.outcome for decided in changes.decided}
        state = changes.state
        shown += changes.feed_items
        effects += changes.effects
        broadcasts |= {row.id: row for row in changes.broadcasts}
        for merged in changes.merged_broadcasts:
            del broadcasts[merged]
    assert decisions == {
        line.entry_id: line.outcome
        for line in stored.journal
        if line.outcome in {Outcome.RETRIED, Outcome.DISMISSED}
    }
    assert (state, tuple(shown), broadcasts) == (stored.state, stored.feed_items, stored.broadcasts)
    assert {planned.key: planned for planned in effects} == stored.effects
    assert len(effects) == len(stored.effects)


def _denial(remark: str) -> Denial:
    """Read from the journal why a ghost was not made: what was counted then is not kept."""
    return Denial(remark.removeprefix("no ghost: "))
