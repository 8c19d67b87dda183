"""The queue of what is on the screen, as one value."""

from datetime import timedelta

from attrs import evolve

from showtime_core.domain.show.queue import (
    LEASE,
    QueuedAlert,
    Show,
    ShowingState,
    end_leases,
    first_showing,
    next_showing_id,
)
from showtime_core.testing.entries import at

ALERT = QueuedAlert(7, "follow", at(0))
PLAYING = evolve(
    first_showing(ALERT, ShowingState.PLAYING), overlay="obs", began_at=at(1), leased_until=at(1) + LEASE
)


def test_an_alert_has_one_first_showing():
    """The id of a first showing follows from its alert, and that of each other from the one before."""
    first = first_showing(ALERT, ShowingState.WAITING)
    assert first.id == first_showing(ALERT, ShowingState.HELD, "why").id
    other = first_showing(evolve(ALERT, id=8), ShowingState.WAITING)
    assert len({first.id, other.id, next_showing_id(first.id), next_showing_id(other.id)}) == 4


def test_the_cursor_goes_as_far_as_alerts_are_decided():
    """The cursor stops before the first alert that waits, passes what is no alert, and never goes back."""
    waiting = tuple(QueuedAlert(number, "follow", at(0)) for number in (5, 7, 9))
    show = Show(at(1), cursor=3, arrivals=waiting, read_until=12)
    assert show.advanced().cursor == 4
    decided = show.with_showings(first_showing(waiting[1], ShowingState.HELD))
    assert decided.advanced().cursor == 4
    decided = decided.with_showings(first_showing(waiting[0], ShowingState.SKIPPED, joined=(9,)))
    assert decided.advanced().cursor == 12
    assert evolve(show, cursor=20).advanced().cursor == 20
    assert evolve(show, cursor=None).advanced().cursor is None


def test_a_lease_ends_at_its_time():
    """A lease holds until its very end, and then its alert waits again, from that moment."""
    show = Show(at(1) + LEASE - timedelta(microseconds=1), cursor=7, showings={PLAYING.id: PLAYING})
    assert end_leases(show) == show
    ended = end_leases(evolve(show, now=at(1) + LEASE))
    before, after = ended.showings[PLAYING.id], ended.showings[next_showing_id(PLAYING.id)]
    assert (before.state, before.ended_at) == (ShowingState.INTERRUPTED, at(1) + LEASE)
    assert (after.state, after.attempt, after.waiting_since) == (ShowingState.WAITING, 2, at(1) + LEASE)
    assert (after.overlay, after.began_at, ended.latest) == (None, None, before)
    assert end_leases(ended) == ended
