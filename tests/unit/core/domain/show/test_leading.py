"""Only who is painting leads."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.show.leading import (
    drop_missed,
    has_painted_since_report,
    is_led,
    is_painting,
    report,
)
from showtime_core.domain.show.queue import Modes, OverlayReport, Pause, QueuedAlert, Show, ShowingState
from showtime_core.testing.entries import at

SHOW = Show(at(0), cursor=0)


def later(show, seconds):
    return evolve(show, now=show.now + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("frames", "seconds", "proves"),
    [(101, 1.0, True), (101, 1.01, False), (100, 0.5, False), (99, 0.5, False), (10**15, 0, True)],
)
def test_the_count_of_frames_must_grow_within_a_second(frames, seconds, proves):
    """Only a count that has grown between two reports, a second apart at most, proves painting."""
    show = report(later(report(SHOW, "obs", 100), seconds), "obs", frames)
    assert is_painting(show, "obs") is proves
    assert (show.leader == "obs") is proves
    assert (show.painted_at is not None) is proves


def test_a_proof_holds_for_a_second():
    """Who has proved to paint counts as painting for a second, whatever is reported meanwhile."""
    show = report(report(SHOW, "obs", 1), "obs", 2)
    assert is_painting(report(later(show, 1), "obs", 2), "obs")
    assert not is_painting(report(later(show, 1.01), "obs", 2), "obs")


def test_a_page_that_was_loaded_again_begins_anew():
    """A count that is lower than before proves nothing, and the next one counts from it."""
    show = report(report(SHOW, "obs", 900), "obs", 3)
    assert not is_painting(show, "obs")
    assert is_painting(report(show, "obs", 4), "obs")


def test_a_leader_keeps_its_place_for_three_seconds():
    """Nobody takes the place of a leader that has proved to paint within three seconds."""
    show = report(report(SHOW, "obs", 1), "obs", 2)
    assert is_led(later(show, 2.9))
    for seconds, leader in ((2.9, "obs"), (3.0, "second")):
        other = report(report(later(show, seconds), "second", 1), "second", 2)
        assert other.leader == leader


def test_overlays_that_are_long_gone_are_forgotten():
    """What an overlay reported is forgotten after an hour, so that pages that come and go are no burden."""
    show = report(later(report(SHOW, "old", 1), 3600), "obs", 1)
    assert list(show.overlays) == ["obs"]


@pytest.mark.parametrize(
    ("grown", "seconds", "painted"), [(60, 60, True), (59, 60, False), (1, 0.2, True), (0, 0, False)]
)
def test_who_paints_has_a_frame_a_second(grown, seconds, painted):
    """Whether an overlay went on painting is told by a frame a second since its last report."""
    show = later(evolve(SHOW, overlays={"obs": OverlayReport(100, SHOW.now)}), seconds)
    assert has_painted_since_report(show, "obs", 100 + grown) is painted
    assert has_painted_since_report(show, "forgotten", grown) is (grown > 0)


@pytest.mark.parametrize(
    ("minutes", "painted_at", "pauses", "paused_since", "is_missed"),
    [
        (10, None, [], None, True),
        (9.99, None, [], None, False),
        (19, 9.5, [], None, False),
        (20, 9.5, [], None, True),
        (14, None, [(-5, 2), (3, 5)], None, True),  # two minutes and two
        (13.9, None, [(-5, 2), (3, 5)], None, False),
        (25, None, [], 9.9, False),
        (25, None, [], 10.1, True),
    ],
)
def test_missed_is_what_waited_ten_minutes_unpainted(minutes, painted_at, pauses, paused_since, is_missed):
    """Ten minutes without an overlay count from the alert or the last painting, less all that was paused."""
    modes = Modes(
        pauses=tuple(Pause(at(since), at(until)) for since, until in pauses),
        paused_since=None if paused_since is None else at(paused_since),
    )
    alert = QueuedAlert(1, "follow", at(0))
    painted = None if painted_at is None else at(painted_at)
    show = drop_missed(evolve(SHOW, now=at(minutes), modes=modes, painted_at=painted, arrivals=(alert,)))
    assert [each.state for each in show.showings.values()] == ([ShowingState.MISSED] if is_missed else [])
    assert bool(show.arrivals) is not is_missed


def test_pauses_are_forgotten_once_something_is_painted():
    """Only pauses that may yet be counted are kept, however often the host pauses."""
    modes = Modes(pauses=(Pause(at(-2), at(-1)), Pause(at(-1), at(5))))
    show = report(report(evolve(SHOW, modes=modes), "obs", 1), "obs", 2)
    assert show.modes.pauses == (Pause(at(-1), at(5)),)
