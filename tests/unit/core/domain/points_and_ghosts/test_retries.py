"""What a failure means: one table, from a late answer to giving up."""

from datetime import timedelta
from uuid import UUID

import pytest

from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    CreditCheer,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.domain.points_and_ghosts.retries import (
    FIRST_DELAY,
    LONGEST_DELAY,
    MAX_GHOST_ATTEMPTS,
    MAX_POINTS_ATTEMPTS,
    GiveUp,
    Park,
    Retry,
    back_off,
    consequence,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Ambiguous, ContentRefused, NotEnoughPoints, Refused, Unavailable

VERA = Viewer("1337", "vhsvera", "VHSVera")
CREDIT = CreditCheer(VERA, 100, "be kind")
SUMMONS = SummonGhost(UUID(int=1986), VERA, "a fax machine", None)
AWAY, LOST, NO = Unavailable("away"), Ambiguous("lost"), Refused("no")


def ghost(task):
    return AdvanceGhost(SUMMONS.ghost_id, VERA, task)


def follows(effect, failure, attempts=1, chance=1.0):
    return consequence(effect, failure, attempts, chance)


CHECK = CheckForDouble(CREDIT, UUID(int=1985))
MONEY = [CREDIT, SUMMONS, ghost(GhostTask.PAY), ghost(GhostTask.REFUND)]
PAID = [ghost(GhostTask.SHOW), ghost(GhostTask.POST)]


@pytest.mark.parametrize("effect", [*MONEY, *PAID, ghost(GhostTask.PAINT), ghost(GhostTask.STORE)], ids=repr)
def test_who_was_not_reached_is_tried_again(effect):
    """Nothing was done, so nothing is in doubt."""
    assert follows(effect, AWAY) == Retry(FIRST_DELAY, in_doubt=False)


@pytest.mark.parametrize("effect", [CREDIT, SUMMONS], ids=repr)
def test_points_whose_answer_was_lost_are_in_doubt(effect):
    """They are looked for, soon: the time to settle begins with the ledger's first answer."""
    assert follows(effect, LOST) == Retry(FIRST_DELAY, in_doubt=True)
    assert follows(effect, LOST, attempts=7) == Retry(FIRST_DELAY * 64, in_doubt=True)


def test_a_look_that_is_lost_is_no_doubt():
    """It changes nothing, and is taken again."""
    for failure in (AWAY, LOST):
        assert follows(CHECK, failure) == Retry(FIRST_DELAY, in_doubt=False)
    assert follows(CHECK, AWAY, attempts=MAX_POINTS_ATTEMPTS) == Park(
        f"tried {MAX_POINTS_ATTEMPTS} times: away"
    )


@pytest.mark.parametrize("task", [GhostTask.PAY, GhostTask.REFUND])
def test_a_reservation_is_decided_once_however_often_it_is_asked_for(task):
    """A lost answer to a decision is no doubt, since asking again tells."""
    assert follows(ghost(task), LOST) == Retry(FIRST_DELAY, in_doubt=False)


@pytest.mark.parametrize("task", [GhostTask.PAINT, GhostTask.STORE])
@pytest.mark.parametrize("failure", [AWAY, LOST])
def test_a_viewer_does_not_wait_for_ever(task, failure):
    """Painting and storing twice does no harm; after a few tries there is no ghost."""
    assert follows(ghost(task), failure) == Retry(FIRST_DELAY, in_doubt=False)
    assert follows(ghost(task), failure, attempts=MAX_GHOST_ATTEMPTS - 1).in_doubt is False
    assert follows(ghost(task), failure, attempts=MAX_GHOST_ATTEMPTS) == GiveUp(str(failure))


@pytest.mark.parametrize("failure", [NO, ContentRefused("no horror, please")])
@pytest.mark.parametrize("task", [GhostTask.PAINT, GhostTask.STORE])
def test_what_is_refused_is_no_ghost_at_once(task, failure):
    """The painter's words are for the viewer."""
    assert follows(ghost(task), failure) == GiveUp(str(failure))


def test_who_cannot_pay_gets_no_ghost():
    """It is no failure that somebody must look at."""
    assert follows(SUMMONS, NotEnoughPoints("not enough points")) == GiveUp("not enough points")


@pytest.mark.parametrize("effect", [*MONEY, ghost(GhostTask.POST)], ids=repr)
def test_what_is_refused_for_good_is_left_to_a_person(effect):
    """What is refused for good is parked with the reason."""
    assert follows(effect, NO) == Park("it was refused: no")


@pytest.mark.parametrize("effect", [*MONEY, ghost(GhostTask.POST)], ids=repr)
def test_after_a_day_a_person_is_asked(effect):
    """Points and posts are tried for long, and never dropped."""
    assert follows(effect, AWAY, attempts=MAX_POINTS_ATTEMPTS - 1) == Retry(LONGEST_DELAY, in_doubt=False)
    assert follows(effect, AWAY, attempts=MAX_POINTS_ATTEMPTS) == Park(
        f"tried {MAX_POINTS_ATTEMPTS} times: away"
    )


def test_a_ghost_that_is_paid_is_shown_in_the_end():
    """That is in nobody's hands but ours."""
    for failure in (AWAY, LOST, NO):
        assert follows(ghost(GhostTask.SHOW), failure, attempts=10 * MAX_POINTS_ATTEMPTS) == Retry(
            LONGEST_DELAY, in_doubt=False
        )


def test_what_may_have_been_posted_is_not_posted_again():
    """Two of a ghost would be worse than none."""
    assert follows(ghost(GhostTask.POST), LOST) == Park("it may have been posted: lost")


def test_each_failure_is_waited_for_twice_as_long_up_to_a_limit():
    """Each delay is twice the one before, up to a limit, times a chance of 0.5 to 1."""
    delays = [back_off(attempts, 1.0) for attempts in range(1, 12)]
    assert delays[:4] == [FIRST_DELAY, FIRST_DELAY * 2, FIRST_DELAY * 4, FIRST_DELAY * 8]
    assert delays == sorted(delays)
    assert delays[-1] == back_off(10**6, 1.0) == LONGEST_DELAY
    assert back_off(3, 0.0) == FIRST_DELAY * 2
    assert back_off(3, 0.5) == FIRST_DELAY * 3


def test_whoever_retries_may_name_limits_of_its_own():
    """The first delay is doubled until the longest is reached, whatever both are."""
    limits = {"first": timedelta(seconds=0.1), "longest": timedelta(seconds=2)}
    delays = [back_off(attempts, 1.0, **limits).total_seconds() for attempts in (1, 2, 3, 4, 5, 6, 7, 10**6)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2]
