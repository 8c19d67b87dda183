"""What follows from entries, alerts and effects: gathered for one page of the journal, and then compared."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from attrs import evolve, field, mutable

from showtime_core.domain.events import EntryRetried
from showtime_core.domain.journal import Entry, JournalChanges, JournalRecord
from showtime_core.domain.outbox import PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.use_cases.replay.differences import Tell, compare
from showtime_core.use_cases.replay.recorded import RecordedShow, Shown
from showtime_core.use_cases.replay.replayed import DECIDED

_PRUNED_WITHIN = timedelta(days=1)
"""What streams have shown and what was done is pruned just after the bodies, once a day."""


@mutable
class ConsequenceComparison:
    """What follows from the entries of one page, as the replay has it."""

    _at: dict[str, datetime] = field(factory=dict)
    """The entries that are compared with this page, with when it followed from them."""
    _shown: dict[str, list[Shown]] = field(factory=lambda: defaultdict(list))
    _effects: dict[str, PlannedEffect] = field(factory=dict)
    _blind: set[str] = field(factory=set)
    """Entries that were replayed in a state that is not known."""

    def add(
        self,
        entry: Entry,
        record: JournalRecord,
        changes: JournalChanges,
        recorded: RecordedShow,
        *,
        is_blind: bool,
    ) -> None:
        """Add an entry; what follows from one that is tried again is compared with the command."""
        is_retry = isinstance(entry.content, EntryRetried) and changes.decided
        causes = [entry.id] if record.outcome not in DECIDED else []
        causes += [decided.entry_id for decided in changes.decided if is_retry]
        self._at |= dict.fromkeys(causes, record.now)
        self._blind |= set(causes) if is_blind else set()
        for item in changes.feed_items:
            self._shown[item.entry_id].append(recorded.shown(item.content))
        self._effects |= {planned.key: planned for planned in changes.effects}

    async def compare(
        self, shown: dict[str, list[Shown]], recorded: RecordedShow, pruned_until: datetime | None, tell: Tell
    ) -> None:
        """Compare, and take out of `shown` what was compared. Nothing is told of what was pruned."""
        may_be_pruned = pruned_until + _PRUNED_WITHIN if pruned_until else None
        recorded_effects = _by_cause(await recorded.effects(self._at))
        replayed_effects = _by_cause(self._effects)
        for cause, moment in self._at.items():
            lost = may_be_pruned is not None and moment <= may_be_pruned
            was, now = shown.pop(cause, []), self._shown.get(cause, [])
            if cause in self._blind:
                was, now = _alerts(was), _alerts(now)
            if not (lost and len(was) < len(now)):
                for left, right in zip_longest(was, now):
                    compare(tell, kind_of(left or right), cause, left, right)
            planned = {key: self._comparable(one) for key, one in replayed_effects[cause].items()}
            kept = {key: self._comparable(one) for key, one in recorded_effects[cause].items()}
            for key in {**kept, **planned}:
                if key in kept or not lost:
                    compare(tell, "effect", key, kept.get(key), planned.get(key))

    def _comparable(self, planned: PlannedEffect) -> PlannedEffect:
        """Give what the outbox tells of an effect for ever: why it is skipped, and not what became of it."""
        planned = evolve(planned, denied=planned.remark if planned.is_skipped else None)
        if planned.entry_id in self._blind and isinstance(planned.effect, SummonGhost):
            return evolve(planned, effect=evolve(planned.effect, screening_id=None))
        return planned


def kind_of(shown: Shown) -> str:
    """Tell which stream shows it: `state` or `alert`."""
    return "state" if "isLive" in shown else "alert"


def _by_cause(effects: Mapping[str, PlannedEffect]) -> Mapping[str, dict[str, PlannedEffect]]:
    causes = defaultdict[str, dict[str, PlannedEffect]](dict)
    for key, planned in effects.items():
        causes[planned.entry_id][key] = planned
    return causes


def _alerts(shown: Sequence[Shown]) -> list[Shown]:
    return [each for each in shown if kind_of(each) == "alert"]
