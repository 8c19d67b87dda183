"""What a failure means: try again, give up, or leave it to a person."""

from datetime import timedelta

from attrs import frozen

from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, CheckForDouble, Effect, SummonGhost
from showtime_core.domain.points_and_ghosts.ghosts import Task
from showtime_core.errors import Ambiguous, NotEnoughPoints, Refused, ShowtimeError, Unforeseen

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
"""An outage of a night is followed within five minutes of its end."""

PATIENT = 300
"""Tries, a day of them: what moves points, and what was paid for."""
BRIEF = 6
"""Tries, half a minute of them: a viewer waits for the ghost, and can ask again.

Also of what fails by a fault of ours: the other effects of its lane wait for it.
"""


@frozen
class Again:
    """Try again after a while."""

    delay: timedelta
    in_doubt: bool
    """Whether this try may have been performed."""


@frozen
class GiveUp:
    """There is no ghost: what was reserved is given back, and the reason is kept."""

    reason: str


@frozen
class LeaveIt:
    """Park it, for a person to decide."""

    reason: str


Consequence = Again | GiveUp | LeaveIt


def consequence(  # noqa: PLR0911 - one table
    effect: Effect, failure: ShowtimeError, attempts: int, chance: float
) -> Consequence:
    """Tell what follows from the failure of a try.

    `chance`, from 0 to 1, spreads the tries of those that failed together. The next try of one whose answer
    was lost only looks: see `use_cases.perform`.
    """
    delay = back_off(attempts, chance)
    why = str(failure)
    match effect, failure:
        case AdvanceGhost(_, _, Task.PAINT | Task.STORE), _:
            # Painting or storing twice does no harm, so an answer that was lost is no answer.
            is_final = isinstance(failure, Refused) or attempts >= BRIEF
            return GiveUp(why) if is_final else Again(delay, in_doubt=False)
        case AdvanceGhost(_, _, Task.SHOW), _:
            return Again(delay, in_doubt=False)  # it is ours alone, and always possible in the end
        case AdvanceGhost(_, _, Task.POST), Ambiguous():
            return LeaveIt(f"it may have been posted: {why}")
        case SummonGhost(), NotEnoughPoints():
            return GiveUp(why)
        case _, Refused():
            return LeaveIt(f"it was refused: {why}")
        case _, Unforeseen() if attempts >= BRIEF:  # a fault of ours does not mend itself
            return LeaveIt(f"tried {attempts} times: {why}")
        case _ if attempts >= PATIENT:
            return LeaveIt(f"tried {attempts} times: {why}")
        case AdvanceGhost() | CheckForDouble(), _:
            return Again(delay, in_doubt=False)  # what was decided already is not decided again
        case _:
            return Again(delay, in_doubt=isinstance(failure, Ambiguous))


def back_off(
    attempts: int, chance: float, *, first: timedelta = FIRST_DELAY, longest: timedelta = LONGEST_DELAY
) -> timedelta:
    """Tell how long to wait after so many failed attempts (1 or more): twice as long each time, to a limit.

    `chance`, from 0 to 1, gives half of that or more up to all of it, so that those who failed together do
    not come back together. Effects have the limits that nobody names; whoever else retries names its own.
    """
    doubled: int = 2 ** min(attempts - 1, 20)
    return min(first * doubled, longest) * (1 + chance) / 2
