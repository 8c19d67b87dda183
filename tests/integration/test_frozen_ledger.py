"""A ledger that freezes, for whatever time: nobody is credited twice, others go on, and the service stops."""

import asyncio
import json
import re
import signal
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.relay import Relay
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.events import Cheer
from showtime_core.domain.outbox import EffectStatus, Job, Settlement
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.strategies import OPENING_NIGHT, entry
from showtime_core.use_cases.dispatch import WorkerPool
from showtime_core.use_cases.receive import receive
from support.following import until
from support.neighbours import Neighbours, neighbours_running
from support.sending import Sender
from support.server import rows, running
from support.twitch import Message, cheer

pytestmark = pytest.mark.long

SECONDS = 120.0
CHANGES = "POST|PATCH|DELETE"
CHEERS = "/inflow/cheer"
DOING = "select count(*) from showtime.outbox where status in ('due', 'leased', 'waiting')"
LEASED = "select count(*) from showtime.outbox where status = 'leased'"
PARKED = "select kind, remark from showtime.outbox where status = 'parked'"


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    with neighbours_running() as neighbours:
        yield neighbours


@pytest.fixture
def well(neighbours: Neighbours) -> Iterator[Neighbours]:
    """Give the neighbours, who are well again afterwards, and have done what they had received."""
    yield neighbours
    neighbours.trouble("ledger")
    neighbours.trouble("ledger")


def settings(well: Neighbours, settle_seconds: float) -> dict[str, str]:
    return well.settings | {"LEDGER_SETTLE_SECONDS": str(settle_seconds)}


def viewer_of(message: Message) -> str:
    return str(json.loads(message.body)["event"]["user_id"])


def points(well: Neighbours, sent: Sequence[Message]) -> list[int]:
    """Tell what the viewers of these messages have."""
    held = well.held("ledger")
    return [held.get(viewer_of(message), {"totalPoints": 0})["totalPoints"] for message in sent]


async def until_counted(conninfo: str, query: str, count: int) -> None:
    await until(lambda: rows(conninfo, query) == [(count,)], SECONDS, every=0.1)


async def until_asked(well: Neighbours, count: int) -> None:
    """Wait until the ledger has received so many credits, whether or not it has done them."""
    await until(lambda: well.asked("ledger", CHEERS) == count, SECONDS, every=0.1)


@pytest.mark.parametrize("frozen", ["", CHANGES], ids=["the ledger", "one process behind a balancer"])
async def test_a_ledger_that_freezes_credits_nobody_twice(
    migrated: str, well: Neighbours, tmp_path: Path, frozen: str
):
    """For longer than the settle time, and than anybody waits for a look: what it has received is waited for.

    It answers who looks before it does that; behind a balancer, others of its processes do so all the time.
    """
    sent = [cheer(f"Frozen{frozen}{number}", 100) for number in range(12)]
    with running(migrated, tmp_path / "server.log", settings=settings(well, 0.5)) as server:
        well.trouble("ledger", "freeze", only=frozen, late=3.0)
        await Sender(server.port).deliver(sent)
        # After ten seconds the first eight are slow, and the others begin.
        await until(lambda: server.log.read_text().count("has taken 10 s") >= 8, SECONDS, every=0.1)
        await until_counted(migrated, LEASED, 12)
        well.trouble("ledger")
        await until_counted(migrated, DOING, 0)
    assert points(well, sent) == [100] * 12
    assert rows(migrated, "select count(*), sum(attempts) from showtime.outbox") == [(12, 12)]


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGTERM])
async def test_who_ends_while_the_ledger_is_frozen_leaves_a_doubt_that_is_settled(
    migrated: str, well: Neighbours, tmp_path: Path, ends: signal.Signals
):
    """Killed or stopped, at once: the next waits for an answer, and from then on for the settle time."""
    sent = [cheer(f"Ended{ends.name}{number}", 100) for number in range(4)]
    before = well.asked("ledger", CHEERS)
    with running(migrated, tmp_path / "server.log", settings=settings(well, 8)) as server:
        well.trouble("ledger", "freeze", late=1.0)
        await Sender(server.port).deliver(sent)
        await until_asked(well, before + 4)
        server.signal(ends)
        assert server.process.wait(60) == (0 if ends is signal.SIGTERM else -ends)
    with running(migrated, tmp_path / "next.log", settings=settings(well, 8)) as server:
        lost = re.compile("credit-cheer, try 2: due: the answer of the ledger was lost")
        await until(lambda: len(lost.findall(server.log.read_text())) == 4, SECONDS, every=0.1)
        assert points(well, sent) == [0] * 4
        well.trouble("ledger")
        await until_counted(migrated, DOING, 0)
    assert points(well, sent) == [100] * 4
    assert rows(migrated, PARKED) == []


async def test_requests_that_hang_keep_no_place_of_others(migrated: str, well: Neighbours, tmp_path: Path):
    """More of them than are performed at once: the lanes of their viewers wait, and no others."""
    stuck = [cheer(f"Stuck{number}", 100, "stuck") for number in range(9)]
    behind, other = cheer("Stuck0", 50), cheer("Passing", 100)
    with running(migrated, tmp_path / "server.log", settings=settings(well, 0.5)) as server:
        well.trouble("ledger", "freeze", only="stuck", late=0.0)
        await Sender(server.port).deliver([*stuck, behind, other])
        await until(lambda: points(well, [other]) == [100], SECONDS, every=0.1)
        await until_counted(migrated, LEASED, 9)
        assert points(well, stuck) == [0] * 9
        well.trouble("ledger")
        await until_counted(migrated, DOING, 0)
    assert points(well, stuck) == [150, *[100] * 8]


async def test_what_is_slow_is_bounded(migrated: str):
    """Of those that hang there are so many and no more; each that ends makes room for another."""
    begun: list[str] = []
    ends = {name: asyncio.Event() for name in ("a", "b", "c", "d")}

    async def hang(job: Job) -> Settlement:
        begun.append(job.entry_id)
        await ends[job.entry_id].wait()
        return Settlement(EffectStatus.DONE)

    async with make_pool(migrated, autocommit=True) as pool:
        units = PostgresUnitOfWork(pool)
        workers = WorkerPool(frozenset({"credit-cheer"}), size=1, at_most=3)
        new = [entry(name, Cheer(Viewer(name, name, name), 100, ""), OPENING_NIGHT) for name in ends]
        await receive(new, units, Policy())
        outbox = PostgresOutbox(pool, timedelta(0))
        async with Relay(migrated, outbox, hang, [workers], slow_seconds=0.2):
            await until(lambda: len(begun) == 3, SECONDS)
            await asyncio.sleep(
                1.5
            )  # it looks each second for more: there is no event for what does not come
            assert begun == ["a", "b", "c"]
            ends["b"].set()
            await until(lambda: len(begun) == 4, SECONDS)
            for each in ends.values():
                each.set()
            await until_counted(migrated, DOING, 0)


async def test_a_credit_that_was_made_twice_after_all_is_reported(
    migrated: str, well: Neighbours, tmp_path: Path
):
    """The performer is gone, and the ledger takes longer than to settle: ten minutes later it is seen."""
    sent = [cheer("Doubled", 100)]
    before = well.asked("ledger", CHEERS)
    with running(migrated, tmp_path / "server.log", settings=settings(well, 0.5)) as server:
        well.trouble("ledger", "freeze", only=CHANGES)
        await Sender(server.port).deliver(sent)
        await until_asked(well, before + 1)
        server.kill()
    well.trouble(
        "ledger"
    )  # it answers who looks, and does what it had received when it is told anything again
    with running(migrated, tmp_path / "next.log", settings=settings(well, 0.5)) as server:
        await until_counted(migrated, DOING, 0)
        well.trouble("ledger")
        await until(lambda: points(well, sent) == [200], SECONDS)
        assert rows(migrated, PARKED) == []
        minutes = "extract(epoch from check_at - clock_timestamp()) / 60"
        [(left,)] = rows(migrated, f"select {minutes} from showtime.outbox where check_at is not null")
        assert 8 < float(left) <= 10  # type: ignore[arg-type]
        with psycopg.connect(migrated) as connection:
            connection.execute("update showtime.outbox set check_at = now() where check_at is not null")
        await until(lambda: rows(migrated, PARKED) != [], SECONDS)
        assert "check-credit-cheer, try 1: parked" in server.log.read_text()
    [(kind, remark)] = rows(migrated, PARKED)
    made = [UUID(flow["id"]) for flow in well.held("ledger")[viewer_of(sent[0])]["flows"]]
    assert kind == "check-credit-cheer"
    assert len(made) == 2
    assert all(str(each) in str(remark) for each in made)
