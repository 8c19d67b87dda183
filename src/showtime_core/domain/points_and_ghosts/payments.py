"""Months that subscribers pay: Twitch may tell one of them by two messages, and it earns points once.

Twitch sends a `channel.subscribe` when somebody subscribes, also after a lapse. It sends a
`channel.subscription.message` when they share the month in chat, whenever they like; for a renewal that is
the only message. No message says which other one it belongs to. So one of each kind, of the same viewer and
tier and within 28 days, is one payment.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from showtime_core.domain.events import EntryRetried, Resubscription, SubscriptionStart

SHARED_WITHIN = timedelta(days=28)
"""How far the two messages of one payment may lie apart, by Twitch's clock: no month is shorter."""


@frozen
class Payment:
    """A month that a viewer paid, as one message tells it."""

    viewer_id: str
    tier: str
    is_shared: bool
    """Whether the viewer shared it (`channel.subscription.message`); else it began (`channel.subscribe`)."""
    at: datetime
    """When Twitch sent the message."""


def payment_of(event: object, sent_at: datetime | None) -> Payment | None:
    """Give the payment that an event reports; None if it reports none, or if somebody else paid.

    `sent_at` is when its message was sent, for an event that does not say so itself.
    """
    match event:
        case SubscriptionStart(viewer, tier, False, at):
            return Payment(viewer.id, tier, is_shared=False, at=at)
        case Resubscription(viewer, tier):
            moment = event.sent_at or sent_at
            return Payment(viewer.id, tier, is_shared=True, at=moment) if moment else None
        case EntryRetried(_, retried):
            return payment_of(retried, None)
        case _:
            return None


def is_told_already(payment: Payment, known: Iterable[Payment]) -> bool:
    """Tell whether another message has told this payment.

    It has if more pairs of messages can be made with this one than without it. So each message belongs to one
    payment at most, and the number of payments that earn is the same in every order of the messages.
    """
    others = [other for other in known if (other.viewer_id, other.tier) == (payment.viewer_id, payment.tier)]
    return _count_pairs([*others, payment]) > _count_pairs(others)


def _count_pairs(payments: Iterable[Payment]) -> int:
    """Count the most pairs that can be made.

    The earliest two that are left become a pair; if they lie too far apart, the earlier one has no partner.
    """
    ordered = sorted(payments, key=lambda payment: payment.at)
    begun = deque(payment.at for payment in ordered if not payment.is_shared)
    shared = deque(payment.at for payment in ordered if payment.is_shared)
    pairs = 0
    while begun and shared:
        apart = begun[0] - shared[0]
        pairs += abs(apart) <= SHARED_WITHIN
        if apart <= SHARED_WITHIN:
            begun.popleft()
        if apart >= -SHARED_WITHIN:
            shared.popleft()
    return pairs
