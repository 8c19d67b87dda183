"""Use case: messages in. Each is recorded and reacted to in one transaction, or parked with its reason."""

import logging
from collections.abc import Sequence
from uuid import UUID

from attrs import evolve, field, mutable

from showtime_core.domain.broadcasts.broadcast import (
    Broadcast,
    ChannelState,
    Recorded,
    Screening,
    hear_from,
    recorded,
    snapshot,
)
from showtime_core.domain.events import Event, Retried
from showtime_core.domain.journal import (
    Admission,
    Entry,
    Malformed,
    Outcome,
    Page,
    PaymentTold,
    Shown,
    Source,
    Unknown,
    Verdict,
)
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import Effect, SummonGhost, key, needs
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id
from showtime_core.domain.points_and_ghosts.payments import is_told_already
from showtime_core.domain.reactions import Acquaintance, Policy, Reaction, react
from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import UnitOfWork

_log = logging.getLogger(__name__)


async def receive(entries: Sequence[Entry], units: UnitOfWork, policy: Policy) -> None:
    """Record entries and react to those that are new, in order, all in one transaction.

    An entry that spoils the transaction is parked alone; the others are not hurt by it. Returns once
    everything is durable. Raises Unavailable if the database is away, and whatever else kept an entry from
    being recorded at all: send the entries again.
    """
    try:
        _tell(await units.record(entries, policy, follow))
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
            _tell(await units.record([entry], policy, follow))
        except Unavailable:
            raise
        except Exception as reason:
            _log.exception("an entry cannot be written", extra={"message_id": entry.id})
            entry = evolve(entry, content=Malformed(f"it cannot be written: {type(reason).__name__}"))
            failure = reason
        else:
            return None
    return failure


def _tell(page: Page) -> None:
    """Tell the operator what there is to say of entries that were reacted to."""
    for verdict in page.verdicts:
        if verdict.outcome is Outcome.REACTED and verdict.remark:
            _log.warning("%s", verdict.remark, extra={"message_id": verdict.entry_id})


def follow(admission: Admission, policy: Policy) -> Page:
    """Work out all that follows from new entries: purely, so that the journal replays to the same page."""
    return _drafted(admission, policy).page(admission.state)


def follow_or_refuse(admission: Admission, policy: Policy) -> Page:
    """Work out what follows from a command; one that would be parked is refused, and leaves no trace."""
    draft = _drafted(admission, policy)
    for refusal in draft.refusals:
        raise refusal
    return draft.page(admission.state)


def _drafted(admission: Admission, policy: Policy) -> "_Draft":
    draft = _Draft(admission.state)
    for entry in admission.fresh:
        draft.add(entry, admission, policy)
    return draft


@mutable
class _Draft:
    """A page in the making."""

    state: ChannelState
    verdicts: list[Verdict] = field(factory=list)
    acquaintances: list[Acquaintance] = field(factory=list)
    shown: list[Shown] = field(factory=list)
    effects: list[PlannedEffect] = field(factory=list)
    broadcasts: dict[int, Broadcast] = field(factory=dict)
    screenings: dict[UUID, Screening] = field(factory=dict)
    merged: list[int] = field(factory=list)

    decided: list[Verdict] = field(factory=list)
    refusals: list[Refused] = field(factory=list)
    """Why entries are parked."""
    payments: list[PaymentTold] = field(factory=list)

    def add(self, entry: Entry, admission: Admission, policy: Policy) -> None:
        if self.state.revocations and entry.source is Source.NOTIFICATION and entry.sent_at:
            self.state = hear_from(self.state, entry.type, entry.sent_at)
        match entry.content:
            case Malformed(reason):
                self._park(entry, Refused(reason))
            case Unknown():
                self.verdicts.append(Verdict(entry.id, Outcome.KEPT))
            case event:
                try:
                    self._react(entry, event, admission, policy)
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

    def _react(self, entry: Entry, event: Event, admission: Admission, policy: Policy) -> None:
        if entry.about and entry.about not in admission.parked:
            raise Refused(f"{entry.about} is not parked, or not any more")
        if (told_by := admission.repeats(entry)) is not None:
            self.verdicts.append(Verdict(entry.id, Outcome.REPEATED, told_by))
        else:
            denial = admission.denied.get(entry.id)
            reaction = react(event, self.state, admission.time_of(entry), policy, denial)
            reaction = self._earn_once(entry, reaction, admission)
            # What follows from an entry that is tried again is its own, so that it never follows twice.
            self._include(entry.about or entry.id, reaction, policy)
            self.verdicts.append(Verdict(entry.id, Outcome.REACTED, reaction.remark))
        if entry.about:
            outcome = Outcome.RETRIED if isinstance(event, Retried) else Outcome.DISMISSED
            self.decided.append(Verdict(entry.about, outcome))

    def _earn_once(self, entry: Entry, reaction: Reaction, admission: Admission) -> Reaction:
        """Leave out the points of a payment that another message has told; its alert is shown."""
        payment = entry.payment
        if not (payment and reaction.credit):
            return reaction
        known = [*admission.payments, *(told.payment for told in self.payments)]
        self.payments.append(PaymentTold(entry.about or entry.id, payment))
        if not is_told_already(payment, known):
            return reaction
        remark = "another message told of this payment, within 28 days: it earns its points once"
        return evolve(reaction, credit=None, remark=remark)

    def _include(self, entry_id: str, reaction: Reaction, policy: Policy) -> None:
        if reaction.state is not self.state:
            self._move_on(entry_id, reaction.state)
        self.acquaintances += reaction.acquaintances
        self.shown += [Shown(entry_id, alert) for alert in reaction.alerts]
        self.effects += _plan(entry_id, reaction, policy)

    def _move_on(self, entry_id: str, state: ChannelState) -> None:
        """Take over the state, with what the tables must say of it.

        Entry by entry, since a state forgets the nights that are settled: one long batch may see them begin
        and end.
        """
        was_on, now_on = snapshot(self.state), snapshot(state)
        was, now = recorded(self.state), recorded(state)
        merged = _merged(was, now)
        if now_on != was_on:
            self.shown.append(Shown(entry_id, now_on))
        self.broadcasts |= {row.id: row for row in now.broadcasts if row not in was.broadcasts}
        self.screenings |= {row.id: row for row in now.screenings if row not in was.screenings}
        for number in merged:
            self.broadcasts.pop(number, None)
        self.merged += merged
        self.state = state

    def page(self, before: ChannelState) -> Page:
        """Finish: those that ended go first, since one at most may be open."""
        return Page(
            self.state,
            tuple(self.verdicts),
            tuple(self.acquaintances),
            tuple(self.shown),
            tuple(self.effects),
            tuple(sorted(self.broadcasts.values(), key=lambda row: (row.ended_at is None, row.id))),
            tuple(sorted(self.screenings.values(), key=lambda row: (row.ended_at is None, row.started_at))),
            # A number that was given and taken back within this page was never written.
            tuple(number for number in self.merged if number <= before.last_broadcast_id),
            tuple(self.decided),
            tuple(self.payments),
        )


def _plan(entry_id: str, reaction: Reaction, policy: Policy) -> list[PlannedEffect]:
    """Plan what is to be done outside; a ghost waits for the points that its own cheer brings."""

    def plan(effect: Effect, after: str | None = None, remark: str | None = None) -> PlannedEffect:
        skipped = remark is not None or not needs(effect) <= policy.features
        return PlannedEffect(key(entry_id, effect), entry_id, effect, skipped, after, remark)

    paying = [plan(reaction.credit)] if reaction.credit else []
    if not reaction.wish:
        return paying
    wish = reaction.wish
    summons = SummonGhost(ghost_id(entry_id), wish.viewer, wish.subject, wish.screening_id)
    why_not = reaction.denial.reason if reaction.denial else None
    return [*paying, plan(summons, paying[0].key if paying else None, why_not)]


def _merged(was: Recorded, now: Recorded) -> list[int]:
    """Tell which broadcasts are part of others now; those before the first one left are only settled."""
    before, left = [row.id for row in was.broadcasts], [row.id for row in now.broadcasts]
    if left and left[0] in before:
        before = before[before.index(left[0]) :]
    return [number for number in before if number not in left]
