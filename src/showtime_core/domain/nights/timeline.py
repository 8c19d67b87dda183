"""The timeline of a night: what happened when, as far as the journal and the tables know."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen, mutable

from showtime_core.domain import events
from showtime_core.domain.broadcasts.broadcast import Screening
from showtime_core.domain.broadcasts.history import displayed_name
from showtime_core.domain.broadcasts.timeline import fact_of
from showtime_core.domain.journal import PRUNED, JournalRecord, Outcome
from showtime_core.domain.nights.recorded import RecordedGhost, RecordedNight
from showtime_core.domain.nights.recordings import DropOut, Recording, airtime
from showtime_core.domain.points_and_ghosts.payments import Payment, is_told_already
from showtime_core.domain.viewers import ANONYMOUS_NAME, Viewer
from showtime_core.texts import format_time

COUNTED = frozenset({Outcome.REACTED, Outcome.RETRIED})
"""What became of the entries that a timeline tells: what was told twice, or set aside, is not in it."""


class MomentKind(StrEnum):
    """What can happen on a night, beside tapes and drop-outs."""

    FOLLOW = "follow"
    BITS = "bits"
    """A cheer or a Power-up."""
    SUB = "sub"
    GIFT = "gift"
    GHOST = "ghost"
    RAID = "raid"
    HYPE_TRAIN = "hype-train"
    AD_BREAK = "ad-break"
    WATCH_STREAK = "watch-streak"


@frozen
class Moment:
    """Something that happened."""

    kind: MomentKind
    at: datetime
    """When Twitch sent it; of a ghost: when it was paid."""
    username: str = ""
    """Who did it, as people see the name; empty: nobody did."""
    number: int = 0
    """Bits, months, subscriptions given, people, level reached or streams, whichever it is; else 0."""
    words: str = ""
    """What the viewer typed; of a ghost: its subject."""
    until: datetime | None = None
    """When it was over, for what takes time and is over."""
    viewer_id: str = ""
    """Empty: nobody, or somebody anonymous."""


@frozen
class NightFigures:
    """A night in numbers; None: nothing is known of it."""

    seconds: int
    """From its beginning to its end, drop-outs included; of one on the air: until now."""
    tapes: int
    """How many screenings there were."""
    ghosts: int
    drop_outs: int | None = None
    follows: int | None = None
    bits: int | None = None
    subs: int | None = None
    """Months that viewers paid for themselves."""
    gift_subs: int | None = None
    """Subscriptions that were given."""
    raids: int | None = None
    raiders: int | None = None
    """How many people came with them."""
    viewers: int | None = None
    """How many different viewers took part, by any of these or a watch streak."""


@frozen
class Giver:
    """Who gave most of something on a night, and how much in all."""

    username: str
    number: int


@frozen
class NightTimeline:
    """All that is told of a night."""

    id: int
    started_at: datetime
    ended_at: datetime | None
    """None: it is on the air."""
    until: datetime
    """Its end, or now."""
    vod_url: str
    recordings: tuple[Recording, ...]
    """One for each stream of Twitch, in order; one at least."""
    drop_outs: tuple[DropOut, ...]
    screenings: tuple[Screening, ...]
    """By their start."""
    moments: tuple[Moment, ...]
    """By when they were."""
    figures: NightFigures
    unknown: tuple[str, ...] = ()
    """What is not known of it, in sentences; empty: all is."""

    @property
    def loudest(self) -> Giver | None:
        """Who cheered most; None: nobody with a name."""
        return self._top(MomentKind.BITS)

    @property
    def kindest(self) -> Giver | None:
        """Who gave most subscriptions; None: nobody with a name."""
        return self._top(MomentKind.GIFT)

    def _top(self, kind: MomentKind) -> Giver | None:
        sums, names = Counter[str](), dict[str, str]()
        for one in self.moments:
            if one.kind is kind and one.viewer_id:
                sums[one.viewer_id] += one.number
                names[one.viewer_id] = one.username
        return next((Giver(names[name], number) for name, number in sums.most_common(1)), None)


def night_timeline(night: RecordedNight) -> NightTimeline:
    """Work out the timeline of a night, of which the contents of the entries that count have been read."""
    counted = [record for record in night.entries if record.outcome in COUNTED]
    facts = [
        fact_of(event)
        for record in counted
        if isinstance(event := record.entry.content, _OF_STREAM)
        and not (isinstance(event, events.StreamOnline) and event.kind != "live")
    ]
    air = airtime(facts, night.started_at, night.ended_at)
    told = _Telling(night)
    for record in counted:
        told.take(record)
    is_journaled = bool(facts or told.moments)
    until = night.ended_at or max([night.now, night.started_at, *(one.at for one in told.moments.values())])
    for ghost in night.ghosts:
        told.take_ghost(ghost, until)
    moments = sorted(told.moments.values(), key=lambda moment: moment.at)
    return NightTimeline(
        night.id,
        night.started_at,
        night.ended_at,
        until,
        night.vod_url,
        air.recordings,
        air.drop_outs,
        night.screenings,
        tuple(moments),
        _figures(night, until, moments, air.drop_outs if is_journaled else None),
        tuple(_unknown(night, counted, is_begun=air.is_known)),
    )


_OF_STREAM = events.StreamOnline | events.StreamOffline | events.StreamFound | events.StreamMissed


@mutable
class _Telling:
    """Gathers moments, entry by entry."""

    night: RecordedNight
    moments: dict[str, Moment] = field(factory=dict)
    """By what it is that happened, so that what is told twice is there once."""
    _payments: dict[str, list[Payment]] = field(factory=lambda: defaultdict(list))
    """By the viewer."""

    def take(self, record: JournalRecord) -> None:
        """Add what an entry tells, if it was on this night and was not told before."""
        entry, at = record.entry, record.entry.sent_at or record.now
        if at < self.night.started_at or (self.night.ended_at and at > self.night.ended_at):
            return
        if isinstance(entry.content, events.HypeTrainUpdate):
            self._take_train(entry.content, at)
        elif not self._is_paid_already(entry.payment) and (moment := _moment(entry.content, at)):
            moment = evolve(moment, at=self._within(moment.at))
            self.moments.setdefault(entry.dedup_key or entry.id, moment)

    def _within(self, moment: datetime) -> datetime:
        """Give the moment, or the end of the night that is nearer to it."""
        return max(min(moment, self.night.ended_at or moment), self.night.started_at)

    def take_ghost(self, ghost: RecordedGhost, until: datetime) -> None:
        """Add a ghost that no entry told: of the predecessor's night, or paid after the end."""
        at = min(self._within(ghost.paid_at), until)
        name = displayed_name(ghost.username, ghost.viewer_id)
        shown = Moment(MomentKind.GHOST, at, name, words=ghost.subject, viewer_id=ghost.viewer_id)
        self.moments.setdefault(f"ghost:{ghost.id}", shown)

    def _is_paid_already(self, payment: Payment | None) -> bool:
        if payment is None:
            return False
        known = self._payments[payment.viewer_id]
        is_told = is_told_already(payment, known)
        known.append(payment)
        return is_told

    def _take_train(self, told: events.HypeTrainUpdate, at: datetime) -> None:
        """Join all that is told of one train: it began with the first, and reached the highest level."""
        name = f"hype-train:{told.id}"
        began_at = min(self._within(told.started_at or at), at)
        known = self.moments.get(name, Moment(MomentKind.HYPE_TRAIN, began_at))
        over = at if told.phase is events.HypeTrainPhase.END else known.until
        first, level = min(known.at, began_at), max(known.number, told.level)
        self.moments[name] = evolve(known, at=first, number=level, until=over)


def _moment(content: object, at: datetime) -> Moment | None:  # noqa: PLR0911 - one table
    match content:
        case events.Follow(viewer):
            return _by(viewer, MomentKind.FOLLOW, at)
        case events.Cheer(viewer, bits, message):  # and a Power-up
            return _by(viewer, MomentKind.BITS, at, bits, message)
        case events.SubscriptionStart(viewer, _, False):
            return _by(viewer, MomentKind.SUB, at, 1)
        case events.Resubscription(viewer, _, months, message):
            return _by(viewer, MomentKind.SUB, at, months, message)
        case events.GiftedSubscriptions(viewer, _, total):
            return _by(viewer, MomentKind.GIFT, at, total)
        case events.Raid(raider, viewers):
            return _by(raider, MomentKind.RAID, at, viewers)
        case events.GhostPaid(viewer, subject):
            return _by(viewer, MomentKind.GHOST, at, words=subject)
        case events.WatchStreak():
            return _by(content.writer, MomentKind.WATCH_STREAK, at, content.streak, content.text)
        case events.AdBreak(began_at, ends_at):
            return Moment(MomentKind.AD_BREAK, began_at, until=ends_at)
        case _:
            return None


def _by(viewer: Viewer | None, kind: MomentKind, at: datetime, number: int = 0, words: str = "") -> Moment:
    name = viewer.name if viewer else ANONYMOUS_NAME
    return Moment(kind, at, name, number, words, viewer_id=viewer.id if viewer else "")


def _figures(
    night: RecordedNight, until: datetime, moments: Sequence[Moment], drop_outs: Sequence[DropOut] | None
) -> NightFigures:
    numbers = {kind: [one.number for one in moments if one.kind is kind] for kind in MomentKind}
    known = NightFigures(
        int((until - night.started_at).total_seconds()), len(night.screenings), len(numbers[MomentKind.GHOST])
    )
    if drop_outs is None:
        return known
    return evolve(
        known,
        drop_outs=len(drop_outs),
        follows=len(numbers[MomentKind.FOLLOW]),
        bits=sum(numbers[MomentKind.BITS]),
        subs=len(numbers[MomentKind.SUB]),
        gift_subs=sum(numbers[MomentKind.GIFT]),
        raids=len(numbers[MomentKind.RAID]),
        raiders=sum(numbers[MomentKind.RAID]),
        viewers=len({one.viewer_id for one in moments} - {""}),
    )


def _unknown(night: RecordedNight, counted: Sequence[JournalRecord], *, is_begun: bool) -> Iterator[str]:
    """Say what is missing, and why."""
    pruned = sum(record.entry.content is PRUNED for record in counted)
    if night.journal_since is None or (night.ended_at and night.journal_since > night.ended_at):
        yield "The journal has nothing of this night: only its tapes and their ghosts are known."
    elif pruned:
        yield f"The bodies of {pruned} messages were pruned for their age: what they told is not in here."
    elif not is_begun and night.journal_since > night.started_at:
        since = format_time(night.journal_since)
        yield f"The journal begins at {since}: of the time before, only tapes and their ghosts are known."
    elif not is_begun:
        yield "The journal has no message of the beginning of its stream: times count from the night's start."
    parked = sum(record.outcome is Outcome.PARKED for record in night.entries)
    if parked:
        yield f"{parked} entries around this night are parked: what they tell is not in here."
