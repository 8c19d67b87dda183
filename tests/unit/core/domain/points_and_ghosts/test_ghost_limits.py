"""How many ghosts there may be: what is counted, and what whoever asks for one too many is told."""

from datetime import timedelta

import pytest

from showtime_core.domain.events import Cheer, EntryRetried, Follow, GhostRequested
from showtime_core.domain.points_and_ghosts.ghost_limits import (
    GhostLimits,
    GhostLoad,
    deny,
    ghost_requester,
)
from showtime_core.testing.entries import MARGE

LIMITS = GhostLimits(waiting=2, painted=5)
IN_AN_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("waiting", "painted", "limit"),
    [(0, 0, None), (1, 4, None), (2, 4, "viewer"), (1, 5, "day"), (2, 5, "viewer"), (9, 99, "viewer")],
)
def test_a_limit_is_reached_with_as_many_as_it_says(waiting, painted, limit):
    """The third of two is not made, nor the sixth of five; the viewer's own limit comes first."""
    denial = deny(MARGE, GhostLoad({MARGE.id: waiting}, painted), LIMITS)
    assert (denial and denial.limit) == limit


def test_who_has_to_wait_for_the_day_is_told_for_how_long():
    """It is as long as the oldest image still counts; how long a ghost of one's own takes is not known."""
    of_the_day = deny(MARGE, GhostLoad({}, 5, IN_AN_HOUR), LIMITS)
    of_the_viewer = deny(MARGE, GhostLoad({MARGE.id: 2}, 2, IN_AN_HOUR), LIMITS)
    assert of_the_day
    assert of_the_viewer
    assert (of_the_day.retry_after, of_the_viewer.retry_after) == (IN_AN_HOUR, None)


@pytest.mark.parametrize(("limit", "ghosts"), [(1, "a ghost"), (2, "2 ghosts")])
def test_who_has_to_wait_is_told_why(limit, ghosts):
    """The words are the viewer's: how many wait already, or that too many were made within a day."""
    of_the_viewer = deny(MARGE, GhostLoad({MARGE.id: limit}, 0), GhostLimits(waiting=limit))
    of_the_day = deny(MARGE, GhostLoad({}, 5), LIMITS)
    assert of_the_viewer.reason == f"you have {ghosts} waiting already: ask again when one is on the screen"
    assert of_the_day.reason == (
        "no more ghosts are made for now, since there were so many within 24 hours: try again later"
    )


def test_who_has_no_ghost_waiting_may_have_one():
    """A limit of one is reached with the first, by whoever else has one."""
    assert deny(MARGE, GhostLoad({"another": 1}, 0), GhostLimits(waiting=1)) is None


def test_without_limits_nobody_is_denied():
    """A channel may do without either limit."""
    many = GhostLoad({MARGE.id: 10**6}, 10**6)
    assert GhostLimits().are_none
    assert deny(MARGE, many, GhostLimits()) is None


def test_one_more_counts_for_its_viewer_and_for_the_day():
    """So that of two requests in one batch the second is counted with the first."""
    load = GhostLoad().plus(MARGE).plus(MARGE)
    assert (load.waiting, load.painted) == ({MARGE.id: 2}, 2)


@pytest.mark.parametrize(
    ("content", "asks"),
    [
        (GhostRequested(MARGE, "Bob"), True),
        (Cheer(MARGE, 200, "ghost of a fax machine"), True),
        (Cheer(MARGE, 199, "ghost of a fax machine"), False),
        (Cheer(MARGE, 200, "be kind, rewind"), False),
        (EntryRetried("m-1", GhostRequested(MARGE, "Bob")), True),
        (Follow(MARGE, None), False),
    ],
)
def test_who_asks_for_a_ghost_is_counted(content, asks):
    """By request or by cheer, also where it is tried again."""
    assert ghost_requester(content) == (MARGE if asks else None)
