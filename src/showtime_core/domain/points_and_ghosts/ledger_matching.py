"""What our requests look like in the ledger, and so what became of one whose answer was lost."""

import re
from collections.abc import Container
from uuid import UUID

from attrs import frozen

from showtime_core.domain.points_and_ghosts.effects import (
    Credit,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
)
from showtime_core.domain.points_and_ghosts.ledger import (
    FlowState,
    FlowType,
    Statement,
    Transaction,
    describe_cheer,
    describe_ghost,
    describe_gift_subs,
    describe_subscription,
)


@frozen
class ExpectedTransaction:
    """What a change of ours must look like in the ledger: type, points, state and description."""

    type: FlowType
    points: int
    state: FlowState
    description: str


def expected_credit(credit: Credit) -> ExpectedTransaction:
    """Tell what a credit looks like in the ledger."""
    match credit:
        case CreditCheer(_, points, message):
            return ExpectedTransaction(FlowType.CHEER, points, FlowState.ACCEPTED, describe_cheer(message))
        case CreditSubscription(_, base, times, is_initial, is_gift, message):
            said = describe_subscription(times, message, is_initial=is_initial, is_gift=is_gift)
            return ExpectedTransaction(FlowType.SUBSCRIPTION, base * times, FlowState.ACCEPTED, said)
        case CreditGiftSubs(_, base, times, count):
            said = describe_gift_subs(count)
            return ExpectedTransaction(FlowType.GIFT_SUB, base * times * count, FlowState.ACCEPTED, said)


def expected_reservation(points: int) -> ExpectedTransaction:
    """Tell what points that are reserved for a ghost look like in the ledger."""
    return ExpectedTransaction(FlowType.ALERT_REDEMPTION, -points, FlowState.PENDING, describe_ghost())


@frozen
class Adopt:
    """It was made: it is this one."""

    flow_id: UUID


@frozen
class Repeat:
    """It was not made."""


@frozen
class LookAgain:
    """Nothing is proved: the ledger does not show all that it has."""


@frozen
class CannotTell:
    """More than one may be it, and nobody but a person can tell."""

    reason: str


LedgerMatch = Adopt | Repeat | LookAgain | CannotTell
"""What may have become of a request."""


def match_ledger(
    expected: ExpectedTransaction, statement: Statement, claimed: Container[UUID]
) -> LedgerMatch:
    """Find out whether a request was performed, from the transactions since it was first sent.

    `claimed` are the ids of transactions that belong to other requests of ours. An incomplete statement that
    does not show the request proves nothing.
    """
    candidates = unclaimed(expected, statement, claimed)
    match candidates:
        case [one]:
            return Adopt(one)
        case [] if statement.is_complete:
            return Repeat()
        case []:
            return LookAgain()
        case _:
            return CannotTell(
                f"the answer was lost, and the ledger has {len(candidates)} transactions that may be it: "
                + ", ".join(str(candidate) for candidate in candidates)
            )


def unclaimed(wanted: ExpectedTransaction, statement: Statement, claimed: Container[UUID]) -> list[UUID]:
    """Name the transactions that may be what was wanted, and belong to no other request of ours."""
    return [made.id for made in statement.transactions if made.id not in claimed and _matches(made, wanted)]


def _matches(transaction: Transaction, expected: ExpectedTransaction) -> bool:
    """Tell whether this may be what was expected; a description that is not understood rules nothing out."""
    if (transaction.type, transaction.points, transaction.state) != (
        expected.type,
        expected.points,
        expected.state,
    ):
        return False
    said = _parse_description(transaction.description)
    return said is None or said == _parse_description(expected.description)


# The sentences of the ledger, with what they say of tiers left out: the points tell that as well.
_SENTENCE = re.compile(
    r"(Thank you for cheering|Thank you for becoming a subscriber|Thank you for renewing your subscription"
    r"|You received a gift sub|Redeemed alert of type '.*')"
    r".*?(?: with the message '(.*)')?!?"
)


def _parse_description(description: str) -> tuple[str, ...] | None:
    """Split a description into its beginning and what it quotes; white space may have changed on its way."""
    found = _SENTENCE.fullmatch(" ".join(description.split()))
    return found and tuple(" ".join((part or "").split()) for part in found.groups())
