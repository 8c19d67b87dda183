"""What runs beside the web application begins and ends in order."""

import asyncio
from contextlib import asynccontextmanager

from showtime_app.composition import lifecycle
from showtime_app.composition.lifecycle import log_readiness, running
from showtime_core.errors import Unavailable


async def test_what_was_opened_first_is_closed_last():
    """Resources open in their order before any work begins; it has ended before they close, in reverse."""
    told = []

    @asynccontextmanager
    async def resource(name):
        told.append(f"{name} opens")
        yield
        told.append(f"{name} closes")

    async def work():
        told.append("work begins")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("work ends")

    async with running([resource("pool"), resource("relay")], [work]):
        await asyncio.sleep(0)
        assert told == ["pool opens", "relay opens", "work begins"]
    assert told[3:] == ["work ends", "relay closes", "pool closes"]


async def test_work_that_fails_is_logged_and_stops_nothing(caplog):
    """Work that ends with an error is told to the operator, and what runs beside it goes on."""
    is_failing, goes_on = asyncio.Event(), asyncio.Event()

    async def fail():
        await is_failing.wait()
        raise ZeroDivisionError

    async def go_on():
        while not caplog.records:  # noqa: ASYNC110 - the log has no event
            await asyncio.sleep(0)
        goes_on.set()

    async with running([], [fail, go_on]):
        is_failing.set()
        await asyncio.wait_for(goes_on.wait(), 30)
    [line] = caplog.records
    assert line.exc_info[0] is ZeroDivisionError
    assert line.getMessage() == "something ended that must run beside the service"


async def test_it_is_ready_when_it_can_be_used_and_no_sooner(caplog, monkeypatch):
    """That it is ready is told once its database is; until then each reason why not is told once."""
    monkeypatch.setattr(lifecycle, "_LOOK_SECONDS", 0)
    caplog.set_level("INFO", "showtime_app")
    reasons = ["no connection", "no connection", "002_journal is missing"]

    async def check():
        if reasons:
            raise Unavailable(reasons.pop(0))

    await log_readiness(check)
    assert [(line.levelname, line.getMessage()) for line in caplog.records] == [
        ("WARNING", "not ready yet: no connection"),
        ("WARNING", "not ready yet: 002_journal is missing"),
        ("INFO", "showtime is ready"),
    ]
