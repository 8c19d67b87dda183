"""What our requests look like in the ledger, and so what became of one whose answer was lost."""

import re
from collections.abc import Container
from datetime import timedelta
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
from showtime_core.errors import Unavailable


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


class Undecidable(Exception):  # noqa: N818 - the outcome, not an error of anybody's
    """More than one transaction may be the one that is looked for; only a person can tell."""


def match_ledger(
    expected: ExpectedTransaction,
    statement: Statement,
    claimed: Container[UUID],
    since_first_try: timedelta | None = None,
) -> UUID | None:
    """Find the transaction of a request; None: it was not performed.

    `claimed` are the ids of transactions that belong to other requests of ours. One that is older than the
    request's first try is another's, or the clock was set since: it is not adopted, nor is the request
    repeated. None: however old it is, it may be adopted. Raises Undecidable for such a one, and for several;
    raises Unavailable if an incomplete statement does not show the request, for that proves nothing.
    """
    candidates = unclaimed(expected, statement, claimed)
    if len(candidates) > 1:
        named = ", ".join(str(candidate.id) for candidate in candidates)
        raise Undecidable(
            f"the answer was lost, and the ledger has {len(candidates)} transactions that may be it: {named}"
        )
    if not (candidates or statement.is_complete):
        raise Unavailable("an answer was lost, and the ledger does not show all that it has")
    if not candidates:
        return None
    if since_first_try is not None and _is_older(candidates[0], statement, since_first_try):
        raise Undecidable(
            "the answer was lost, and the ledger has 1 transaction that may be it, made before it was asked "
            f"for, or a clock was set: {candidates[0].id}"
        )
    return candidates[0].id


def _is_older(made: Transaction, statement: Statement, period: timedelta) -> bool:
    """Tell whether it was made longer ago than this, as far as anybody knows."""
    return statement.asked_at is not None and made.at < statement.asked_at - period


def unclaimed(
    wanted: ExpectedTransaction, statement: Statement, claimed: Container[UUID]
) -> list[Transaction]:
    """List the transactions that may be what was wanted, and belong to no other request of ours."""
    return [made for made in statement.transactions if made.id not in claimed and _matches(made, wanted)]


def _matches(transaction: Transaction, expected: ExpectedTransaction) -> bool:
    """Tell whether this may be what was expected; a description that is not understood rules nothing out."""
    if any(getattr(transaction, name) != getattr(expected, name) for name in ("type", "points", "state")):
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
