"""A viewer asks for a ghost: what can be refused is refused before anything is recorded."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from showtime_core.domain.events import GhostRequested
from showtime_core.domain.journal import EntrySource
from showtime_core.domain.own_entries import ghost_request_entry
from showtime_core.domain.points_and_ghosts.effects import CreditCheer, Feature
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotEnoughPoints, Unavailable
from showtime_core.testing.entries import MARGE
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.request_ghost import RequestGhost


def counter(policy=Policy()):  # noqa: B008 - it is frozen
    units, account = MemoryUnitOfWork(), MemoryLedger()
    return RequestGhost(units, account, MemoryGhosts(MemoryOutboxTable(units, timedelta(0))), policy)


@pytest.mark.parametrize("features", [set(), {Feature.POINTS}, {Feature.GHOSTS}], ids=str)
def test_a_channel_without_points_or_ghosts_takes_no_requests(features):
    """A ghost needs both."""
    with pytest.raises(Unavailable, match=r"^ghosts are off: this channel does without them$"):
        counter(Policy(features=frozenset(features))).require_enabled()
    counter().require_enabled()


async def test_who_cannot_pay_is_refused_before_anything_is_recorded():
    """One point short is too few, just enough is enough."""
    asked, request_ghost = ghost_request_entry(MARGE, "a fax machine", uuid4()), counter()
    await request_ghost.account.credit(CreditCheer(MARGE, POINTS_PER_GHOST - 1, ""), "one short")
    with pytest.raises(NotEnoughPoints, match=r"^not enough points$"):
        await request_ghost.check(asked)
    await request_ghost.account.credit(CreditCheer(MARGE, 1, ""), "the last one")
    await request_ghost.check(asked)


async def test_a_request_that_was_made_before_is_not_refused():
    """Its points may be reserved by now, so the balance says nothing of it."""
    asked, request_ghost = ghost_request_entry(MARGE, "a fax machine", uuid4()), counter()
    ghost = await request_ghost.submit(asked)
    await request_ghost.check(asked)
    assert await request_ghost.submit(asked) == ghost == ghost_id_of(asked.id)


def test_the_same_name_is_the_same_request_and_says_who_wants_what():
    """It is recorded as JSON, in a viewer's words."""
    name = UUID(int=7)
    one, other = (ghost_request_entry(MARGE, subject, name) for subject in ("a fax", "a phone"))
    assert one.id == other.id == f"viewer:{name}"
    assert (one.source, one.content, one.sent_at) == (
        EntrySource.VIEWER,
        GhostRequested(MARGE, "a fax"),
        None,
    )
    assert json.loads(one.body)["subject"] == "a fax"
    assert json.loads(one.body)["user"]["id"] == MARGE.id
