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
from showtime_core.domain.points_and_ghosts.ghosts import Task
from showtime_core.domain.points_and_ghosts.retries import (
    BRIEF,
    FIRST_DELAY,
    LONGEST_DELAY,
    PATIENT,
    Again,
    GiveUp,
    LeaveIt,
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
MONEY = [CREDIT, SUMMONS, ghost(Task.PAY), ghost(Task.REFUND)]
PAID = [ghost(Task.SHOW), ghost(Task.POST)]


@pytest.mark.parametrize("effect", [*MONEY, *PAID, ghost(Task.PAINT), ghost(Task.STORE)], ids=repr)
def test_who_was_not_reached_is_tried_again(effect):
    """Nothing was done, so nothing is in doubt."""
    assert follows(effect, AWAY) == Again(FIRST_DELAY, in_doubt=False)


@pytest.mark.parametrize("effect", [CREDIT, SUMMONS], ids=repr)
def test_points_whose_answer_was_lost_are_in_doubt(effect):
    """They are looked for, soon: the time to settle begins with the ledger's first answer."""
    assert follows(effect, LOST) == Again(FIRST_DELAY, in_doubt=True)
    assert follows(effect, LOST, attempts=7) == Again(FIRST_DELAY * 64, in_doubt=True)


def test_a_look_that_is_lost_is_no_doubt():
    """It changes nothing, and is taken again."""
    for failure in (AWAY, LOST):
        assert follows(CHECK, failure) == Again(FIRST_DELAY, in_doubt=False)
    assert follows(CHECK, AWAY, attempts=PATIENT) == LeaveIt(f"tried {PATIENT} times: away")


@pytest.mark.parametrize("task", [Task.PAY, Task.REFUND])
def test_a_reservation_is_decided_once_however_often_it_is_asked_for(task):
    """So a lost answer is no doubt: asking again tells."""
    assert follows(ghost(task), LOST) == Again(FIRST_DELAY, in_doubt=False)


@pytest.mark.parametrize("task", [Task.PAINT, Task.STORE])
@pytest.mark.parametrize("failure", [AWAY, LOST])
def test_a_viewer_does_not_wait_for_ever(task, failure):
    """Painting and storing twice does no harm; after a few tries there is no ghost."""
    assert follows(ghost(task), failure) == Again(FIRST_DELAY, in_doubt=False)
    assert follows(ghost(task), failure, attempts=BRIEF - 1).in_doubt is False
    assert follows(ghost(task), failure, attempts=BRIEF) == GiveUp(str(failure))


@pytest.mark.parametrize("failure", [NO, ContentRefused("no horror, please")])
@pytest.mark.parametrize("task", [Task.PAINT, Task.STORE])
def test_what_is_refused_is_no_ghost_at_once(task, failure):
    """The painter's words are for the viewer."""
    assert follows(ghost(task), failure) == GiveUp(str(failure))


def test_who_cannot_pay_gets_no_ghost():
    """It is no failure that somebody must look at."""
    assert follows(SUMMONS, NotEnoughPoints("not enough points")) == GiveUp("not enough points")


@pytest.mark.parametrize("effect", [*MONEY, ghost(Task.POST)], ids=repr)
def test_what_is_refused_for_good_is_left_to_a_person(effect):
    """With the reason."""
    assert follows(effect, NO) == LeaveIt("it was refused: no")


@pytest.mark.parametrize("effect", [*MONEY, ghost(Task.POST)], ids=repr)
def test_after_a_day_a_person_is_asked(effect):
    """Points and posts are tried for long, and never dropped."""
    assert follows(effect, AWAY, attempts=PATIENT - 1) == Again(LONGEST_DELAY, in_doubt=False)
    assert follows(effect, AWAY, attempts=PATIENT) == LeaveIt(f"tried {PATIENT} times: away")


def test_a_ghost_that_is_paid_is_shown_in_the_end():
    """That is in nobody's hands but ours."""
    for failure in (AWAY, LOST, NO):
        assert follows(ghost(Task.SHOW), failure, attempts=10 * PATIENT) == Again(
            LONGEST_DELAY, in_doubt=False
        )


def test_what_may_have_been_posted_is_not_posted_again():
    """Two of a ghost would be worse than none."""
    assert follows(ghost(Task.POST), LOST) == LeaveIt("it may have been posted: lost")


def test_each_failure_is_waited_for_twice_as_long_up_to_a_limit():
    """And what failed together is spread: between half of that and all of it."""
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
