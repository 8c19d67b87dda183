"""Use case of the operator: decide that something parked is tried again, let go, or taken as done."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from attrs import frozen

from showtime_core.domain.events import EntryDismissed, EntryRetried, Event
from showtime_core.domain.journal import Entry, EntrySource, Malformed, Unknown
from showtime_core.domain.own_entries import decision_entry, read_own_entry
from showtime_core.domain.parked import Decision, settle_decision
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused, ShowtimeError
from showtime_core.ports import ParkedItems, UnitOfWork
from showtime_core.texts import clean
from showtime_core.use_cases.receive import plan_command

_OF_TWITCH = {EntrySource.NOTIFICATION, EntrySource.REVOCATION, EntrySource.OTHER}


@frozen
class DecideParked:
    """Use case: the operator decides what becomes of a parked entry or effect."""

    parked_items: ParkedItems
    units: UnitOfWork
    parse: Callable[[Entry], Entry]
    """Reads what a message of Twitch says from its body, as it is understood now."""

    async def decide(self, decision: Decision, name: str, command_id: UUID) -> None:
        """Decide about the entry or the effect of this name.

        What follows from a parked entry is recorded now, with an entry of this command: in the present state,
        but under the policy under which the parked entry came. Raises NotFound if nothing of this name is
        parked, and Refused, leaving no trace, for what may not be decided or fails once more.
        """
        name = clean(name)
        parked = await self.parked_items.parked_entry(name)
        if parked is None:
            await self.parked_items.settle(name, partial(settle_decision, decision=decision))
        else:
            await self._record(self._command_entry(decision, parked.entry, command_id), parked.policy)

    def _command_entry(self, decision: Decision, entry: Entry, command_id: UUID) -> Entry:
        match decision:
            case Decision.RETRY:
                return decision_entry(command_id, EntryRetried(entry.id, self._understood(entry)))
            case Decision.DISMISS:
                return decision_entry(command_id, EntryDismissed(entry.id))
            case _:
                raise Refused(f"a message has no {decision}: choose retry or dismiss")

    def _understood(self, entry: Entry) -> Event:
        """Read it as it is understood now; raises Refused if nothing can follow from it."""
        if entry.source in _OF_TWITCH:
            entry = self.parse(entry)
        elif entry.source in {EntrySource.RELAY, EntrySource.CHAT}:
            entry = read_own_entry(entry)
        match entry.content:
            case Malformed(reason):
                raise Refused(f"it still cannot be understood: {reason}")
            case Unknown():
                raise Refused("nothing follows from it, here and now: it can only be dismissed")
            case event:
                return event

    async def _record(self, command: Entry, policy: Policy) -> None:
        try:
            await self.units.record([command], policy, plan_command)
        except ShowtimeError:
            raise
        except Exception as reason:
            raise Refused(f"it cannot be written: {type(reason).__name__}") from reason
