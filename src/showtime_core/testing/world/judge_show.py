"""What must hold of the show: by what overlays have seen, and by its records."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from showtime_core.domain.show.queue import Showing, ShowingState, next_showing_id

if TYPE_CHECKING:
    from showtime_core.testing.world.world import World

_NOT_SHOWN = {ShowingState.SKIPPED, ShowingState.MISSED, ShowingState.INTERRUPTED}


def check_the_show(world: "World", alerts: Sequence[int]) -> None:
    """Each alert has one complete showing, or a recorded reason for none."""
    showings = world.show.all_showings
    firsts = [each for each in showings.values() if each.attempt == 1 and not each.is_again]
    covered = sorted(number for each in firsts for number in each.covers)
    assert covered == sorted(alerts), "each alert is in one showing"
    for first in firsts:
        tries = _tries(first, showings)
        states = [each.state for each in tries]
        assert states[:-1] == [ShowingState.INTERRUPTED] * (len(states) - 1), "a try follows an interruption"
        last = tries[-1]
        assert last.state is ShowingState.SHOWN or (last.state in _NOT_SHOWN and last.reason), last
    assert not [each for each in showings.values() if each.state is ShowingState.PLAYING], (
        "something still plays"
    )


def _tries(first: Showing, showings: dict[UUID, Showing]) -> list[Showing]:
    tries = [first]
    while following := showings.get(next_showing_id(tries[-1].id)):
        tries.append(following)
    return tries
