"""Settling what was lost: the ledger's transactions tell whether a request was performed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.points_and_ghosts.effects import CreditCheer, CreditGiftSubs, CreditSubscription
from showtime_core.domain.points_and_ghosts.ledger import (
    FlowState,
    FlowType,
    Statement,
    Transaction,
    describe_gift_subs,
)
from showtime_core.domain.points_and_ghosts.ledger_matching import (
    Undecidable,
    expected_credit,
    expected_reservation,
    match_ledger,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable

VERA = Viewer("1337", "vhsvera", "VHSVera")
NOW = datetime(1986, 10, 31, 20, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
CHEER = CreditCheer(VERA, 100, "be kind")
THANKS = "Thank you for cheering with the message 'be kind'!"


def made(flow_id=ONE, kind="cheer", points=100, description=THANKS, state="accepted"):
    """Make a transaction as the ledger lists it."""
    return Transaction(flow_id, kind, FlowState(state), points, description, NOW)


def listed(*transactions, is_complete=True):
    return Statement(transactions, is_complete)


def test_the_one_that_is_there_is_adopted():
    """A transaction that is there is adopted, whether or not the list is complete."""
    for is_complete in (True, False):
        found = match_ledger(expected_credit(CHEER), listed(made(), is_complete=is_complete), set())
        assert found == ONE


def test_what_is_not_there_is_made_again():
    """The list is all that there is."""
    assert match_ledger(expected_credit(CHEER), listed(), set()) is None


@pytest.mark.parametrize("seconds", [0, 30, 31, 3600])
def test_one_that_is_older_than_the_request_is_neither_adopted_nor_made_again(seconds):
    """Either it is another's, or a clock was set since the request: only a person can tell."""
    statement = Statement((made(),), is_complete=True, asked_at=NOW + timedelta(seconds=seconds))
    if seconds <= 30:
        assert match_ledger(expected_credit(CHEER), statement, set(), timedelta(seconds=30)) == ONE
        return
    with pytest.raises(Undecidable, match=f"made before it was asked for, or a clock was set: {ONE}"):
        match_ledger(expected_credit(CHEER), statement, set(), timedelta(seconds=30))
    assert match_ledger(expected_credit(CHEER), statement, {ONE}, timedelta(seconds=30)) is None


def test_of_an_old_one_and_a_new_one_neither_is_taken():
    """If a clock was set the old one may be ours, and somebody else may have made the new one by hand."""
    old = evolve(made(TWO), at=NOW - timedelta(hours=1))
    statement = Statement((made(), old), is_complete=True, asked_at=NOW)
    with pytest.raises(Undecidable, match=f"2 transactions that may be it: {ONE}, {TWO}$"):
        match_ledger(expected_credit(CHEER), statement, set(), timedelta(seconds=30))


def test_an_empty_list_proves_nothing():
    """A ledger whose database fails lists nothing, and says nothing of it."""
    reason = r"^an answer was lost, and the ledger does not show all that it has$"
    with pytest.raises(Unavailable, match=reason):
        match_ledger(expected_credit(CHEER), listed(is_complete=False), set())


def test_what_another_request_has_made_is_its_own():
    """Two honest cheers are two."""
    assert match_ledger(expected_credit(CHEER), listed(made()), {ONE}) is None
    assert match_ledger(expected_credit(CHEER), listed(made(), made(TWO)), {ONE}) == TWO


def test_of_two_nobody_can_tell():
    """Of two transactions that may be it neither is taken, and both are named to whoever must decide."""
    with pytest.raises(Undecidable, match=f"2 transactions that may be it: {ONE}, {TWO}"):
        match_ledger(expected_credit(CHEER), listed(made(), made(TWO)), set())


@pytest.mark.parametrize(
    "other",
    [
        made(points=101),
        made(kind="subscription"),
        made(kind="manual-credit"),
        made(state="rejected"),
        made(description="Thank you for cheering!"),
        made(description="Thank you for cheering with the message 'be unkind'!"),
    ],
    ids=repr,
)
def test_what_looks_otherwise_is_another_s(other):
    """A transaction is ours only if type, points, state and description are right."""
    assert match_ledger(expected_credit(CHEER), listed(other), set()) is None


@pytest.mark.parametrize(
    "description",
    [THANKS, "Thank you for cheering with the message 'be  kind '!", "Danke für die Bits"],
)
def test_words_that_are_not_understood_rule_nothing_out(description):
    """The ledger may put it otherwise one day, and white space may be changed on its way."""
    assert match_ledger(expected_credit(CHEER), listed(made(description=description)), set()) == ONE


def test_only_a_reservation_that_is_pending_can_be_the_lost_one():
    """One that is decided was decided by somebody who knew it."""
    words = "Redeemed alert of type 'image-generation'"
    pending = made(kind="alert-redemption", points=-200, description=words, state="pending")
    assert match_ledger(expected_reservation(200), listed(pending), set()) == ONE
    for state in ("accepted", "rejected"):
        decided = made(kind="alert-redemption", points=-200, description=words, state=state)
        assert match_ledger(expected_reservation(200), listed(decided), set()) is None
    other = made(
        kind="alert-redemption", points=-200, description=words.replace("image", "song"), state="pending"
    )
    assert match_ledger(expected_reservation(200), listed(other), set()) is None


def test_gifts_are_told_apart_by_their_points():
    """The ledger's words for them are not known."""
    gifts = CreditGiftSubs(VERA, 200, 2, 5)
    assert expected_credit(gifts).description == describe_gift_subs(5)
    given_ = made(kind="gift-sub", points=2000, description="Thanks for the 5 subs!")
    assert match_ledger(expected_credit(gifts), listed(given_), set()) == ONE


credits_ = st.one_of(
    st.builds(CreditCheer, st.just(VERA), st.integers(1, 10**6), st.text()),
    st.builds(
        CreditSubscription,
        st.just(VERA),
        st.just(600),
        st.sampled_from((1, 2, 5)),
        st.booleans(),
        st.booleans(),
        st.text(),
    ),
)


@given(credits_)
def test_a_credit_is_known_by_what_the_ledger_says_of_it(credit):
    """A credit is recognised whatever its message holds: quotes, line breaks, letters cut at 128 bytes."""
    wanted = expected_credit(credit)
    assert wanted.type in {FlowType.CHEER, FlowType.SUBSCRIPTION}
    said = made(kind=wanted.type, points=wanted.points, description=wanted.description)
    assert match_ledger(wanted, listed(said), set()) == ONE
