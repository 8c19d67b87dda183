"""Which links may be tried now: one preflight at a time, and the callback once a minute at most."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.preflight.links import Link, LinkResult
from showtime_core.errors import AlreadyUnderWay, LimitReached

LONGEST_RUN = timedelta(seconds=30)
"""All results are there by then; a run of which nothing is heard any more holds up nobody for longer."""
CALLBACK_EVERY = timedelta(minutes=1)
"""How often Twitch is made to challenge us at most."""


@frozen
class PreflightRun:
    """The latest run, on whichever instance."""

    id: UUID | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    callback_at: datetime | None = None
    """When the callback was last tried, in this run or before."""

    def is_under_way(self, now: datetime) -> bool:
        """Tell whether it goes on."""
        return bool(self.began_at and not self.ended_at and now - self.began_at < LONGEST_RUN)


@frozen
class Preflight:
    """What is known of all links: the latest result of each, and the latest run."""

    now: datetime
    """By the clock of whoever keeps it."""
    run: PreflightRun = PreflightRun()
    results: Mapping[Link, LinkResult] = {}

    @property
    def is_running(self) -> bool:
        """Tell whether links are being tried."""
        return self.run.is_under_way(self.now)

    def in_order(self) -> Sequence[tuple[Link, LinkResult | None]]:
        """List all links; None: it was never tried."""
        return [(link, self.results.get(link)) for link in Link]


def begin_run(before: PreflightRun, run_id: UUID, links: Collection[Link], now: datetime) -> PreflightRun:
    """Begin a run that tries these links.

    Raises AlreadyUnderWay while another goes on, and LimitReached if the callback was tried a moment ago.
    """
    if before.began_at and before.is_under_way(now):
        left = LONGEST_RUN - (now - before.began_at)
        raise AlreadyUnderWay("another preflight is under way", "preflight", left)
    is_called = Link.CALLBACK in links
    if is_called and before.callback_at and now - before.callback_at < CALLBACK_EVERY:
        left = CALLBACK_EVERY - (now - before.callback_at)
        raise LimitReached("the callback is tried once a minute at most", "callback", left)
    return PreflightRun(run_id, now, None, now if is_called else before.callback_at)


def end_run(before: PreflightRun, run_id: UUID, now: datetime) -> PreflightRun:
    """End a run, unless another has taken its place."""
    return evolve(before, ended_at=now) if before.id == run_id else before
