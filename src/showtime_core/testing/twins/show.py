"""The show on the screen in memory: what a channel's queue keeps, beside its journal."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

from attrs import evolve, field, mutable

from showtime_core.domain import alerts
from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.show.commands import ShowChange, apply_change
from showtime_core.domain.show.queue import (
    QueuedAlert,
    Show,
    Showing,
    ShowView,
    next_showing_id,
)
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.errors import NotFound
from showtime_core.ports import Answer, ChangeShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

RECENT = 50
_NOBODY = datetime.min.replace(tzinfo=UTC)
_KINDS: dict[type[alerts.Alert], str] = {
    alerts.FollowAlert: "follow",
    alerts.RaidAlert: "raid",
    alerts.CheerAlert: "cheer",
    alerts.GhostAlert: "generated-images",
}
"""What clients call those that matter here; any other goes by the name of its class."""


@mutable
class MemoryShow:
    """The queue of the channel that a unit of work in memory records; its clock is that one's.

    `limit` is how many of the alerts that wait are looked at by one who takes.
    """

    units: MemoryUnitOfWork
    limit: int = 1000
    kept: Show = Show(_NOBODY)
    all_showings: dict[UUID, Showing] = field(factory=dict)
    secrets: dict[bytes, ShowSecret] = field(factory=dict)
    _queued: list[QueuedAlert] = field(factory=list, init=False)
    _read: int = field(default=0, init=False)
    """How many items of the feed are among those that are queued, or are no alerts."""
    _open: dict[UUID, Showing] = field(factory=dict, init=False)
    _covered: set[int] = field(factory=set, init=False)
    """The alerts that have a showing."""
    _latest: Showing | None = field(default=None, init=False)
    """The one that ended last of those that began."""

    def __attrs_post_init__(self) -> None:
        """Let the unit of work change this show with the journal."""
        self.units.change_show = self._change_with_journal

    async def change(self, change: ChangeShow[Answer], named: UUID | None = None) -> Answer:
        """Change the queue in one step."""
        wanted = {named, next_showing_id(named)} if named else set()
        before = self._load(self.limit, wanted)
        after, answer = change(before)
        self._keep(before, after)
        return answer

    def has_unplayed(self) -> bool:
        """Tell whether an alert is still to be shown."""
        return bool(self._open or self._beyond_the_cursor())

    async def read(self) -> ShowView:
        """Read the queue as it stands."""
        over = [each for each in self.all_showings.values() if not each.is_open]
        over.sort(key=lambda each: each.ended_at or _NOBODY, reverse=True)
        return ShowView(self._load(self.limit), tuple(over[:RECENT]))

    async def add(self, secret: ShowSecret, digest: bytes) -> ShowSecret:
        """Keep a secret."""
        kept = evolve(secret, made_at=self.units.clock())
        self.secrets[digest] = kept
        if secret.kind is SecretKind.OVERLAY and self.kept.cursor is None:
            self.kept = evolve(self.kept, cursor=len(self.units.memory.feed_items))
        return kept

    async def list_all(self) -> Sequence[ShowSecret]:
        """List the secrets."""
        return list(self.secrets.values())

    async def withdraw(self, secret_id: UUID) -> None:
        """Let a secret hold no longer."""
        left = {digest: each for digest, each in self.secrets.items() if each.id != secret_id}
        if len(left) == len(self.secrets):
            raise NotFound("no such secret")
        self.secrets = left

    async def find(self, digest: bytes) -> ShowSecret | None:
        """Find a secret."""
        return self.secrets.get(digest)

    def _change_with_journal(self, changes: Sequence[ShowChange]) -> None:
        for change in changes:
            alert_id = getattr(change, "alert_id", None)
            named = next((each for each in self._alerts() if each.id == alert_id), None)
            about = named or (self._latest.alert if self._latest else None)
            wanted = {each.id for each in self.all_showings.values() if each.alert == about}
            before = self._load(None, wanted)
            self._keep(before, apply_change(before, change, named))

    def _load(self, limit: int | None, wanted: Collection[UUID] = ()) -> Show:
        beyond = self._beyond_the_cursor()
        arrivals = beyond[:limit]
        is_truncated = len(arrivals) < len(beyond)
        return evolve(
            self.kept,
            now=self.units.clock(),
            arrivals=tuple(arrivals),
            is_truncated=is_truncated,
            read_until=arrivals[-1].id if is_truncated else len(self.units.memory.feed_items),
            showings=self._open
            | {name: self.all_showings[name] for name in wanted if name in self.all_showings},
            latest=self._latest,
        )

    def _beyond_the_cursor(self) -> list[QueuedAlert]:
        if self.kept.cursor is None:
            return []
        alerts = self._alerts()
        begin = bisect_right(alerts, self.kept.cursor, key=attrgetter("id"))
        return [each for each in alerts[begin:] if each.id not in self._covered]

    def _keep(self, before: Show, after: Show) -> None:
        for removed in before.showings.keys() - after.showings.keys():
            del self.all_showings[removed]  # it follows another, which covers the same
        self.all_showings |= after.showings
        self._open = {name: each for name, each in after.showings.items() if each.is_open}
        for each in after.showings.values():
            self._covered.update(each.covers)
        if after.showings != before.showings:
            over = [each for each in self.all_showings.values() if each.began_at and each.ended_at]
            self._latest = max(over, key=lambda each: each.ended_at or _NOBODY, default=None)
        self.kept = after  # what stands elsewhere is read anew

    def _alerts(self) -> list[QueuedAlert]:
        """Give all alerts: only what is new is read, for the feed only grows."""
        items, records = self.units.memory.feed_items, self.units.memory.records
        for number, item in enumerate(items[self._read :], self._read + 1):
            if not isinstance(item.content, Snapshot):
                told_at = next(record.now for record in reversed(records) if record.entry.id == item.entry_id)
                self._queued.append(_queued(number, item.content, told_at))
        self._read = len(items)
        return self._queued


def _queued(number: int, content: alerts.Alert | AlertTest, told_at: datetime) -> QueuedAlert:
    is_test = isinstance(content, AlertTest)
    alert = content.alert if isinstance(content, AlertTest) else content
    kind = _KINDS.get(type(alert), type(alert).__name__)
    return QueuedAlert(number, kind, told_at, getattr(alert, "num_bits", None), repr(alert), is_test=is_test)
