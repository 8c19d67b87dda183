"""Fun points as a ledger keeps them: transactions and balances of one viewer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from attrs import frozen

from showtime_core.texts import clean

ALERT_TYPE = "image-generation"
"""What the ledger knows a ghost as."""
MAX_MESSAGE_BYTES = 128
"""What the ledger keeps of a message."""


class FlowType(StrEnum):
    """What a transaction is for; the words are the ledger's."""

    CHEER = "cheer"
    SUBSCRIPTION = "subscription"
    GIFT_SUB = "gift-sub"
    ALERT_REDEMPTION = "alert-redemption"
    MANUAL_CREDIT = "manual-credit"


class FlowState(StrEnum):
    """How far a transaction is; the words are the ledger's."""

    PENDING = "pending"
    """Reserved: it lowers what is available, and waits to be accepted or rejected, for ever if need be."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@frozen
class Transaction:
    """One inflow or outflow of points."""

    id: UUID
    type: str
    """One of FlowType; another is kept as it came."""
    state: FlowState
    points: int
    """What it adds to the balance; negative for what is spent."""
    description: str
    """A sentence for people; for a redemption it names the type of the alert, for a cheer its message."""
    at: datetime
    """By the ledger's clock: when it was made while it is pending, when it was finalised afterwards."""


@frozen
class Balance:
    """What a viewer has."""

    total: int
    available: int
    """The total without what is reserved."""

    @classmethod
    def of(cls, transactions: Iterable[Transaction]) -> Self:
        """Work out what a viewer has, given all transactions of that viewer.

        Accepted ones count. Pending ones lower only what is available. Rejected ones do not count.
        """
        points = dict.fromkeys(FlowState, 0)
        for each in transactions:
            points[each.state] += each.points
        return cls(points[FlowState.ACCEPTED], points[FlowState.ACCEPTED] + points[FlowState.PENDING])


@frozen
class Statement:
    """A viewer's transactions, newest first: all those of the period that was asked for, and no others."""

    transactions: tuple[Transaction, ...]
    is_complete: bool
    """Whether nothing can be missing: an older transaction was seen, or the balance fits all that there are.

    A ledger whose database fails answers with an empty list: alone, it proves nothing.
    """
    asked_at: datetime | None = None
    """When it was asked for, by the ledger's clock, or a moment before; None: nobody knows."""


@frozen
class TransactionPage:
    """Some of a viewer's transactions, newest first."""

    transactions: tuple[Transaction, ...]
    next: UUID | None
    """The transaction that the next page begins with; None: there is none."""

    @classmethod
    def of(cls, transactions: Sequence[Transaction], limit: int) -> Self:
        """Make a page of the first `limit` of these; the one after them begins the next page."""
        following = transactions[limit : limit + 1]
        return cls(tuple(transactions[:limit]), following[0].id if following else None)


def truncate_message(message: str) -> str:
    """Cut a message to what the ledger keeps: 128 bytes of UTF-8, whole characters, no NUL.

    The ledger itself cuts between any two bytes, and its database fails at half a character.
    """
    return clean(message).encode()[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")


def describe_cheer(message: str) -> str:
    """Describe a cheer in the ledger's own words."""
    said = truncate_message(message)
    return f"Thank you for cheering with the message '{said}'!" if said else "Thank you for cheering!"


def describe_subscription(multiplier: int, message: str, *, is_initial: bool, is_gift: bool) -> str:
    """Describe a subscription in the ledger's own words."""
    thanks = f"Thank you for {'becoming a subscriber' if is_initial else 'renewing your subscription'}"
    if is_gift:
        thanks = "You received a gift sub"
    if multiplier > 1:
        thanks += f" (at a tier with {multiplier}x credit)"
    said = truncate_message(message)
    return f"{thanks} with the message '{said}'!" if said else f"{thanks}!"


def describe_gift_subs(num_subscriptions: int) -> str:
    """Describe gifts; the ledger's own words for them are not known."""
    return f"Thank you for gifting {num_subscriptions} subscriptions!"


def describe_ghost() -> str:
    """Describe points that pay for a ghost in the ledger's own words."""
    return f"Redeemed alert of type '{ALERT_TYPE}'"
