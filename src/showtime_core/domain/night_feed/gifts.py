"""A gift of many subscriptions is one row: its recipients are told of one by one, and fold into it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from showtime_core.domain import events
from showtime_core.domain.night_feed.rows import NightEntry

GIFT_WITHIN = timedelta(seconds=60)
"""Twitch tells of a gift and of its recipients one by one, and no further apart than this."""


def fold_gifts(entries: Sequence[NightEntry]) -> Mapping[int, tuple[NightEntry, ...]]:
    """Find the recipients of each gift among entries in any order: gift → recipients, by position.

    A recipient belongs to the nearest gift of the same tier that is not complete yet.
    """
    parts: dict[int, list[NightEntry]] = {
        each.position: [] for each in entries if isinstance(each.entry.content, events.GiftedSubscriptions)
    }
    gifts = [each for each in entries if each.position in parts]
    for each in sorted(entries, key=lambda entry: entry.position):
        match each.entry.content:
            case events.SubscriptionStart(_, tier, True):
                if gift := _gift_of(each, tier, gifts, parts):
                    parts[gift.position].append(each)
            case _:
                pass
    return {position: tuple(found) for position, found in parts.items()}


def _gift_of(
    received: NightEntry, tier: str, gifts: Sequence[NightEntry], parts: Mapping[int, Sequence[NightEntry]]
) -> NightEntry | None:
    def distance(gift: NightEntry) -> timedelta:
        return abs(gift.happened_at - received.happened_at)

    possible = [
        gift
        for gift in gifts
        if isinstance(content := gift.entry.content, events.GiftedSubscriptions)
        and content.tier == tier
        and len(parts[gift.position]) < content.total
        and distance(gift) <= GIFT_WITHIN
    ]
    return min(possible, key=lambda gift: (distance(gift), gift.position), default=None)
