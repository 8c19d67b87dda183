"""Feeds the recorded journal through the core, and compares page by page with what was recorded."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, field, fields, frozen, mutable

from showtime_core.domain.broadcasts.broadcast import ChannelState, snapshot_of
from showtime_core.domain.events import EntryRetried
from showtime_core.domain.journal import (
    PRUNED,
    Entry,
    JournalChanges,
    JournalRecord,
    Malformed,
    Outcome,
    Unknown,
    Verdict,
)
from showtime_core.use_cases.read_content import Parse, read_content, unreadable
from showtime_core.use_cases.replay.consequences import ConsequenceComparison, kind_of
from showtime_core.use_cases.replay.differences import Tell, compare
from showtime_core.use_cases.replay.nights import NightComparison
from showtime_core.use_cases.replay.recorded import JournalPage, RecordedShow, Shown
from showtime_core.use_cases.replay.replayed import DECIDED, ReplayedChannel, as_it_came

_TOLD_AT_ONCE = ("title", "category", "hype_train", "ad_break")


@frozen
class ReplaySummary:
    """How much was replayed, and how much cannot be."""

    replayed: int = 0
    """Entries of the journal."""
    pruned: int = 0
    """Entries that cannot be replayed, because their bodies were pruned."""
    pruned_until: datetime | None = None
    """When the last of those came; None: there is none."""
    broadcasts: int = 0
    """Nights that were compared."""
    is_state_known: bool = True
    """Whether a whole night was replayed since: before that, the state of the channel cannot be compared."""


@mutable
class Replay:
    """Use case: replay all of the journal; whoever runs it takes differences as they are found."""

    recorded: RecordedShow
    parse: Parse
    tell: Tell
    _channel: ReplayedChannel = field(factory=ReplayedChannel)
    _summary: ReplaySummary = ReplaySummary()
    _nights: NightComparison = field(init=False)
    _shown: dict[str, list[Shown]] = field(factory=lambda: defaultdict(list))
    """What was recorded as shown, and is not compared yet."""
    _undecided: dict[str, Outcome | None] = field(factory=dict)
    """What is recorded of entries that were parked, until the command comes by which it was decided; None: it
    was pruned, and whatever is decided is right."""
    _must_begin_again: bool = False

    def __attrs_post_init__(self) -> None:
        """Begin with no night."""
        self._nights = NightComparison(self.recorded, self.tell)

    async def run(self) -> ReplaySummary:
        """Replay, and tell how much; raises Unavailable.

        Needs no more memory for a longer journal: what was compared is forgotten.
        """
        began_at = await self.recorded.began_at()
        if began_at is None:
            return self._summary
        # The nights that had ended before anything here was sent are the predecessor's.
        self._channel.begin_again(await self.recorded.state_before(began_at, only_ended=True))
        async for page in self.recorded.pages():
            await self._replay_page(page)
        await self._finish()
        return evolve(
            self._summary, broadcasts=self._nights.compared, is_state_known=self._channel.lost_at is None
        )

    async def _replay_page(self, page: JournalPage) -> None:
        for entry_id, shown in page.shown:
            self._shown[entry_id].append(shown)
        came = [(as_it_came(await self._understand(record.entry), record), record) for record in page.records]
        pruned = [record.entry.id for entry, record in came if entry.content is PRUNED]
        if pruned:
            self._channel.remember(await self.recorded.payments(pruned))
        facts = await self.recorded.first_reports({key for entry, _ in came if (key := entry.dedup_key)})
        following = ConsequenceComparison()
        for entry, record in came:
            if entry.content is PRUNED:
                self._pass_over(record)
            else:
                await self._replay(entry, record, facts, following)
        await following.compare(self._shown, self.recorded, self._summary.pruned_until, self.tell)
        await self._nights.compare_forgotten(self._channel)
        self._channel.forget_payments(page.records[-1].now)

    async def _understand(self, entry: Entry) -> Entry:
        """Read what an entry says; PRUNED where nobody can tell any more, or what it is about."""
        if entry.content is PRUNED or entry.type != "entry.retry":
            return read_content(entry, self.parse)
        return await self._understand_retry(entry)

    async def _understand_retry(self, command: Entry) -> Entry:
        try:
            name = json.loads(command.body)["entryId"]
        except Exception as reason:  # whatever a body may be that was changed by hand
            return evolve(command, content=unreadable(reason))
        entry = await self.recorded.entry(name)
        if entry is None:
            return evolve(command, content=Malformed(f"{name} is not in the journal"))
        match (await self._understand(entry)).content:
            case Malformed() as content:  # PRUNED among them
                return evolve(command, content=content)
            case Unknown():
                return evolve(command, content=Malformed(f"nothing follows from {name}"))
            case event:
                return evolve(command, content=EntryRetried(name, event))

    def _pass_over(self, record: JournalRecord) -> None:
        """Leave out an entry that cannot be replayed, with all that followed from it."""
        self._shown.pop(record.entry.id, None)
        self._channel.lose(record.now)
        self._must_begin_again = True
        self._summary = evolve(self._summary, pruned=self._summary.pruned + 1, pruned_until=record.now)

    async def _replay(
        self, entry: Entry, record: JournalRecord, facts: Mapping[str, str], following: ConsequenceComparison
    ) -> None:
        if self._must_begin_again:
            assert self._channel.lost_at, "something was left out"
            known = await self.recorded.state_before(self._channel.lost_at, only_ended=False)
            self._channel.begin_again(known)
            self._must_begin_again = False
        await self._presume_parked(entry, record)
        changes = self._channel.plan(entry, record, facts)
        is_blind = self._channel.depends_on_lost(entry)
        if not is_blind:
            changes = self._compare_outcome(entry, record, changes, facts)
        self._channel.apply(entry, record, changes)
        self._note_decisions(entry, record, changes)
        self._nights.note(changes)
        is_blind = self._channel.lost_at is not None
        following.add(entry, record, changes, self.recorded, is_blind=is_blind)
        self._summary = evolve(self._summary, replayed=self._summary.replayed + 1)

    async def _presume_parked(self, entry: Entry, record: JournalRecord) -> None:
        """Take what was pruned, and is decided about here, for parked."""
        if not entry.decided_id or self._channel.is_parked(entry.decided_id):
            return
        about = await self.recorded.entry(entry.decided_id)
        if about and about.content is PRUNED:
            self._channel.presume_parked(entry.decided_id, record.now)
            self._undecided[entry.decided_id] = None

    def _compare_outcome(
        self, entry: Entry, record: JournalRecord, changes: JournalChanges, facts: Mapping[str, str]
    ) -> JournalChanges:
        """Compare what becomes of an entry; goes on with one that is parked as if it were so here."""
        [verdict] = changes.verdicts
        outcome = Outcome.PARKED if record.outcome in DECIDED else record.outcome
        compare(self.tell, "outcome", entry.id, Verdict(entry.id, outcome, record.remark), verdict)
        if outcome is Outcome.PARKED is not verdict.outcome:
            parked = evolve(entry, content=Malformed(record.remark or ""))
            return self._channel.plan(parked, record, facts)
        return changes

    def _note_decisions(self, entry: Entry, record: JournalRecord, changes: JournalChanges) -> None:
        """Compare what the operator decided with what is recorded of the entries that it was about."""
        if record.outcome in DECIDED:
            self._undecided[entry.id] = record.outcome
        for decided in changes.decided:
            recorded = self._undecided.pop(decided.entry_id, Outcome.PARKED)
            if recorded:
                compare(self.tell, "outcome", decided.entry_id, recorded, decided.outcome)

    async def _finish(self) -> None:
        """Compare what only the end of the journal tells."""
        for entry_id, outcome in self._undecided.items():
            compare(self.tell, "outcome", entry_id, outcome, Outcome.PARKED)
        for entry_id, shown in self._shown.items():
            entry = await self.recorded.entry(entry_id)
            if not (entry and entry.content is PRUNED):
                for each in shown:
                    compare(self.tell, kind_of(each), entry_id, each, None)
        await self._nights.finish(self._channel)
        self._compare_state(await self.recorded.state())

    def _compare_state(self, recorded: ChannelState) -> None:
        """Compare the state at the end: after what was pruned, as far as what came later tells it."""
        replayed, since = self._channel.state, self._summary.pruned_until
        if since is None:
            names = [field.name for field in fields(ChannelState)]
        else:
            names = [name for name in _TOLD_AT_ONCE if getattr(replayed, name)]
            if self._channel.lost_at is None:
                compare(self.tell, "channel", "snapshot", snapshot_of(recorded), snapshot_of(replayed))
        for name in names:
            compare(self.tell, "channel", name, getattr(recorded, name), getattr(replayed, name))
