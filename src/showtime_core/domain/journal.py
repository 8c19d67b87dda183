"""The journal: every message, command and repair that showtime reacts to, and what became of each.

A night can be replayed from its journal alone: it holds what came, in which order, at what time by the
database's clock, and under which policy.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen

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
    """News of what was performed outside."""
    CHAT = "chat"
    """What somebody has shared in chat, and is shown as an alert."""
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
    """Twitch's message id, or one of our own for a command: the same again is a duplicate."""
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
        """The key of the fact that it reports, if Twitch may repeat it under another id; else None."""
        return None if isinstance(self.content, Malformed | Unknown) else dedup_key(self.content)

    @property
    def is_named(self) -> bool:
        """Whether whoever sent it has named it: then it is not the same as one of another name."""
        return isinstance(self.content, GhostRequested) and self.content.key is not None

    @property
    def claim(self) -> str | None:
        """The fact that is known from now on as told by this; what is named stands beside others."""
        return None if self.is_named else self.dedup_key

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
    """A fact was reported again under another id; the remark names the one that reported it first."""
    PARKED = "parked"
    """The reaction failed; it waits for the operator to retry or to dismiss it."""
    RETRIED = "retried"
    """It was parked; what follows from it followed later, from the operator's command."""
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
    """An alert or a change of state, to be shown on the streams."""

    entry_id: str
    content: Alert | Snapshot


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
    """What has become of entries that were parked; their remarks stay."""
    payments: tuple[PaymentTold, ...] = ()
    """To be known to whoever tells of them again."""
    show_changes: tuple[ShowChange, ...] = ()
    """What changes of what is on the screen, in order."""


@frozen
class AdmittedBatch:
    """What a plan begins with: the state, the time, and the entries that are new."""

    state: ChannelState
    now: datetime | None
    """The database's clock, read under the channel's lock; None: nobody needs it.

    Whoever has a time of its own does not; so what follows from Twitch's messages can be worked out before
    the database is asked at all.
    """
    new_entries: tuple[Entry, ...]
    """The entries that had not been there, in order."""
    first_reports: Mapping[str, str]
    """For those among them whose fact is known: the entry that told it first."""
    parked: frozenset[str] = frozenset()
    """Which of the entries that commands among them are about are parked."""
    denied: Mapping[str, Denial] = {}
    """For those among them that ask for a ghost which is not to be made: why."""
    payments: tuple[Payment, ...] = ()
    """All that were told before of viewers whose payments the new entries tell."""

    def time_of(self, entry: Entry) -> datetime:
        """Tell when an entry happened: by its own time or, if it has none, by the database's."""
        moment = entry.sent_at or self.now
        assert moment, "whoever has no time of its own is admitted with the database's"
        return moment

    def first_report(self, entry: Entry) -> str | None:
        """Give the id of the entry that reported the same fact before; None if this is the first.

        An entry that is tried again is not its own repetition.
        """
        first = self.first_reports.get(entry.id)
        return None if first == entry.decided_id else first


@frozen
class KnownEntries:
    """What the journal already has of a batch: ids, facts that were reported, and parked entries."""

    ids: Container[str]
    first_reports: Mapping[str, str]
    """Each with the entry that told it first."""
    parked: frozenset[str] = frozenset()
    """Entries that commands among them are about, and that are parked."""
    recent: Mapping[str, str] = {}
    """Requests for ghosts by their fact, which is not claimed: in progress under a name, or shown within
    `ghosts.SAME_REQUEST_FOR`. One that is named is none of them again."""
    load: GhostLoad = GhostLoad()
    """How many ghosts there are, of those who ask for one here."""
    payments: tuple[Payment, ...] = ()
    """All that were told of viewers whose payments they tell."""


_UNLIMITED = Policy()


def admit(
    entries: Sequence[Entry],
    state: ChannelState,
    now: datetime,
    known: KnownEntries,
    policy: Policy = _UNLIMITED,
) -> AdmittedBatch:
    """Pick the entries whose id is new, and find the first report of each known fact, in this batch too."""
    new_entries: dict[str, Entry] = {}
    first_reports, repeats = dict(known.first_reports), dict[str, str]()
    for entry in entries:
        if entry.id in known.ids or entry.id in new_entries:
            continue
        new_entries[entry.id] = entry
        if key := entry.dedup_key:
            first = first_reports.get(key) or (None if entry.is_named else known.recent.get(key))
            if first:
                repeats[entry.id] = first
            if entry.claim:
                first_reports.setdefault(key, entry.id)
    admission = AdmittedBatch(
        state, now, tuple(new_entries.values()), repeats, known.parked, payments=known.payments
    )
    return evolve(admission, denied=_denied(admission, known.load, policy))


def ghost_requesters(entries: Sequence[Entry], policy: Policy) -> Sequence[str]:
    """Name the viewers whose ghosts must be counted before these entries are admitted; mostly nobody."""
    if policy.ghost_limits.are_none or not frozenset(Feature) <= policy.features:
        return ()
    return sorted({viewer.id for entry in entries if (viewer := ghost_requester(entry.content))})


def _denied(admission: AdmittedBatch, load: GhostLoad, policy: Policy) -> dict[str, Denial]:
    """Tell which ghosts are not to be made, each counted with those before it."""
    denied: dict[str, Denial] = {}
    if not ghost_requesters(admission.new_entries, policy):
        return denied
    for entry in admission.new_entries:
        viewer = ghost_requester(entry.content)
        if not viewer or admission.first_report(entry):
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
    """Its content is not read."""
    policy: Policy
    """Under which it came."""
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
