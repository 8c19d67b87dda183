"""Use case: messages in. Each is recorded and reacted to in one transaction, or parked with its reason."""

import logging
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, field, mutable

from showtime_core.broadcast import ChannelState, hear_from, recorded, snapshot
from showtime_core.effects import feature, kind
from showtime_core.errors import Refused, Unavailable
from showtime_core.journal import (
    Admission,
    Entry,
    Malformed,
    Outcome,
    Page,
    PlannedEffect,
    Shown,
    Source,
    Unknown,
    Verdict,
)
from showtime_core.ports import UnitOfWork
from showtime_core.reactions import Acquaintance, Policy, Reaction, react

_log = logging.getLogger(__name__)


async def receive(entries: Sequence[Entry], units: UnitOfWork, policy: Policy) -> None:
    """Record entries and react to those that are new, in order, all in one transaction.

    An entry that spoils the transaction is parked alone; the others are not hurt by it. Returns once
    everything is durable. Raises Unavailable if the database is away: send the entries again.
    """
    try:
        await _receive_together(entries, units, policy)
    except Unavailable:
        raise
    except Exception:
        _log.exception("a batch of %d could not be written, and is redone one by one", len(entries))
        for entry in entries:
            await _receive_alone(entry, units, policy)


async def _receive_together(entries: Sequence[Entry], units: UnitOfWork, policy: Policy) -> None:
    async with units.begin(entries, policy) as unit:
        if unit.admission.fresh:
            await unit.write(follow(unit.admission, policy))


async def _receive_alone(entry: Entry, units: UnitOfWork, policy: Policy) -> None:
    try:
        await _receive_together([entry], units, policy)
    except Unavailable:
        raise
    except Exception as reason:
        _log.exception("entry %s cannot be written, and is parked", entry.id)
        unwritable = evolve(entry, content=Malformed(f"it cannot be written: {type(reason).__name__}"))
        await _receive_together([unwritable], units, policy)


def follow(admission: Admission, policy: Policy) -> Page:
    """Work out all that follows from new entries: purely, so that the journal replays to the same page."""
    draft = _Draft(admission.state)
    for entry in admission.fresh:
        draft.add(entry, admission.now, policy, is_repeat=entry.id in admission.repeated)
    return draft.page(admission.state)


@mutable
class _Draft:
    """A page in the making."""

    state: ChannelState
    verdicts: list[Verdict] = field(factory=list)
    acquaintances: list[Acquaintance] = field(factory=list)
    shown: list[Shown] = field(factory=list)
    effects: list[PlannedEffect] = field(factory=list)

    def add(self, entry: Entry, now: datetime, policy: Policy, *, is_repeat: bool) -> None:
        match entry.content:
            case Malformed(reason):
                self.verdicts.append(Verdict(entry.id, Outcome.PARKED, reason))
            case Unknown():
                self.verdicts.append(Verdict(entry.id, Outcome.KEPT))
            case _ if is_repeat:
                self.verdicts.append(Verdict(entry.id, Outcome.REPEATED))
            case event:
                state = self.state
                if entry.source is Source.NOTIFICATION and entry.sent_at and state.revocations:
                    state = hear_from(state, entry.type, entry.sent_at)
                try:
                    self._include(entry.id, react(event, state, now, policy), policy)
                except Refused as reason:
                    self.verdicts.append(Verdict(entry.id, Outcome.PARKED, str(reason)))
                except Exception as reason:
                    _log.exception("the reaction to %s failed, and it is parked", entry.id)
                    why = f"the reaction failed: {type(reason).__name__}: {reason}"
                    self.verdicts.append(Verdict(entry.id, Outcome.PARKED, why))

    def _include(self, entry_id: str, reaction: Reaction, policy: Policy) -> None:
        self.verdicts.append(Verdict(entry_id, Outcome.REACTED, reaction.remark))
        self.acquaintances += reaction.acquaintances
        self.shown += [Shown(entry_id, alert) for alert in reaction.alerts]
        for effect in reaction.effects:
            skipped = feature(effect) not in policy.features
            self.effects.append(PlannedEffect(f"{entry_id}:{kind(effect)}", entry_id, effect, skipped))
        if reaction.state is not self.state:
            now_on, was_on = snapshot(reaction.state), snapshot(self.state)
            if now_on != was_on:
                self.shown.append(Shown(entry_id, now_on))
            self.state = reaction.state

    def page(self, before: ChannelState) -> Page:
        """Finish: add what the tables of broadcasts and screenings must say now."""
        page = Page(
            self.state,
            tuple(self.verdicts),
            tuple(self.acquaintances),
            tuple(self.shown),
            tuple(self.effects),
        )
        return page if self.state is before else _with_tables(page, before)


def _with_tables(page: Page, before: ChannelState) -> Page:
    was, now = recorded(before), recorded(page.state)
    since = now.broadcasts[0].started_at if now.broadcasts else None
    numbers = {broadcast.id for broadcast in now.broadcasts}
    changed = set(now.broadcasts) - set(was.broadcasts)
    return evolve(
        page,
        broadcasts=tuple(sorted(changed, key=lambda broadcast: (broadcast.ended_at is None, broadcast.id))),
        screenings=tuple(
            sorted(
                set(now.screenings) - set(was.screenings),
                key=lambda screening: (screening.ended_at is None, screening.started_at),
            )
        ),
        merged_broadcasts=tuple(
            broadcast.id
            for broadcast in was.broadcasts
            if since and broadcast.started_at >= since and broadcast.id not in numbers
        ),
    )
