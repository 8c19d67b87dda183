"""Use case of the operator: what is parked is tried again, let go, or known to be done."""

import json
from collections.abc import Callable
from functools import partial
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.events import Dismissed, Event, Retried
from showtime_core.domain.journal import Entry, Malformed, Source, Unknown
from showtime_core.domain.parked import Decision, decide
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused, ShowtimeError
from showtime_core.ports import Parking, UnitOfWork
from showtime_core.texts import clean
from showtime_core.use_cases.perform import read_news
from showtime_core.use_cases.receive import follow_or_refuse

_OF_TWITCH = {Source.NOTIFICATION, Source.REVOCATION, Source.OTHER}


@frozen
class Desk:
    """Where the operator decides."""

    parking: Parking
    units: UnitOfWork
    read: Callable[[Entry], Entry]
    """Reads what a message of Twitch says from its body, as it is understood now."""

    async def take(self, decision: Decision, name: str, command_id: UUID) -> None:
        """Decide about the entry or the effect of this name.

        What follows from an entry follows now, from a command of its own: in the present state, but under the
        policy under which it came, whoever decides. Raises NotFound if nothing of this name is parked, and
        Refused, leaving no trace, for what may not be decided or fails once more.
        """
        name = clean(name)
        parked = await self.parking.entry(name)
        if parked is None:
            await self.parking.settle(name, partial(decide, decision=decision))
        else:
            await self._command(self._write(decision, parked.entry, command_id), parked.policy)

    def _write(self, decision: Decision, entry: Entry, command_id: UUID) -> Entry:
        content: Retried | Dismissed
        match decision:
            case Decision.RETRY:
                kind, content = "entry.retry", Retried(entry.id, self._understand(entry))
            case Decision.DISMISS:
                kind, content = "entry.dismiss", Dismissed(entry.id)
            case _:
                raise Refused(f"a message has no {decision}: choose retry or dismiss")
        body = json.dumps({"entryId": entry.id}).encode()
        return Entry(f"host:{command_id}", Source.HOST, kind, None, content, body)

    def _understand(self, entry: Entry) -> Event:
        match self._reread(entry).content:
            case Malformed(reason):
                raise Refused(f"it still cannot be understood: {reason}")
            case Unknown():
                raise Refused("nothing follows from it, here and now: it can only be dismissed")
            case event:
                return event

    def _reread(self, entry: Entry) -> Entry:
        if entry.source in _OF_TWITCH:
            return self.read(entry)
        return evolve(entry, content=read_news(entry)) if entry.source is Source.RELAY else entry

    async def _command(self, command: Entry, policy: Policy) -> None:
        try:
            await self.units.record([command], policy, follow_or_refuse)
        except ShowtimeError:
            raise
        except Exception as reason:
            raise Refused(f"it cannot be written: {type(reason).__name__}") from reason
