"""Links are tried in one run at a time, and the callback once a minute at most."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from showtime_core.domain.preflight.links import Link
from showtime_core.domain.preflight.runs import LONGEST_RUN, Preflight, PreflightRun, begin_run, end_run
from showtime_core.errors import AlreadyUnderWay, LimitReached

ONE, OTHER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 10, 30, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_run_holds_up_others_until_it_ends():
    """A second run is refused, with how long to wait, until the first has ended or can go on no longer."""
    run = begin_run(PreflightRun(), ONE, [Link.DISCORD], NOW)
    with pytest.raises(AlreadyUnderWay) as refused:
        begin_run(run, OTHER, [Link.STORAGE], NOW + 10 * SECOND)
    assert refused.value.retry_after == 20 * SECOND
    assert begin_run(end_run(run, ONE, NOW), OTHER, [Link.STORAGE], NOW + SECOND).id == OTHER
    assert begin_run(run, OTHER, [Link.STORAGE], NOW + LONGEST_RUN).id == OTHER


def test_a_run_ends_no_other():
    """A run whose place was taken, since nothing was heard of it, does not end the one that took it."""
    run = begin_run(PreflightRun(), OTHER, [Link.DISCORD], NOW)
    assert end_run(run, ONE, NOW + SECOND) == run


def test_the_callback_is_tried_once_a_minute():
    """The callback is refused for a minute, with how much of it is left, and all other links are not."""
    run = end_run(begin_run(PreflightRun(), ONE, Link, NOW), ONE, NOW + 5 * SECOND)
    for links in (tuple(Link), (Link.CALLBACK,)):
        with pytest.raises(LimitReached) as refused:
            begin_run(run, OTHER, links, NOW + 20 * SECOND)
        assert refused.value.retry_after == 40 * SECOND
    again = begin_run(run, OTHER, [Link.DISCORD], NOW + 20 * SECOND)
    again = end_run(again, OTHER, NOW + 21 * SECOND)
    with pytest.raises(LimitReached):
        begin_run(again, ONE, [Link.CALLBACK], NOW + 59 * SECOND)
    assert begin_run(again, ONE, [Link.CALLBACK], NOW + 60 * SECOND).callback_at == NOW + 60 * SECOND


def test_all_links_are_told_in_their_order():
    """All twelve links are told, those that were never tried as well, always in the same order."""
    assert [link for link, _ in Preflight(NOW).in_order()] == [
        *("callback", "consent", "auth", "ledger", "openai", "storage"),
        *("discord", "chat", "database", "disk", "clock", "overlay"),
    ]
