"""What is observed is what happened, and no more."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta

import pytest
from attrs import Factory, define

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.writability import Writability
from showtime_app.instrumented import InstrumentedChatLog, InstrumentedUnitOfWork
from showtime_app.metrics import Metrics
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatCleared, GhostRequested
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.reactions import Policy
from showtime_core.errors import LimitReached, Unavailable
from showtime_core.testing.entries import MARGE, at, cheers
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import plan_command, receive

LAG = "showtime_chat_lag_seconds_"


@define
class Log:
    """A log that may be away."""

    is_away: bool = False
    written: list[ChatReport] = Factory(list)

    async def write(self, heard: Sequence[ChatReport]) -> None:
        if self.is_away:
            raise Unavailable
        self.written += heard


def sent(seconds: float) -> ChatReport:
    return ChatReport(ChatCleared(), sent_at=at(0) + timedelta(seconds=seconds))


async def test_the_lag_of_chat_is_measured_once_it_is_written():
    """Lag is measured from Twitch's stamp, never negative, and not at all without a stamp."""
    metrics, log = Metrics(), Log()
    observed = InstrumentedChatLog(log, metrics, Writability(make_pool("")), lambda: at(0))
    await observed.write([sent(-2.0), sent(-0.5), sent(+9.0), ChatReport(ChatCleared())])
    log.is_away = True
    with pytest.raises(Unavailable):
        await observed.write([sent(-100.0)])
    assert len(log.written) == 4
    registry = metrics.registry
    assert registry.get_sample_value(f"{LAG}count") == 3
    assert registry.get_sample_value(f"{LAG}sum") == pytest.approx(2.5)
    assert registry.get_sample_value(f"{LAG}bucket", {"le": "0.5"}) == 2


class Unasked:
    """Notes nothing of what is written, for nobody asks."""

    def watched(self):
        return nullcontext()

    def succeeded(self):
        pass


async def test_a_ghost_that_is_not_made_is_told_to_the_operator(caplog):
    """Of a request that is refused and of a cheer whose ghost is skipped: it is counted and logged."""
    metrics = Metrics()
    units = InstrumentedUnitOfWork(MemoryUnitOfWork(), metrics, Unasked())
    policy = Policy(ghost_limits=GhostLimits(waiting=1))
    await receive([cheers("first"), cheers("second")], units, policy)
    with pytest.raises(LimitReached):
        await units.record([entry("third", GhostRequested(MARGE, "Bob"))], policy, plan_command)
    assert metrics.registry.get_sample_value("showtime_denied_ghosts_total") == 2
    told = [line for line in caplog.records if line.levelname == "WARNING"]
    assert [line.message_id for line in told] == ["second", "third"]
    assert all("waiting already" in line.getMessage() for line in told)
