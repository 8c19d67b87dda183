"""The journal: every message, command and repair that showtime reacts to, and what became of each.

A night can be replayed from its journal alone: it holds what came, in which order, at what time by the
database's clock, and under which policy.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen

from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import Broadcast, ChannelState, Screening, Snapshot
from showtime_core.domain.events import EntryDismissed, EntryRetried, Event, GhostRequested, dedup_key
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.points_and_ghosts.ghost_limits import Denial, GhostLoad, deny, ghost_requester
from showtime_core.domain.points_and_ghosts.payments import Payment, payment_of
from showtime_core.domain.reactions import Policy, ViewerUpdate
from showtime_core.domain.show.commands import ShowChange


class EntrySource(StrEnum):
    """Where an entry comes from."""

    NOTIFICATION = "notification"
    """An EventSub message with an event."""
    REVOCATION = "revocation"
    """An EventSub message that ends a subscription."""
    OTHER = "other"
    """An EventSub message of a type that showtime does not know; Twitch may add more."""
    HOST = "host"
    """A command of the host."""
    VIEWER = "viewer"
    """A request of a viewer."""
    RELAY = "relay"
    """News of an effect that was performed: a ghost is paid."""
    CHAT = "chat"
    """Something that was shared in chat and is shown as an alert."""
    REPAIR = "repair"
    """What showtime found out by itself: that a message of Twitch was lost."""


@frozen
class Unknown:
    """A message that showtime has no reaction to: kept, and nothing else."""


@frozen
class Malformed:
    """A message that cannot be understood: parked with the reason."""

    reason: str


PRUNED = Malformed("the body was pruned")
"""What an entry says whose body was pruned: nobody can tell any more."""


@frozen
class Entry:
    """A message, command or repair, to be reacted to once."""

    id: str
    """Twitch's message id, or one of our own for a command: another entry of the same id is a duplicate."""
    source: EntrySource
    type: str
    """EventSub's subscription type, or the name of a command."""
    sent_at: datetime | None
    """Twitch's timestamp; None for a command, which has the time of the database."""
    content: Event | Unknown | Malformed
    body: bytes = field(repr=False)
    """As it came, to the byte."""
    version: str = ""
    """The version of EventSub's subscription type."""
    retry: int = 0
    """How often Twitch had sent it before."""

    @property
    def dedup_key(self) -> str | None:
        """The key that all reports of the same thing share; None if each report of this kind counts."""
        return None if isinstance(self.content, Malformed | Unknown) else dedup_key(self.content)

    @property
    def has_own_key(self) -> bool:
        """Whether the viewer gave this request a key: requests of different keys are different requests."""
        return isinstance(self.content, GhostRequested) and self.content.key is not None

    @property
    def recorded_key(self) -> str | None:
        """The dedup key that is recorded with it, so that later reports of it are repetitions.

        None for a request with a key of its own, since another request for the same ghost may follow it.
        """
        return None if self.has_own_key else self.dedup_key

    @property
    def payment(self) -> Payment | None:
        """The payment that it tells of, if it does: another message may tell of the same."""
        return payment_of(self.content, self.sent_at)

    @property
    def decided_id(self) -> str | None:
        """The id of the parked entry that this command decides on; None for any other entry."""
        return self.content.entry_id if isinstance(self.content, EntryRetried | EntryDismissed) else None


class Outcome(StrEnum):
    """What became of an entry."""

    REACTED = "reacted"
    KEPT = "kept"
    """Nothing follows: a type that is not known."""
    REPEATED = "repeated"
    """It was reported before under another id; the remark names the entry that reported it first."""
    PARKED = "parked"
    """The reaction failed; it waits for the operator to retry or to dismiss it."""
    RETRIED = "retried"
    """It was parked, and tried again: what follows from it was recorded with the operator's command."""
    DISMISSED = "dismissed"
    """It was parked, and the operator let it go."""


@frozen
class Verdict:
    """What became of one entry, and why."""

    entry_id: str
    outcome: Outcome
    remark: str | None = None


@frozen
class FeedItem:
    """An alert or a change of state, to be shown on the streams; or an alert for the queue alone."""

    entry_id: str
    content: Alert | AlertTest | Snapshot


@frozen
class PaymentTold:
    """A payment that earns points or has earned them, and the entry that tells of it."""

    entry_id: str
    payment: Payment


@frozen
class JournalChanges:
    """All that one transaction writes: what became of some entries, and everything that follows."""

    state: ChannelState
    verdicts: tuple[Verdict, ...] = ()
    """One for each entry that is new, in order."""
    viewer_updates: tuple[ViewerUpdate, ...] = ()
    feed_items: tuple[FeedItem, ...] = ()
    effects: tuple[PlannedEffect, ...] = ()
    broadcasts: tuple[Broadcast, ...] = ()
    """New or changed; those that ended before those that are live."""
    screenings: tuple[Screening, ...] = ()
    """New or changed."""
    merged_broadcasts: tuple[int, ...] = ()
    """Broadcasts that a late fact showed to be part of another; their screenings are in `screenings`."""
    decided: tuple[Verdict, ...] = ()
    """What became of entries that were parked; their remarks stay as they were."""
    payments: tuple[PaymentTold, ...] = ()
    """The payments that these entries tell: another message about one of them earns nothing."""
    show_changes: tuple[ShowChange, ...] = ()
    """Changes to the queue of the show, in order."""


@frozen
class AdmittedBatch:
    """What a plan begins with: the state, the time, and the entries that are new."""

    state: ChannelState
    now: datetime | None
    """The database's clock, read under the channel's lock; None: no entry here needs it.

    An entry that has a time of its own does not need it. All messages of Twitch have one, so what follows
    from them can be worked out before the database is asked.
    """
    new_entries: tuple[Entry, ...]
    """The entries that had not been there, in order."""
    first_reports: Mapping[str, str]
    """For each of them that repeats an earlier report: the id of the entry that reported it first."""
    parked: frozenset[str] = frozenset()
    """The parked entries that commands among the new entries decide on."""
    denied: Mapping[str, Denial] = {}
    """For each of them that asks for a ghost which is not to be made: why."""
    payments: tuple[Payment, ...] = ()
    """The payments that are already known of the viewers whose payments the new entries tell."""

    def time_of(self, entry: Entry) -> datetime:
        """Tell when an entry happened: by its own time or, if it has none, by the database's."""
        moment = entry.sent_at or self.now
        assert moment, "an entry without a time of its own is admitted with the database's"
        return moment

    def first_report(self, entry: Entry) -> str | None:
        """Give the id of the entry that reported the same before; None if this is the first report.

        An entry that is tried again is not its own repetition.
        """
        first = self.first_reports.get(entry.id)
        return None if first == entry.decided_id else first


@frozen
class KnownEntries:
    """What the journal already has of a batch: ids, dedup keys, and parked entries."""

    ids: Container[str]
    first_reports: Mapping[str, str]
    """Dedup key → the id of the entry that reported it first."""
    parked: frozenset[str] = frozenset()
    """The parked entries that commands of the batch decide on."""
    recent: Mapping[str, str] = {}
    """Dedup key → a request for the same ghost, for requests whose key is not recorded: those that had a key
    of their own and are still being made, and those whose ghost was shown within `ghosts.SAME_REQUEST_FOR`. A
    request with a key of its own never repeats one of these."""
    load: GhostLoad = GhostLoad()
    """How many ghosts there are: of the viewers who ask for one in this batch, and of all."""
    payments: tuple[Payment, ...] = ()
    """The payments that are known of the viewers whose payments the batch tells."""


_UNLIMITED = Policy()


def admit(
    entries: Sequence[Entry],
    state: ChannelState,
    now: datetime,
    known: KnownEntries,
    policy: Policy = _UNLIMITED,
) -> AdmittedBatch:
    """Pick the entries whose id is new, and look which were reported before, in this batch too."""
    new_entries: dict[str, Entry] = {}
    first_reports, repeats = dict(known.first_reports), dict[str, str]()
    for entry in entries:
        if entry.id in known.ids or entry.id in new_entries:
            continue
        new_entries[entry.id] = entry
        if key := entry.dedup_key:
            first = first_reports.get(key) or (None if entry.has_own_key else known.recent.get(key))
            if first:
                repeats[entry.id] = first
            if entry.recorded_key:
                first_reports.setdefault(key, entry.id)
    batch = AdmittedBatch(
        state, now, tuple(new_entries.values()), repeats, known.parked, payments=known.payments
    )
    return evolve(batch, denied=_denied(batch, known.load, policy))


def ghost_requesters(entries: Sequence[Entry], policy: Policy) -> Sequence[str]:
    """Name the viewers whose ghosts must be counted before these entries are admitted; mostly nobody."""
    if policy.ghost_limits.are_none or not frozenset(Feature) <= policy.features:
        return ()
    return sorted({viewer.id for entry in entries if (viewer := ghost_requester(entry.content))})


def _denied(batch: AdmittedBatch, load: GhostLoad, policy: Policy) -> dict[str, Denial]:
    """Tell which ghosts are not to be made, each counted with those before it."""
    denied: dict[str, Denial] = {}
    if not ghost_requesters(batch.new_entries, policy):
        return denied
    for entry in batch.new_entries:
        viewer = ghost_requester(entry.content)
        if not viewer or batch.first_report(entry):
            continue
        if denial := deny(viewer, load, policy.ghost_limits):
            denied[entry.id] = denial
        else:
            load = load.plus(viewer)
    return denied


@frozen
class ParkedEntry:
    """An entry that waits for the operator."""

    entry: Entry
    """Its `content` was not read from the body."""
    policy: Policy
    """The policy under which it came."""
    reason: str
    since: datetime


@frozen
class JournalRecord:
    """A recorded entry with all that a replay needs: its time, its policy, and what became of it."""

    entry: Entry
    now: datetime
    policy: Policy
    outcome: Outcome
    remark: str | None = None
    """Why; None also where it is not read."""
