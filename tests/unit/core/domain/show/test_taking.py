"""What is taken next."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.show.kind_rules import IfBusy, KindRule
from showtime_core.domain.show.leading import report
from showtime_core.domain.show.queue import Modes, QueuedAlert, Show, Showing, ShowingState, first_showing
from showtime_core.domain.show.taking import (
    OverlayRole,
    Wait,
    as_it_stands,
    leader_of,
    sort_out,
    take_next,
)
from showtime_core.testing.entries import at

ALERTS = tuple(QueuedAlert(number, "raid", at(0)) for number in range(1, 4))
LED = report(report(Show(at(0), cursor=0, read_until=3), "obs", 1), "obs", 2)


def test_nothing_is_taken_while_ads_run():
    """While ads run nothing is taken; with their end the next alert is."""
    show = evolve(LED, arrivals=ALERTS, modes=Modes(ads_until=at(0.5)))
    after, answer = take_next(show, "obs", 3)
    assert (answer.role, answer.wait, after.playing) == (OverlayRole.LEADER, Wait.ADS, None)
    after, answer = take_next(evolve(show, modes=Modes(ads_until=show.now)), "obs", 3)
    assert answer.playing == after.playing
    assert answer.playing.alert == ALERTS[0]


def test_what_is_shown_again_comes_first():
    """What the host has shown again comes before what waits, and what was put back in its own place."""
    again = Showing(
        LED.now and first_showing(evolve(ALERTS[0], id=9), ShowingState.WAITING).id,
        evolve(ALERTS[0], id=9),
        ShowingState.WAITING,
        at(0),
        is_again=True,
    )
    back = evolve(first_showing(ALERTS[1], ShowingState.WAITING), attempt=2)
    show = evolve(LED, arrivals=(ALERTS[0], ALERTS[2])).with_showings(again, back)
    assert [each.alert.id for each in sort_out(show).ready] == [9, 1, 2, 3]


@pytest.mark.parametrize(("seconds", "ready"), [(9.9, 0), (10, 1)])
def test_a_joined_kind_waits_ten_seconds(seconds, ready):
    """A joined kind can be taken ten seconds after its first, with all that have come by then."""
    late = evolve(ALERTS[2], at=at(0) + timedelta(seconds=seconds))
    show = evolve(LED, now=late.at, arrivals=(*ALERTS[:2], late), rules={"raid": KindRule(is_joined=True)})
    queue = as_it_stands(show)
    assert len(queue.ready) == ready
    assert [each.covers for each in queue.waiting] == [(1, 2, 3)]


def test_joined_alerts_have_enough_bits():
    """A cheer of too few bits is not joined with others: it is skipped."""
    cheers = tuple(QueuedAlert(number, "cheer", at(0), bits) for number, bits in enumerate((100, 5, 100), 1))
    rule = KindRule(is_joined=True, min_bits=50)
    queue = sort_out(evolve(LED, arrivals=cheers, rules={"cheer": rule}))
    assert [each.covers for each in queue.gathering] == [(1, 3)]
    assert [(each.alert.id, each.reason) for each in queue.show.showings.values()] == [
        (2, "fewer than 50 bits")
    ]


def test_what_is_joined_is_not_skipped_as_busy_too():
    """Those that are joined with one that waits are part of it, also where their kind is skipped if busy."""
    rules = {"raid": KindRule(is_joined=True, if_busy=IfBusy.SKIP)}
    queue = sort_out(evolve(LED, arrivals=ALERTS, rules=rules))
    assert [each.covers for each in queue.gathering] == [(1, 2, 3)]
    assert queue.show.showings == {}


def test_what_came_while_something_played_is_skipped_as_busy():
    """A kind that is skipped if busy is compared with what played when it came, not with what plays now."""
    over = evolve(first_showing(ALERTS[0], ShowingState.SHOWN), began_at=at(0), ended_at=at(2))
    rules = {"raid": KindRule(if_busy=IfBusy.SKIP)}
    for minutes, count in ((1, 0), (2, 1)):
        alert = evolve(ALERTS[1], at=at(minutes))
        queue = sort_out(evolve(LED, now=at(3), latest=over, arrivals=(alert,), rules=rules))
        assert len(queue.ready) == count


def test_a_leader_that_is_gone_is_not_named():
    """Who leads is told only as long as it is there."""
    assert leader_of(LED) == "obs"
    assert leader_of(evolve(LED, now=at(1))) is None
