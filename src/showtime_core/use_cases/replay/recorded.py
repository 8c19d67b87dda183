"""What a replay is compared with, and what it cannot do without: the port."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import Broadcast, BroadcastRows, ChannelState, Snapshot
from showtime_core.domain.journal import Entry, JournalRecord
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.payments import Payment

Shown = Mapping[str, object]
"""An alert or a state as the streams show it: an object of JSON."""


@frozen
class JournalPage:
    """Some entries of the journal, in the order of reactions, and what was shown of entries up to here."""

    records: tuple[JournalRecord, ...]
    """Their contents are not read; PRUNED where the body is gone."""
    shown: tuple[tuple[str, Shown], ...]
    """What was shown, in order, each with the id of its entry. What follows from an entry that was tried
    again may come before the command by which it was."""


class RecordedShow(Protocol):
    """All that is recorded, as of one moment; whatever is asked of it raises Unavailable."""

    async def began_at(self) -> datetime | None:
        """Tell when the earliest of the first thousand entries was sent, or reacted to; None: there are none.

        Messages come late, and not in order, but not by so many.
        """

    def pages(self) -> AsyncIterator[JournalPage]:
        """Read the journal from its beginning, page by page."""

    async def entry(self, entry_id: str) -> Entry | None:
        """Read one entry of the journal; its content is not read."""

    async def first_reports(self, keys: Collection[str]) -> Mapping[str, str]:
        """Tell which entry reported each fact first, of those facts that were ever reported."""

    async def effects(self, entry_ids: Collection[str]) -> Mapping[str, PlannedEffect]:
        """Read, by key, the effects that follow at once from these entries, as they were planned."""

    async def payments(self, entry_ids: Collection[str]) -> Sequence[Payment]:
        """Read the payments that these entries told of."""

    async def state_before(self, moment: datetime, *, only_ended: bool) -> ChannelState:
        """Give what the tables say of the nights before a moment: those that had begun, or that had ended."""

    async def broadcasts(self, after: int) -> Sequence[Broadcast]:
        """Read the next broadcasts whose number is greater than `after`, by number; empty where none is."""

    async def screenings(self, broadcast_ids: Collection[int]) -> BroadcastRows:
        """Read some broadcasts with their screenings."""

    async def state(self) -> ChannelState:
        """Read the channel's state."""

    def shown(self, content: Alert | AlertTest | Snapshot) -> Shown:
        """Say an alert or a state as the streams show it."""
