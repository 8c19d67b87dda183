"""What a night came to so far: its sums, and the points and ghosts of each ten minutes for a small plot."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST

SLOT = timedelta(minutes=10)
"""The time that one step of a plot stands for."""
POINTS = "points"
"""What is tallied beside the types of alerts: points that were credited."""


@frozen
class NightTally:
    """How much of one thing there was within one slot."""

    at: datetime
    """When the slot begins."""
    what: str
    """The `type` of an alert, or POINTS."""
    number: int
    """How many."""
    amount: int
    """How much in all: bits, gift subscriptions, people of raids, points; 0 for all else."""


@frozen
class PlotStep:
    """What there was within one slot."""

    at: datetime
    points: int
    ghosts: int


@frozen
class NightTotals:
    """What the night came to."""

    since: datetime | None
    now: datetime
    follows: int = 0
    bits: int = 0
    subs: int = 0
    gifts: int = 0
    raids: int = 0
    ghosts: int = 0
    points_earned: int = 0
    """Credited, as far as the ledger has answered."""
    points_spent: int = 0
    """On ghosts."""
    plot: tuple[PlotStep, ...] = ()
    """In order; slots without either are left out."""


def add_up(since: datetime | None, now: datetime, tallies: Sequence[NightTally]) -> NightTotals:
    """Add up what was tallied."""

    def number(what: str) -> int:
        return sum(each.number for each in tallies if each.what == what)

    def amount(what: str) -> int:
        return sum(each.amount for each in tallies if each.what == what)

    ghosts = "generated-images"
    slots = sorted({each.at for each in tallies if each.what in {POINTS, ghosts}})
    return NightTotals(
        since,
        now,
        follows=number("follow"),
        bits=amount("cheer"),
        subs=number("subscribe"),
        gifts=amount("gift-sub"),
        raids=number("raid"),
        ghosts=number(ghosts),
        points_earned=amount(POINTS),
        points_spent=number(ghosts) * POINTS_PER_GHOST,
        plot=tuple(
            PlotStep(
                at,
                sum(each.amount for each in tallies if (each.at, each.what) == (at, POINTS)),
                sum(each.number for each in tallies if (each.at, each.what) == (at, ghosts)),
            )
            for at in slots
        ),
    )
