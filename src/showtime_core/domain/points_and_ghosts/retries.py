"""What a failure means: try again, give up, or leave it to a person."""

from datetime import timedelta

from attrs import frozen

from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, CheckForDouble, Effect, SummonGhost
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.errors import Ambiguous, NotEnoughPoints, Refused, ShowtimeError, Unforeseen

FIRST_DELAY = timedelta(seconds=1)
"""How long to wait after the first failure; after each one more, longer."""
LONGEST_DELAY = timedelta(minutes=5)
"""So when an outage is over, even one of a whole night, the next try comes within five minutes."""

MAX_POINTS_ATTEMPTS = 300
"""How often to try what moves points, or what was paid for: about a day of tries."""
MAX_GHOST_ATTEMPTS = 6
"""How often to try what a ghost needs before it is paid: half a minute of tries, since a viewer waits for it
and can ask again.

An effect that fails by a fault of ours (`Unforeseen`) is parked after as many tries: the other effects of its
lane wait for it.
"""


@frozen
class Retry:
    """Try again after a delay."""

    delay: timedelta
    in_doubt: bool
    """Whether this try may have been performed."""


@frozen
class GiveUp:
    """There will be no ghost: the reserved points are given back, and the reason is kept."""

    reason: str


@frozen
class Park:
    """Set the effect aside for a person to decide, with the reason."""

    reason: str


Consequence = Retry | GiveUp | Park
"""Whatever a failure may lead to."""


def consequence(  # noqa: PLR0911 - one table
    effect: Effect, failure: ShowtimeError, attempts: int, chance: float
) -> Consequence:
    """Tell what follows from the failure of a try.

    `chance`, from 0 to 1, spreads out the next tries of effects that failed together. When the answer of a
    try was lost, the next try looks first whether it was performed: see `use_cases.perform`.
    """
    delay = back_off(attempts, chance)
    why = str(failure)
    match effect, failure:
        case AdvanceGhost(_, _, GhostTask.PAINT | GhostTask.STORE), _:
            # Painting or storing twice does no harm, so an answer that was lost is no answer.
            is_final = isinstance(failure, Refused) or attempts >= MAX_GHOST_ATTEMPTS
            return GiveUp(why) if is_final else Retry(delay, in_doubt=False)
        case AdvanceGhost(_, _, GhostTask.SHOW), _:
            return Retry(delay, in_doubt=False)  # it is ours alone, and always possible in the end
        case AdvanceGhost(_, _, GhostTask.POST), Ambiguous():
            return Park(f"it may have been posted: {why}")
        case SummonGhost(), NotEnoughPoints():
            return GiveUp(why)
        case _, Refused():
            return Park(f"it was refused: {why}")
        case _, Unforeseen() if attempts >= MAX_GHOST_ATTEMPTS:  # a fault of ours does not mend itself
            return Park(f"tried {attempts} times: {why}")
        case _ if attempts >= MAX_POINTS_ATTEMPTS:
            return Park(f"tried {attempts} times: {why}")
        case AdvanceGhost() | CheckForDouble(), _:
            return Retry(delay, in_doubt=False)  # a reservation is accepted or rejected once
        case _:
            return Retry(delay, in_doubt=isinstance(failure, Ambiguous))


def back_off(
    attempts: int, chance: float, *, first: timedelta = FIRST_DELAY, longest: timedelta = LONGEST_DELAY
) -> timedelta:
    """Give the delay before the next try: 1 s doubled with each attempt up to 5 min, times 0.5 to 1.

    `chance`, from 0 to 1, spreads out the next tries of what failed together.
    """
    doubled: int = 2 ** min(attempts - 1, 20)
    return min(first * doubled, longest) * (1 + chance) / 2
