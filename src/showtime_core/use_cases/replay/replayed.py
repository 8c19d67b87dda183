"""The channel as the journal alone makes it: told one entry after the other, purely."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import evolve, field, mutable

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.timeline import COMPACTED_AFTER
from showtime_core.domain.events import (
    EntryRetried,
    GhostRequested,
    StreamFound,
    StreamMissed,
    StreamOffline,
    StreamOnline,
    TapeStarted,
    TapeStopped,
)
from showtime_core.domain.journal import (
    PRUNED,
    AdmittedBatch,
    Entry,
    JournalChanges,
    JournalRecord,
    Malformed,
    Outcome,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import Denial, ghost_requester
from showtime_core.domain.points_and_ghosts.payments import Payment
from showtime_core.use_cases.receive import plan_changes

DECIDED = frozenset({Outcome.RETRIED, Outcome.DISMISSED})
"""What becomes of an entry that was parked, once the operator has decided."""

_PAYMENTS_KEPT = timedelta(days=90)
"""How long payments are remembered. Two that are one lie 28 days apart at most; chains of such are short."""
_DENIED = "no ghost: "
"""What the remark of a cheer begins with whose ghost is not made; the reason follows."""
_UNWRITABLE = "it cannot be written"
_OF_STATE = StreamOnline | StreamOffline | StreamFound | StreamMissed | TapeStarted | TapeStopped


@mutable
class ReplayedChannel:
    """The channel's state, and whatever else a reaction depends on; its size is that of the recent nights."""

    state: ChannelState = ChannelState()
    lost_at: datetime | None = None
    """When the last entry came that could not be replayed, as long as the state may depend on it; None: the
    state is known."""
    compared_after: int = 0
    """Broadcasts up to this number are from before the journal, or began before it was known what was on."""
    _payments: dict[str, list[Payment]] = field(factory=dict)
    _parked: dict[str, datetime] = field(factory=dict)
    """What is parked, with when it was sent."""

    def plan(self, entry: Entry, record: JournalRecord, facts: Mapping[str, str]) -> JournalChanges:
        """Tell an entry that is understood, and what follows; nothing is changed yet.

        What was so in the database alone is taken from the record: that an entry could not be written, how
        many ghosts there were, and which ghost was in progress.
        """
        payment = entry.payment
        batch = AdmittedBatch(
            self.state,
            record.now,
            (entry,),
            _first_reports(entry, record, facts),
            frozenset(self._parked),
            recorded_denials(entry, record),
            tuple(self._payments.get(payment.viewer_id, ())) if payment else (),
        )
        return plan_changes(batch, record.policy)

    def apply(self, entry: Entry, record: JournalRecord, changes: JournalChanges) -> None:
        """Take over what follows from an entry."""
        self.remember(told.payment for told in changes.payments)
        moment = entry.sent_at or record.now
        if changes.verdicts[0].outcome is Outcome.PARKED:
            self._parked[entry.id] = moment
        for decided in changes.decided:
            self._parked.pop(decided.entry_id, None)
        self.state = changes.state
        self._find_certainty()

    def remember(self, payments: Iterable[Payment]) -> None:
        """Keep payments that were told, for those that tell of them again."""
        for payment in payments:
            self._payments.setdefault(payment.viewer_id, []).append(payment)

    def forget_payments(self, now: datetime) -> None:
        """Drop the payments that are too old for another message to tell of them, parked ones among them."""
        oldest = min([now, *self._parked.values()]) - _PAYMENTS_KEPT
        kept = {name: [one for one in told if one.at > oldest] for name, told in self._payments.items()}
        self._payments = {name: told for name, told in kept.items() if told}

    def is_parked(self, entry_id: str) -> bool:
        """Tell whether an entry waits for the operator."""
        return entry_id in self._parked

    def presume_parked(self, entry_id: str, moment: datetime) -> None:
        """Take it that an entry is parked which cannot be replayed."""
        self._parked.setdefault(entry_id, moment)

    def lose(self, at: datetime) -> None:
        """Know that an entry cannot be replayed: the state lacks what followed from it, from here on."""
        self.lost_at = at

    def begin_again(self, state: ChannelState) -> None:
        """Go on with what the tables say of the nights before, after entries that cannot be replayed."""
        self.state = state
        self.compared_after = max(self.compared_after, state.last_broadcast_id)

    def depends_on_lost(self, entry: Entry) -> bool:
        """Tell whether what becomes of an entry depends on a state that is not known."""
        content = entry.content.event if isinstance(entry.content, EntryRetried) else entry.content
        return self.lost_at is not None and isinstance(content, _OF_STATE)

    def _find_certainty(self) -> None:
        """See whether a night has begun of which everything is known: no late fact can join it to another."""
        nights = self.state.timeline.nights
        if not self.lost_at or not nights or nights[-1].id <= self.compared_after:
            return
        is_known = nights[-1].started_at > self.lost_at + COMPACTED_AFTER
        before = nights[:-1] if is_known else nights
        self.compared_after = max(self.compared_after, *(night.id for night in before), 0)
        self.lost_at = None if is_known else self.lost_at


def recorded_denials(entry: Entry, record: JournalRecord) -> Mapping[str, Denial]:
    """Tell why no ghost was made of an entry, by its id, as it is recorded; empty: that was not so."""
    if record.remark and record.remark.startswith(_DENIED) and ghost_requester(entry.content):
        return {entry.id: Denial(record.remark.removeprefix(_DENIED))}
    return {}


def as_it_came(entry: Entry, record: JournalRecord) -> Entry:
    """Give the entry as it was reacted to: whatever it says by now, it may have been parked then.

    Nothing can be told from the journal of one that could not be written.
    """
    if entry.content is PRUNED:
        return entry
    remark = record.remark or ""
    is_unwritable = record.outcome is Outcome.PARKED and remark.startswith(_UNWRITABLE)
    if record.outcome in DECIDED or is_unwritable:
        return evolve(entry, content=Malformed(remark))
    return entry


def _first_reports(entry: Entry, record: JournalRecord, facts: Mapping[str, str]) -> Mapping[str, str]:
    """Tell which entry reported the same fact before, if one did.

    The fact of a ghost is known for as long as the ghost is being made; what was so then, the record tells.
    """
    content = entry.content.event if isinstance(entry.content, EntryRetried) else entry.content
    if isinstance(content, GhostRequested):
        first = record.remark if record.outcome is Outcome.REPEATED else None
    else:
        first = facts.get(entry.dedup_key or "")
    return {entry.id: first} if first and first != entry.id else {}
