"""Fun points as a ledger keeps them: transactions and balances of one viewer."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import frozen


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


@frozen
class Statement:
    """A viewer's transactions, newest first, as far back as was asked for."""

    transactions: tuple[Transaction, ...]
    is_complete: bool
    """Whether nothing can be missing: an older transaction was seen, or the balance fits all that there are.

    A ledger whose database fails answers with an empty list: alone, it proves nothing.
    """
