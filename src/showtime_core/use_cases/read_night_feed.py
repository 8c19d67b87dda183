"""Use case: the host reads the feed of the night, and marks what is handled."""

from collections.abc import Callable, Collection, Sequence

from attrs import evolve, frozen

from showtime_core.domain.journal import PRUNED, Entry, EntrySource, Malformed
from showtime_core.domain.night_feed.descriptions import GIFT_TYPES, describe, types_of
from showtime_core.domain.night_feed.gifts import fold_gifts
from showtime_core.domain.night_feed.rows import NightEntry, NightKind, NightQuery, NightRow, night_since
from showtime_core.domain.night_feed.totals import NightTotals, add_up
from showtime_core.domain.own_entries import read_own_entry
from showtime_core.ports import NightFeedStore

_OF_TWITCH = {EntrySource.NOTIFICATION, EntrySource.REVOCATION, EntrySource.OTHER}
GIFTS_AROUND = 1000
"""So many entries before and after those that are shown, recipients are looked for, and their gifts."""


@frozen
class NightPage:
    """Some rows of the feed, the newest first."""

    rows: tuple[NightRow, ...]
    following: int | None
    """The row before which there are more; None: there are none of this night."""


@frozen
class ReadNightFeed:
    """Use case: the feed of the night."""

    store: NightFeedStore
    parse: Callable[[Entry], Entry]
    """Reads what a message of Twitch says from its body, as it is understood now."""

    async def page(
        self, kinds: Collection[NightKind], limit: int, before: int | None = None, after: int | None = None
    ) -> NightPage:
        """Read so many rows of these kinds at most: those before a row, those after one, or the newest."""
        now, latest = await self.store.latest_broadcasts()
        asked = NightQuery(
            night_since(now, latest), types_of(kinds), NightKind.TROUBLE in kinds, limit + 1, before, after
        )
        rows: list[NightRow] = []
        while len(rows) <= limit:
            entries = await self.store.entries(asked)
            rows += await self._rows(entries, kinds)
            if len(entries) < asked.limit:
                break
            asked = evolve(asked, before=entries[-1].position)
        kept = tuple(rows[:limit])
        return NightPage(kept, kept[-1].entry.position if len(rows) > limit else None)

    async def totals(self) -> NightTotals:
        """Add up what the night came to so far."""
        now, latest = await self.store.latest_broadcasts()
        since = night_since(now, latest)
        return add_up(since, now, await self.store.tally(since))

    async def _rows(self, entries: Sequence[NightEntry], kinds: Collection[NightKind]) -> list[NightRow]:
        read = [self._read(each) for each in entries]
        parts = await self._gift_parts(read)
        folded = {each.position for found in parts.values() for each in found}
        return [
            NightRow(each, said, parts.get(each.position, ()))
            for each in read
            if each.position not in folded and (said := describe(each)) and said.kind in kinds
        ]

    async def _gift_parts(self, entries: Sequence[NightEntry]) -> dict[int, tuple[NightEntry, ...]]:
        places = [each.position for each in entries if each.entry.type in GIFT_TYPES]
        if not places:
            return {}
        around = await self.store.gifts(min(places) - GIFTS_AROUND, max(places) + GIFTS_AROUND)
        return dict(fold_gifts([self._read(each) for each in around]))

    def _read(self, each: NightEntry) -> NightEntry:
        """Read what an entry says; one that nobody can read, or whose body was pruned, says nothing."""
        if each.entry.content is PRUNED:
            return each
        try:
            read = self.parse if each.entry.source in _OF_TWITCH else read_own_entry
            return evolve(each, entry=read(each.entry))
        except (KeyError, ValueError) as reason:
            return evolve(each, entry=evolve(each.entry, content=Malformed(str(reason))))
