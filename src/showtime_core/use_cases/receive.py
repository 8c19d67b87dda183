"""Use case: record each message and react to it in one transaction, or park it with the reason.

Which messages are new is decided before, by `journal.admit`; what follows from one, in `reactions`.
"""

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from attrs import evolve, field, mutable

from showtime_core.domain.broadcasts.broadcast import (
    Broadcast,
    BroadcastRows,
    ChannelState,
    Screening,
    broadcast_rows,
    clear_revocation,
    snapshot_of,
)
from showtime_core.domain.events import EntryRetried, Event
from showtime_core.domain.journal import (
    AdmittedBatch,
    Entry,
    EntrySource,
    FeedItem,
    JournalChanges,
    Malformed,
    Outcome,
    PaymentTold,
    Unknown,
    Verdict,
)
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import Effect, SummonGhost, effect_key, required_features
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.points_and_ghosts.payments import is_told_already
from showtime_core.domain.reactions import Policy, Reaction, ViewerUpdate, react
from showtime_core.domain.show.commands import ShowChange
from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import UnitOfWork

_log = logging.getLogger(__name__)


async def receive(entries: Sequence[Entry], units: UnitOfWork, policy: Policy) -> None:
    """Record entries and react to those that are new, in order, all in one transaction.

    If one entry makes the transaction fail, it alone is parked, and the others are recorded. Returns once
    everything is durable. Raises Unavailable if the database is away, and any other error that kept an entry
    from being recorded at all: send the entries again.
    """
    try:
        await units.record(entries, policy, plan_changes)
    except Unavailable:
        raise
    except Exception:
        _log.exception(
            "a batch of %d could not be written, and is redone one by one",
            len(entries),
            extra={"message_id": " ".join(entry.id for entry in entries)},
        )
        failures = [await _receive_alone(entry, units, policy) for entry in entries]
        for failure in filter(None, failures):
            raise failure from None


async def _receive_alone(entry: Entry, units: UnitOfWork, policy: Policy) -> Exception | None:
    """Receive one entry, or park it; returns what kept it even from being parked."""
    failure: Exception | None = None
    for _ in ("as it is", "parked"):
        try:
            await units.record([entry], policy, plan_changes)
        except Unavailable:
            raise
        except Exception as reason:
            _log.exception("an entry cannot be written", extra={"message_id": entry.id})
            entry = evolve(entry, content=Malformed(f"it cannot be written: {type(reason).__name__}"))
            failure = reason
        else:
            return None
    return failure


def plan_changes(batch: AdmittedBatch, policy: Policy, *, is_command: bool = False) -> JournalChanges:
    """Plan all that follows from new entries: purely, so that the journal replays to the same changes.

    A command is never parked: instead it raises Refused, and leaves no trace.
    """
    draft = _Draft(batch.state)
    for entry in batch.new_entries:
        draft.add(entry, batch, policy)
    if is_command and draft.refusals:
        raise draft.refusals[0]
    return draft.changes(batch.state)


plan_command = partial(plan_changes, is_command=True)
"""Plans what follows from a command."""


@mutable
class _Draft:
    """Changes in the making."""

    state: ChannelState
    verdicts: list[Verdict] = field(factory=list)
    viewer_updates: list[ViewerUpdate] = field(factory=list)
    feed_items: list[FeedItem] = field(factory=list)
    effects: list[PlannedEffect] = field(factory=list)
    broadcasts: dict[int, Broadcast] = field(factory=dict)
    screenings: dict[UUID, Screening] = field(factory=dict)
    merged: list[int] = field(factory=list)

    decided: list[Verdict] = field(factory=list)
    refusals: list[Refused] = field(factory=list)
    """Why entries are parked."""
    payments: list[PaymentTold] = field(factory=list)
    show_changes: list[ShowChange] = field(factory=list)

    def add(self, entry: Entry, batch: AdmittedBatch, policy: Policy) -> None:
        if self.state.revocations and entry.source is EntrySource.NOTIFICATION and entry.sent_at:
            self.state = clear_revocation(self.state, entry.type, entry.sent_at)
        match entry.content:
            case Malformed(reason):
                self._park(entry, Refused(reason))
            case Unknown():
                self.verdicts.append(Verdict(entry.id, Outcome.KEPT))
            case event:
                try:
                    self._react(entry, event, batch, policy)
                except Refused as reason:
                    self._park(entry, reason)
                except Exception as reason:
                    _log.exception(
                        "the reaction failed, and the entry is parked", extra={"message_id": entry.id}
                    )
                    self._park(entry, Refused(f"the reaction failed: {type(reason).__name__}: {reason}"))

    def _park(self, entry: Entry, refusal: Refused) -> None:
        self.verdicts.append(Verdict(entry.id, Outcome.PARKED, str(refusal)))
        self.refusals.append(refusal)

    def _react(self, entry: Entry, event: Event, batch: AdmittedBatch, policy: Policy) -> None:
        if entry.decided_id and entry.decided_id not in batch.parked:
            raise Refused(f"{entry.decided_id} is not parked, or not any more")
        if (first_report := batch.first_report(entry)) is not None:
            self.verdicts.append(Verdict(entry.id, Outcome.REPEATED, first_report))
        else:
            denial = batch.denied.get(entry.id)
            reaction = react(event, self.state, batch.time_of(entry), policy, denial)
            reaction = self._earn_once(entry, reaction, batch)
            # What follows from a retried entry is recorded under that entry's id, so that it never follows
            # twice.
            self._include(entry.decided_id or entry.id, reaction, policy)
            self.verdicts.append(Verdict(entry.id, Outcome.REACTED, reaction.remark))
        if entry.decided_id:
            outcome = Outcome.RETRIED if isinstance(event, EntryRetried) else Outcome.DISMISSED
            self.decided.append(Verdict(entry.decided_id, outcome))

    def _earn_once(self, entry: Entry, reaction: Reaction, batch: AdmittedBatch) -> Reaction:
        """Leave out the points of a payment that another message has told; its alert is shown."""
        payment = entry.payment
        if not (payment and reaction.credit):
            return reaction
        known = [*batch.payments, *(told.payment for told in self.payments)]
        self.payments.append(PaymentTold(entry.decided_id or entry.id, payment))
        if not is_told_already(payment, known):
            return reaction
        remark = "another message told of this payment, within 28 days: it earns its points once"
        return evolve(reaction, credit=None, remark=remark)

    def _include(self, entry_id: str, reaction: Reaction, policy: Policy) -> None:
        if reaction.state is not self.state:
            self._advance_state(entry_id, reaction.state)
        self.viewer_updates += reaction.viewer_updates
        self.feed_items += [FeedItem(entry_id, alert) for alert in reaction.alerts]
        self.effects += _planned_effects(entry_id, reaction, policy)
        if reaction.show_change:
            self.show_changes.append(reaction.show_change)

    def _advance_state(self, entry_id: str, state: ChannelState) -> None:
        """Take over the state, with what the tables must say of it.

        This is done after each entry, not once for a batch: a state forgets nights whose facts are compacted,
        and one long batch may see a night begin and end.
        """
        was_on, now_on = snapshot_of(self.state), snapshot_of(state)
        was, now = broadcast_rows(self.state), broadcast_rows(state)
        merged = _merged_ids(was, now)
        if now_on != was_on:
            self.feed_items.append(FeedItem(entry_id, now_on))
        self.broadcasts |= {row.id: row for row in now.broadcasts if row not in was.broadcasts}
        self.screenings |= {row.id: row for row in now.screenings if row not in was.screenings}
        for number in merged:
            self.broadcasts.pop(number, None)
        self.merged += merged
        self.state = state

    def changes(self, before: ChannelState) -> JournalChanges:
        """Finish: broadcasts that ended go first, since one at most may be open."""
        return JournalChanges(
            self.state,
            tuple(self.verdicts),
            tuple(self.viewer_updates),
            tuple(self.feed_items),
            tuple(self.effects),
            tuple(sorted(self.broadcasts.values(), key=lambda row: (row.ended_at is None, row.id))),
            tuple(sorted(self.screenings.values(), key=lambda row: (row.ended_at is None, row.started_at))),
            # A number that was given and taken back within this batch was never written.
            tuple(number for number in self.merged if number <= before.last_broadcast_id),
            tuple(self.decided),
            tuple(self.payments),
            tuple(self.show_changes),
        )


def _planned_effects(entry_id: str, reaction: Reaction, policy: Policy) -> list[PlannedEffect]:
    """Plan what is to be done outside; a ghost waits for the points that its own cheer brings."""

    def plan(effect: Effect, after: str | None = None, remark: str | None = None) -> PlannedEffect:
        skipped = remark is not None or not required_features(effect) <= policy.features
        return PlannedEffect(effect_key(entry_id, effect), entry_id, effect, skipped, after, remark)

    paying = [plan(reaction.credit)] if reaction.credit else []
    if not reaction.ghost_request:
        return paying
    request = reaction.ghost_request
    summons = SummonGhost(ghost_id_of(entry_id), request.viewer, request.subject, request.screening_id)
    why_not = reaction.denial.reason if reaction.denial else None
    return [*paying, plan(summons, paying[0].key if paying else None, why_not)]


def _merged_ids(was: BroadcastRows, now: BroadcastRows) -> list[int]:
    """Tell which broadcasts are part of others now; those before the first one left are merely compacted."""
    before, left = [row.id for row in was.broadcasts], [row.id for row in now.broadcasts]
    if left and left[0] in before:
        before = before[before.index(left[0]) :]
    return [number for number in before if number not in left]
