"""The feed of the night in memory: what a unit of work in memory has recorded, as the host reads it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from attrs import Factory, define

from showtime_core.domain import alerts
from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.broadcasts.broadcast import Broadcast, Snapshot
from showtime_core.domain.journal import Outcome, Verdict
from showtime_core.domain.lights import EffectTry
from showtime_core.domain.night_feed.descriptions import GIFT_TYPES
from showtime_core.domain.night_feed.rows import NightAlert, NightEffect, NightEntry, NightQuery
from showtime_core.domain.night_feed.totals import POINTS, SLOT, NightTally
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import credited_points
from showtime_core.errors import NotFound
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

_LISTED = {Outcome.REACTED, Outcome.PARKED, Outcome.RETRIED, Outcome.DISMISSED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TALLIED: dict[type[alerts.Alert], tuple[str, str | None]] = {
    alerts.FollowAlert: ("follow", None),
    alerts.RaidAlert: ("raid", "num_viewers"),
    alerts.CheerAlert: ("cheer", "num_bits"),
    alerts.SubscribeAlert: ("subscribe", None),
    alerts.GiftSubAlert: ("gift-sub", "num_subscriptions"),
    alerts.GhostAlert: ("generated-images", None),
    alerts.HypeTrainAlert: ("hype-train", None),
    alerts.WatchStreakAlert: ("watch-streak", None),
}
"""What clients call each kind of alert, and what of it is added up."""


@define
class MemoryNightFeedStore:
    """What the host reads; see `showtime_core.ports.NightFeedStore`. Effects stand as they were planned."""

    units: MemoryUnitOfWork
    show: MemoryShow
    statuses: dict[str, EffectStatus] = Factory(dict)
    """What became of effects, by their keys."""
    handled: dict[int, datetime] = Factory(dict)
    marks: int = 0
    tried: list[EffectTry] = Factory(list)
    """Effects that were tried."""

    async def latest_broadcasts(self) -> tuple[datetime, Sequence[Broadcast]]:
        """Give the time, and the two latest broadcasts."""
        nights = sorted(self.units.memory.broadcasts.values(), key=lambda night: (night.started_at, night.id))
        return self.units.clock(), nights[:-3:-1]

    async def entries(self, asked: NightQuery) -> Sequence[NightEntry]:
        """Read entries, the newest first."""
        wanted = [
            each
            for each in self._all()
            if (asked.before is None or each.position < asked.before)
            and (asked.after is None or each.position > asked.after)
            and (asked.since is None or each.at >= asked.since)
            and (each.entry.type in asked.types or (asked.has_trouble and _is_trouble(each)))
        ]
        return wanted[: -asked.limit - 1 : -1]

    async def gifts(self, first: int, last: int) -> Sequence[NightEntry]:
        """Read gifts of subscriptions and their recipients."""
        return [
            each for each in self._all() if first <= each.position <= last and each.entry.type in GIFT_TYPES
        ]

    async def tally(self, since: datetime | None) -> Sequence[NightTally]:
        """Count alerts and credited points."""
        counted: dict[tuple[datetime, str], list[int]] = defaultdict(list)
        begin = since or _EPOCH
        for at, what, amount in self._countable():
            if at >= begin:
                counted[begin + (at - begin) // SLOT * SLOT, what].append(amount)
        return [NightTally(*slot, len(found), sum(found)) for slot, found in sorted(counted.items())]

    async def effect_tries(self) -> Sequence[EffectTry]:
        """Tell of effects that were tried."""
        return self.tried

    async def mark(self, position: int, *, is_handled: bool) -> None:
        """Mark an entry."""
        if not 1 <= position <= len(self.units.memory.records):
            raise NotFound("no such row")
        self.marks += 1
        if is_handled:
            self.handled.setdefault(position, self.units.clock())
        else:
            self.handled.pop(position, None)

    async def revision(self) -> str:
        """Give a word that is another whenever something has changed."""
        memory = self.units.memory
        parked = sum(each.outcome is Outcome.PARKED for each in memory.verdicts.values())
        return f"{len(memory.records)}-{self.marks}-{parked}"

    def _countable(self) -> Iterator[tuple[datetime, str, int]]:
        times = {record.entry.id: record.now for record in self.units.memory.records}
        for item in self.units.memory.feed_items:
            if not isinstance(item.content, Snapshot | AlertTest):
                what, amount = _TALLIED[type(item.content)]
                yield times[item.entry_id], what, getattr(item.content, amount) if amount else 0
        for key, planned in self.units.memory.effects.items():
            points = credited_points(planned.effect)
            if points is not None and self.statuses.get(key) is EffectStatus.DONE:
                yield times[planned.entry_id], POINTS, points

    def _all(self) -> list[NightEntry]:
        listed = []
        for position, record in enumerate(self.units.memory.records, 1):
            verdict = self.units.memory.verdicts[record.entry.id]
            if verdict.outcome in _LISTED:
                listed.append(self._entry(position, record.now, verdict))
        return listed

    def _entry(self, position: int, at: datetime, verdict: Verdict) -> NightEntry:
        memory, name = self.units.memory, verdict.entry_id
        return NightEntry(
            position,
            memory.journal[name],
            at,
            verdict.outcome,
            verdict.remark,
            self.handled.get(position),
            tuple(
                self._alert(number)
                for number, item in enumerate(memory.feed_items, 1)
                if item.entry_id == name and not isinstance(item.content, Snapshot)
            ),
            tuple(
                NightEffect(planned.effect, self.statuses.get(key, planned.status), planned.remark)
                for key, planned in memory.effects.items()
                if planned.entry_id == name
            ),
        )

    def _alert(self, number: int) -> NightAlert:
        showings = [each for each in self.show.all_showings.values() if number in each.covers]
        if not showings:
            cursor = self.show.kept.cursor
            is_waiting = cursor is not None and number > cursor
            return NightAlert(number, "waiting" if is_waiting else "streamed")
        latest = max(showings, key=lambda each: (each.is_open, each.ended_at or _EPOCH, each.attempt))
        return NightAlert(number, latest.state, latest.reason, latest.began_at)


def _is_trouble(each: NightEntry) -> bool:
    return each.outcome is Outcome.PARKED or each.entry.source.value == "revocation"
