"""A showing is acknowledged after it was painted and played."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.show.acknowledging import acknowledge, renew
from showtime_core.domain.show.leading import report
from showtime_core.domain.show.queue import (
    LEASE,
    QueuedAlert,
    Show,
    ShowingState,
    end_leases,
    first_showing,
    next_showing_id,
)
from showtime_core.errors import ShowingOver
from showtime_core.testing.entries import at

ALERT = QueuedAlert(1, "follow", at(0))
PLAYING = evolve(
    first_showing(ALERT, ShowingState.PLAYING),
    overlay="obs",
    seconds=4.0,
    began_at=at(0),
    leased_until=at(0) + LEASE,
)
SHOW = report(report(Show(at(0), cursor=1, read_until=1), "obs", 1), "obs", 60).with_showings(PLAYING)


def after(seconds):
    return evolve(SHOW, now=at(0) + timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "is_taken"), [(3.5, False), (3.6, True), (4.9, True), (600, True)])
def test_a_showing_lasts_nine_tenths_of_its_time_at_least(seconds, is_taken):
    """An acknowledgement counts once it has played, by a clock that may differ; also long after its lease."""
    frames = 60 + round(60 * seconds)
    if not is_taken:
        with pytest.raises(ShowingOver, match="too early: it plays for 4 seconds"):
            acknowledge(after(seconds), PLAYING.id, "obs", frames)
        return
    [shown] = acknowledge(after(seconds), PLAYING.id, "obs", frames).showings.values()
    assert shown.state is ShowingState.SHOWN
    assert shown.ended_at == min(at(0) + timedelta(seconds=4), after(seconds).now)


@pytest.mark.parametrize("state", [ShowingState.HELD, ShowingState.SKIPPED])
def test_what_the_host_has_decided_stays(state):
    """A late acknowledgement changes nothing of what the host has decided about the alert since."""
    show = end_leases(after(6))
    following = evolve(show.showings[next_showing_id(PLAYING.id)], state=state)
    with pytest.raises(ShowingOver, match=f"the showing is over: {state}"):
        acknowledge(show.with_showings(following), PLAYING.id, "obs", 420)


def test_a_third_interrupted_showing_may_still_be_acknowledged():
    """What was given up for missed was shown, if its overlay says so late: nobody has taken it since."""
    third = evolve(PLAYING, attempt=3)
    show = end_leases(after(6).with_showings(third))
    assert show.showings[third.id].state is ShowingState.MISSED
    assert acknowledge(show, third.id, "obs", 420).showings[third.id].state is ShowingState.SHOWN


def test_a_lease_is_renewed_from_now():
    """A renewed lease holds for five seconds; one that is not painting keeps what is left."""
    show, renewal = renew(after(0.5), PLAYING.id, "obs", 90)
    assert (renewal.holds_for, renewal.is_renewed) == (LEASE, True)
    assert show.playing.leased_until == after(0.5).now + LEASE
    show, renewal = renew(after(2), PLAYING.id, "obs", 180)
    assert (renewal.holds_for, renewal.is_renewed) == (timedelta(seconds=3), False)
    assert show.playing.leased_until == PLAYING.leased_until
