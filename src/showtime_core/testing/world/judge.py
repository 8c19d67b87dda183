"""What must hold at the end of a night, whatever has happened in it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from showtime_core.domain.show.queue import Showing, ShowingState, next_showing_id
from showtime_core.testing.machines.effects_invariants import check_the_end
from showtime_core.testing.machines.effects_stage import read_stored
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import read_memory

if TYPE_CHECKING:
    from showtime_core.testing.world.audience import Watcher
    from showtime_core.testing.world.pages import OverlayPage
    from showtime_core.testing.world.world import World

_NOT_SHOWN = {ShowingState.SKIPPED, ShowingState.MISSED, ShowingState.INTERRUPTED}


async def judge(world: "World", watchers: Sequence["Watcher"], pages: Sequence["OverlayPage"]) -> None:
    """Check everything: what is kept, what was seen, what was paid and what was shown."""
    stored, memory = read_memory(world.units), world.units.memory
    names = {line.entry_id for line in stored.journal}
    assert world.sent.keys() <= names, f"{sorted(world.sent.keys() - names)} are not recorded"
    sent = dict(memory.journal) | world.sent
    check(stored, sent)
    check_the_journal_replays(stored, sent)
    _check_points_move_once(world)
    await check_the_end(read_stored(world.table), world.services, list(world.sent.values()), [])
    alerts = world.alerts()
    for watcher in watchers:
        watcher.check(alerts)
    _check_the_show(world, alerts, {each for page in pages for each in page.confirmed})


def _check_points_move_once(world: "World") -> None:
    """No points are moved twice for the same reason: no ledger here is later than it may be."""
    made = world.services.moved_by
    twice = sorted({key for key in made if made.count(key) > 1})
    assert not twice, "points were moved twice"


def _check_the_show(world: "World", alerts: Sequence[int], confirmed: set[UUID]) -> None:
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
    assert all(showings[name].state is ShowingState.SHOWN for name in confirmed), "confirmed is shown"
    _check_one_at_a_time(list(showings.values()))


def _tries(first: Showing, showings: dict[UUID, Showing]) -> list[Showing]:
    tries = [first]
    while following := showings.get(next_showing_id(tries[-1].id)):
        tries.append(following)
    return tries


def _check_one_at_a_time(showings: Sequence[Showing]) -> None:
    never = datetime.max.replace(tzinfo=UTC)
    began = sorted((each for each in showings if each.began_at), key=lambda each: each.began_at or never)
    assert sum(each.state is ShowingState.PLAYING for each in began) == 0, "something still plays"
