"""Bugs that are planted in the code of the service are found by a few seeded nights."""

import pytest

from showtime_app.web.routes import streams
from showtime_core.domain import reactions
from showtime_core.domain.broadcasts import timeline
from showtime_core.domain.show import taking
from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.series import play_series
from showtime_core.use_cases import group_commit, perform
from support.seeded import SERVED, planted

BUGS = {
    "a night begins when Twitch has said so": (
        timeline,
        "_moment",
        "return min(fact.started_at, fact.sent_at)",
        "return fact.sent_at",
        "the nights are not those of the reference",
    ),
    "the alert of a gift says 1": (
        reactions,
        "_gift",
        "alerts.GiftSubAlert(_name(event.viewer), event.total)",
        "alerts.GiftSubAlert(_name(event.viewer), 1)",
        "the alerts are not those of the reference",
    ),
    "two overlays lead": (
        taking,
        "_answered",
        "if show.leader != overlay:",
        "if False:",
        " lead",
    ),
    "a resume off by one": (
        streams,
        "resumed",
        "partial(source.missed, after)",
        "partial(source.missed, after + 1)",
        "has not seen every alert once",
    ),
    "a credit twice after an ambiguous answer": (
        perform,
        "_move_points_once",
        "if job.in_doubt_for is None:",
        "if True:",
        "points were moved twice",
    ),
    "a pending reservation counted as paid": (
        perform,
        "_pay",
        "        await services.ledger.accept(ghost.viewer, _flow_id_of(ghost))\n",
        "        await services.account.find(ghost.viewer, _flow_id_of(ghost))\n",
        "check_points",
    ),
    "a commit that loses one of its batch": (
        group_commit,
        "Gathering._commit",
        "items = [item for item, _ in batch]",
        "items = [item for item, _ in batch][:1]",
        "are not recorded",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found_within_a_few_nights(bug):
    """A bug of one line in receiving, performing or showing makes one of twenty nights fail, and rightly."""
    module, name, right, wrong, reason = BUGS[bug]
    with planted(module, name, right, wrong):
        series = play_series(0, 20, parts=SERVED)
    assert series.failed, f"not found in {series.nights} nights"
    assert reason in explain(series.failed.failure)
