"""Named points of receiving, performing and showing, at each of which an instance can be killed.

An instance is armed before it begins: the named function is wrapped, in that process alone, and the process
kills itself as a crash does, when that function is entered or has returned for the n-th time. The code that
is tested knows nothing of it.
"""

import importlib
import inspect
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

from attrs import frozen

from support import forked


class Life(StrEnum):
    """What an instance does when it reaches a point."""

    RECEIVING = "receiving"
    PERFORMING = "performing"
    SHOWING = "showing"


@frozen
class Point:
    """A moment in the life of an instance: a function, as `module:name`, is entered or has returned."""

    life: Life
    at: str
    when: str

    def __str__(self) -> str:
        module, _, name = self.at.partition(":")
        return f"{module.rpartition('.')[2]}.{name} {self.when}"

    def find(self) -> tuple[Any, str, Callable[..., Any]]:
        """Find the function: what holds it, by which name. Raises ImportError or AttributeError."""
        module, _, path = self.at.partition(":")
        *owners, name = path.split(".")
        holder = importlib.import_module(module)
        for owner in owners:
            holder = getattr(holder, owner)
        return holder, name, getattr(holder, name)


def _points(life: Life, package: str, *named: str) -> list[Point]:
    """List points: each a function, and after it `>` where it is entered, `<` where it has returned."""
    found = list[Point]()
    for each in named:
        at, moments = each.split()
        found += [Point(life, f"{package}{at}", "enters" if m == ">" else "returns") for m in moments]
    return found


POINTS = (
    *_points(
        Life.RECEIVING,
        "showtime_",
        "adapters.twitch.eventsub:Receiver.receive ><",
        "core.use_cases.group_commit:Gathering._commit ><",
        "adapters.postgres.unit_of_work:PostgresUnitOfWork.record ><",
        "adapters.postgres.unit_of_work:PostgresUnitOfWork._record_as_assumed >",
        "adapters.postgres.unit_of_work:PostgresUnitOfWork._record_under_lock ><",
        "adapters.postgres.unit_of_work:_admit <",
        "adapters.postgres.unit_of_work:write_broadcasts <",
        "adapters.postgres.unit_of_work:write_changes ><",
        "adapters.postgres.unit_of_work:write_payments <",
    ),
    *_points(
        Life.PERFORMING,
        "showtime_",
        "adapters.postgres.living_session:LivingSession.lock <",
        "adapters.postgres.outbox:PostgresOutbox.recover ><",
        "adapters.postgres.outbox:PostgresOutbox.lease ><",
        "core.use_cases.dispatch:Dispatcher._settle >",
        "adapters.ledger:HttpLedger.credit ><",
        "adapters.ledger:HttpLedger.reserve ><",
        "adapters.ledger:HttpLedger.accept ><",
        "adapters.ledger:HttpLedger.reject ><",
        "adapters.ledger:HttpLedger.statement ><",
        "adapters.ledger:HttpLedger._trace >",
        "adapters.openai_images:OpenAIPainter.paint ><",
        "adapters.s3_storage:S3Bucket.store ><",
        "core.use_cases.perform:ghost_paid_entry <",
        "core.use_cases.perform:_advance <",
        "adapters.discord:DiscordGallery.post ><",
        "core.use_cases.dispatch:Dispatcher._write >",
        "adapters.postgres.outbox:PostgresOutbox.settle_all ><",
        "adapters.postgres.outbox:write_settlements <",
    ),
    *_points(
        Life.SHOWING,
        "showtime_",
        "adapters.postgres.feed:PostgresFeed._catch_up >",
        "adapters.postgres.feed:PostgresFeed._publish ><",
        "app.web.hub:Hub.publish ><",
        "app.composition.postgres:missed_alerts ><",
        "core.use_cases.run_show:RunShow.take_next ><",
        "core.use_cases.run_show:RunShow.acknowledge ><",
        "adapters.postgres.show.store:_load <",
        "adapters.postgres.show.store:_keep ><",
    ),
)
"""What a crash may come before or after: each of these was or is a line between done and not done."""

_READERS_OF_THE_CLOCK = ("showtime_adapters.twitch.eventsub", "showtime_adapters.service_tokens")
"""Who of an instance reads the clock of its machine for what others are told, or for what it accepts."""


def arm(point: Point, nth: int) -> None:
    """Have this process killed when it comes to a point for the n-th time."""
    holder, name, function = point.find()
    times = count(1)

    def come_to(moment: str) -> None:
        if moment == point.when and next(times) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(function)
    async def watched_task(*values: Any, **named: Any) -> Any:
        come_to("enters")
        result = await function(*values, **named)
        come_to("returns")
        return result

    @wraps(function)
    def watched(*values: Any, **named: Any) -> Any:
        come_to("enters")
        result = function(*values, **named)
        come_to("returns")
        return result

    setattr(holder, name, watched_task if inspect.iscoroutinefunction(function) else watched)


def move_clock(ahead: timedelta) -> None:
    """Have this process read another time than its machine's, wherever the hour of the day is read."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead

    for module in _READERS_OF_THE_CLOCK:
        importlib.import_module(module).datetime = Moved  # type: ignore[attr-defined]


@frozen
class Lot:
    """How one life of an instance is to go."""

    point: Point | None = None
    """Where it is killed; None: nowhere."""
    nth: int = 1
    ahead: timedelta = timedelta()
    """By how much its clock is ahead."""


def begin(lot: Lot, arguments: list[str], environment: dict[str, str], log: Path) -> forked.Forked:
    """Run `showtime ARGUMENTS` in a process of its own that has this lot; does not wait until it is ready."""
    return forked.fork(_run, lot, arguments, environment, log)


def _run(lot: Lot, arguments: list[str], environment: dict[str, str], log: Path) -> None:
    if lot.ahead:
        move_clock(lot.ahead)
    if lot.point:
        arm(lot.point, lot.nth)
    forked._run(arguments, environment, log.parent, 0o022, log, log)  # noqa: SLF001 - the one that runs commands
