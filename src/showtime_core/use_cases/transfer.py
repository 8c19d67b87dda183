"""Use cases: write a night down as a file, and record it again in an empty channel."""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Protocol

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.events import EntryRetried, Event, GhostPaid, GhostRequested, StreamMissed
from showtime_core.domain.journal import (
    PRUNED,
    AdmittedBatch,
    JournalChanges,
    JournalRecord,
    Malformed,
    Outcome,
    Unknown,
)
from showtime_core.domain.nights.file import NightFile, NightHeader, decided_id, write_night
from showtime_core.domain.nights.recorded import RecordedNight
from showtime_core.domain.nights.without_names import WithoutNames
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.ports import Nights, PlanChanges
from showtime_core.texts import quote
from showtime_core.use_cases.read_content import Parse, read_content
from showtime_core.use_cases.receive import plan_changes
from showtime_core.use_cases.replay.replayed import DECIDED, recorded_denials

Content = Event | Unknown | Malformed
"""What an entry may say."""


async def export_night(
    nights: Nights, parse: Parse, broadcast_id: int | None, *, with_names: bool = True
) -> Iterator[str]:
    """Give the lines of the file of a night, or of the latest (None); raises NotFound, Unavailable."""
    if broadcast_id is None:
        [broadcast_id] = await nights.numbers(1) or [0]
    night = await nights.night(broadcast_id)
    header = NightHeader(night.id, night.started_at, night.ended_at, has_names=with_names)
    records = entries_of(night, parse)
    return write_night(header, records if with_names else map(WithoutNames().record, records))


def entries_of(night: RecordedNight, parse: Parse) -> Sequence[JournalRecord]:
    """Pick the entries that belong to a night, out of those around it.

    They are all that came from a quarter of an hour before it until a quarter after it, such as the title of
    the stream, and ghosts that were paid after its end; but no other night begins, ends or has tapes there.
    """
    return [record for record in night.entries if not _is_of_another(night, record, parse)]


def _is_of_another(night: RecordedNight, record: JournalRecord, parse: Parse) -> bool:
    entry, moment = record.entry, record.entry.sent_at or record.now
    if not entry.type.startswith(("stream.", "tape.")):
        return False
    content = read_content(entry, parse).content
    if isinstance(content, StreamMissed):
        moment = content.since
    return moment < night.started_at or (night.ended_at is not None and moment > night.ended_at)


class EmptyChannel(Protocol):
    """A channel in which nothing has happened but what an import has begun; each raises Unavailable."""

    def recorded(self) -> AsyncIterator[str]:
        """Give the ids of the entries that it has, in their order."""

    async def broadcasts(self) -> int:
        """Count its broadcasts."""

    async def record(self, record: JournalRecord, plan: PlanChanges, policy: Policy) -> None:
        """Record an entry whose content was read, at the time that it says, with all that follows.

        What follows is recorded as skipped, so that nothing of it is ever done.
        """

    async def keep_ghost(self, paid: JournalRecord) -> None:
        """Keep a ghost for which was paid, for the history; it does no harm to do so twice."""


@frozen
class ImportSummary:
    """What an import has done."""

    recorded: int
    """Entries that were recorded."""
    known: int
    """Entries that were there already, from an import before that was cut off."""


@frozen
class ImportNight:
    """Use case: record a night again, from its file; if it is cut off, the same file again goes on."""

    channel: EmptyChannel
    parse: Parse

    async def run(self, file: NightFile) -> ImportSummary:
        """Record what is not there yet; raises Refused where anything else is, or Unavailable."""
        known = await self._known(file)
        for record in file.records[known:]:
            readable = evolve(record, entry=evolve(record.entry, content=self._content(record, file)))
            if isinstance(readable.entry.content, GhostPaid):
                await self.channel.keep_ghost(readable)
            plan = partial(_plan, record=readable, number=file.header.number)
            await self.channel.record(readable, plan, evolve(record.policy, features=frozenset()))
        return ImportSummary(len(file.records) - known, known)

    async def _known(self, file: NightFile) -> int:
        """Count the entries that are there already; raises Refused if they are not the first of this file."""
        known = 0
        async for entry_id in self.channel.recorded():
            if known >= len(file.records) or file.records[known].entry.id != entry_id:
                raise Refused(
                    "a night can be imported into an empty channel alone: the journal of this one has "
                    f"{quote(entry_id)}, which is not entry {known + 1} of the file"
                )
            known += 1
        if not known and (others := await self.channel.broadcasts()):
            raise Refused(
                f"a night can be imported into an empty channel alone: this one has {others} broadcasts"
            )
        return known

    def _content(self, record: JournalRecord, file: NightFile) -> Content:
        """Give the content with which an entry is recorded: what was set aside is so again."""
        entry = record.entry
        if entry.content is PRUNED:
            return Unknown()
        if record.outcome is Outcome.PARKED or (record.outcome in DECIDED and entry.id in file.decided):
            return Malformed(record.remark or "it was parked")
        if entry.type != "entry.retry":
            return read_content(entry, self.parse).content
        about = next((one.entry for one in file.records if one.entry.id == decided_id(entry)), None)
        content = read_content(about, self.parse).content if about else Unknown()
        return (
            content if isinstance(content, Malformed | Unknown) else EntryRetried(decided_id(entry), content)
        )


def _plan(batch: AdmittedBatch, policy: Policy, *, record: JournalRecord, number: int) -> JournalChanges:
    """Plan what follows from an entry, as it did when it came; the queue of the show is not touched.

    What was so in the database alone is taken from the record: how many ghosts there were, and which was in
    the making.
    """
    entry = record.entry
    if batch.state == ChannelState():
        batch = evolve(batch, state=ChannelState(last_broadcast_id=number - 1))
    batch = evolve(batch, denied=recorded_denials(entry, record))
    if isinstance(entry.content, GhostRequested):
        first = record.remark if record.outcome is Outcome.REPEATED else None
        batch = evolve(batch, first_reports={entry.id: first} if first else {})
    return evolve(plan_changes(batch, policy), show_changes=())
