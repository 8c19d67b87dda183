"""A lane in PostgreSQL while several transactions are in it at once: what waits in it is never forgotten.

Their order is forced: a transaction is left open where another comes between, or is seen to wait for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve, frozen

from showtime_adapters.postgres import outbox_statements as statements
from showtime_adapters.postgres.outbox import PostgresOutbox, write_settlement
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import Pool, make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.events import Event, GhostRequested
from showtime_core.domain.outbox import EffectStatus, Job, Settlement, settle_ghost_step
from showtime_core.domain.points_and_ghosts.ghosts import GhostRefusal
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Unavailable
from showtime_core.testing.contracts.outbox import ALL, DONE, GHOSTLY, MONEY, SETTLE_AFTER, cheer, reserved
from showtime_core.testing.entries import BOB, LARRY, MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import receive
from support.databases import empty, fresh_database, strays
from support.following import until
from support.server import rows

OWNER = 1984
TRIED_AGAIN = Settlement(EffectStatus.DUE, "not reached")
PARKED = Settlement(EffectStatus.PARKED, "the ledger has refused it")
BEHIND: LiteralString = "select key from showtime.outbox where status = 'due' and place = 'behind'"
WAITS: LiteralString = """
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


@frozen
class Lane:
    """The lane of a viewer, and two instances that work in it."""

    conninfo: str
    pool: Pool
    outbox: PostgresOutbox
    other: PostgresOutbox

    async def plan(self, *events: Event) -> list[str]:
        """Receive events; returns the keys of the effects that begin with them."""
        new = [entry(str(uuid4()), event, at(0)) for event in events]
        await receive(new, PostgresUnitOfWork(self.pool), Policy())
        kinds = ["summon-ghost" if isinstance(event, GhostRequested) else "credit-cheer" for event in events]
        return [f"{each.id}:{kind}" for each, kind in zip(new, kinds, strict=True)]

    async def lease(self) -> Job:
        """Lease what is next of the lane, which is one effect."""
        (job,) = await self.outbox.lease(MONEY, 10)
        return job

    @asynccontextmanager
    async def settling(self, job: Job, settlement: Settlement) -> AsyncIterator[None]:
        """Settle a job in a transaction that is open meanwhile."""
        async with self.pool.connection() as connection, connection.transaction():
            await write_settlement(connection, job, settlement, "leased", OWNER)
            yield

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look for what can begin in a transaction that is open meanwhile."""
        wanted = {"kinds": list(MONEY), "limit": 10, "look": 20, "owner": OWNER + 1}
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(statements.LEASE, wanted)
            yield

    async def performed(self) -> list[str]:
        """Perform all that can begin in the lane; returns the keys in order."""
        done = []
        while jobs := await self.other.lease(MONEY, 10):
            for job in jobs:
                done.append(job.key)
                await self.other.settle(job, DONE)
        return done


@pytest.fixture(scope="module")
def kept(postgres_server) -> Iterator[str]:
    """Give the conninfo of a database that the tests of this module share."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture
async def lane(kept) -> AsyncIterator[Lane]:
    empty(kept)
    async with make_pool(kept, max_size=6, autocommit=True) as pool:
        boxes = (PostgresOutbox(pool, SETTLE_AFTER, owner) for owner in (OWNER, OWNER + 1))
        yield Lane(kept, pool, *boxes)
    assert strays(kept) == []


def change(lane: Lane, statement: LiteralString) -> None:
    """Change what is there, as nobody of ours does."""
    with psycopg.connect(lane.conninfo, autocommit=True) as connection:
        connection.execute(statement)


# --- something leaves the lane, and something comes into it ---------------------------------------

Coming = Callable[[], Awaitable[object]]


async def a_cheer(lane: Lane) -> Coming:
    """A message plans it."""
    return lambda: lane.plan(cheer())


async def a_refund(lane: Lane) -> Coming:
    """A painting is refused, and the points are to be given back."""
    await lane.plan(GhostRequested(MARGE, "Larry"))
    summons = await lane.lease()
    await lane.outbox.settle(summons, settle_ghost_step(summons, reserved(summons)))
    (painting,) = await lane.other.lease(GHOSTLY, 1)
    failed = evolve(painting.begun_ghost, refusal=GhostRefusal.CONTENT, reason="it is too scary")
    refused = settle_ghost_step(painting, failed, EffectStatus.REFUSED, "it is too scary")
    return lambda: lane.other.settle(painting, refused)


async def a_decision(lane: Lane) -> Coming:
    """The host lets what is parked be tried again."""
    (key,) = await lane.plan(cheer())
    await lane.outbox.settle(await lane.lease(), PARKED)
    return lambda: PostgresParkedItems(lane.pool).settle(key, lambda _: Settlement(EffectStatus.DUE))


@pytest.mark.parametrize("how", [DONE, TRIED_AGAIN, PARKED], ids=lambda how: str(how.status))
@pytest.mark.parametrize("prepare", [a_cheer, a_refund, a_decision])
async def test_what_comes_while_another_leaves_its_lane_is_performed(
    lane: Lane, prepare: Callable[[Lane], Awaitable[Coming]], how: Settlement
):
    """One leaves, has seen nobody behind it, and has yet to commit; another comes, and is looked at."""
    come = await prepare(lane)
    (leaving,) = await lane.plan(cheer())
    async with lane.settling(await lane.lease(), how):
        await come()
        assert not await lane.other.lease(MONEY, 10), "one of a lane at a time"
    assert strays(lane.conninfo) == []
    performed = await lane.performed()
    assert len(performed) == 1 + (how is TRIED_AGAIN)
    assert (leaving in performed) is (how is TRIED_AGAIN)


async def test_what_comes_while_a_dead_instance_is_followed_is_performed(lane: Lane):
    """What had been leased by it is due again, and is first."""
    (leased,) = await lane.plan(cheer())
    await lane.lease()
    async with lane.pool.connection() as connection, connection.transaction():
        await connection.execute(statements.RECOVER, [timedelta(0)])
        (came,) = await lane.plan(cheer())
        assert not await lane.other.lease(MONEY, 10)
    assert await lane.performed() == [leased, came]


async def test_what_was_planned_first_and_comes_last_is_performed(lane: Lane):
    """Positions are given before the commit: what is tried again may stand behind what it has not seen."""
    await lane.plan(cheer(BOB))  # so that no effect of the lane is the first of all
    plan: LiteralString = """
        insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at)
        select entry_id || ':late', entry_id, kind, %s, payload, 'due', now() from showtime.outbox
        where kind = 'credit-cheer' limit 1
    """
    late = await psycopg.AsyncConnection.connect(lane.conninfo)
    async with late:
        await late.execute(plan, [MARGE.id])
        (tried,) = await lane.plan(cheer())
        jobs = {job.key: job for job in await lane.outbox.lease(MONEY, 10)}
        async with lane.settling(jobs.pop(tried), TRIED_AGAIN):
            await late.commit()
            assert not await lane.other.lease(MONEY, 10)
    (of_bob,) = jobs.values()
    await lane.outbox.settle(of_bob, DONE)
    first, second = await lane.performed()
    assert first.endswith(":late")
    assert second == tried


async def test_what_comes_while_something_leaves_that_was_not_leased_is_performed(lane: Lane):
    """No statement of ours does that; the rule holds for whoever does."""
    (leaving,) = await lane.plan(cheer())
    async with lane.pool.connection() as connection, connection.transaction():
        leave: LiteralString = "update showtime.outbox set status = 'dismissed' where key = %s"
        await connection.execute(leave, [leaving])
        (came,) = await lane.plan(cheer())
        assert not await lane.other.lease(MONEY, 10)
    assert await lane.performed() == [came]


async def test_who_leaves_a_lane_sees_whom_another_has_just_put_behind(lane: Lane):
    """One looks, and has put another behind what is leased, but not committed it: that waits for its end."""
    await lane.plan(cheer())
    job = await lane.lease()
    (waiting,) = await lane.plan(cheer())
    async with lane.looking():
        settling = asyncio.create_task(lane.outbox.settle(job, DONE))
        await until(lambda: rows(lane.conninfo, WAITS))
    await settling
    assert await lane.performed() == [waiting]


async def test_what_stands_behind_is_looked_at_no_more(lane: Lane):
    """As long as its lane is taken: it is out of the way of the others."""
    await lane.plan(cheer())
    await lane.lease()
    waiting = await lane.plan(cheer(), cheer())
    assert not await lane.other.lease(MONEY, 1)
    assert sorted(rows(lane.conninfo, BEHIND)) == sorted((key,) for key in waiting)
    assert not await lane.other.lease(ALL, 1)


# --- what was left behind all the same ------------------------------------------------------------


async def recover_all(lane: Lane) -> None:
    """Look at every lane, however many there are."""
    for _ in range(3):
        await lane.other.recover()


async def test_what_was_left_behind_is_put_in_front(lane: Lane, caplog: pytest.LogCaptureFixture):
    """In whichever lane, the first of it alone, and the log says what: something has put it there wrongly."""
    crowd = [Viewer(f"{number:03}", "bob", "Bob") for number in range(150)]
    keys = await lane.plan(*(cheer(viewer) for viewer in crowd), cheer(crowd[-1]))
    change(lane, "update showtime.outbox set place = 'behind'")
    assert not await lane.other.lease(MONEY, 200)
    await recover_all(lane)
    assert {job.key for job in await lane.other.lease(MONEY, 200)} == set(keys[:-1])
    assert rows(lane.conninfo, BEHIND) == [(keys[-1],)]
    assert "left behind in their lanes, and put in front" in caplog.text
    assert keys[0] in caplog.text
    assert keys[-1] not in caplog.text


async def test_what_stands_behind_another_stays_there(lane: Lane, caplog: pytest.LogCaptureFixture):
    """Whether that is leased, or waits itself until it is tried again."""
    await lane.plan(cheer(), cheer(BOB))
    alive = await psycopg.AsyncConnection.connect(lane.conninfo, autocommit=True)
    async with alive:
        await alive.execute("select pg_advisory_lock(%s)", [OWNER])
        of_marge, of_bob = await lane.outbox.lease(MONEY, 10)
        waiting = await lane.plan(cheer(), cheer(BOB))
        await lane.outbox.settle(of_bob, evolve(TRIED_AGAIN, delay=timedelta(minutes=1)))
        assert not await lane.other.lease(MONEY, 10)
        await recover_all(lane)
    assert sorted(rows(lane.conninfo, BEHIND)) == sorted((key,) for key in waiting)
    assert "left behind" not in caplog.text
    await lane.outbox.settle(of_marge, DONE)


# --- a lease whose answer is lost -----------------------------------------------------------------

FAIL: LiteralString = """
    create function showtime.fail() returns trigger language plpgsql as $$
    begin
        raise sqlstate '53100' using message = 'the disk is full';
    end
    $$;
    create trigger fails before update on showtime.outbox
        for each row when (new.remark like 'it cannot be read%') execute function showtime.fail();
"""
WORK_AGAIN: LiteralString = "drop trigger fails on showtime.outbox; drop function showtime.fail();"
SPOIL: LiteralString = "update showtime.outbox set payload = '{\"points\": \"many\"}' where key = '%s'"


async def test_what_was_leased_in_vain_is_leased_again(lane: Lane):
    """The database fails after a part of the work: nobody has begun it; what is held stays held."""
    (held,) = await lane.plan(cheer(BOB))
    holding = await lane.lease()
    _, odd = await lane.plan(cheer(), cheer(LARRY))
    change(lane, SPOIL % odd)  # type: ignore[arg-type]
    change(lane, FAIL)
    try:
        with pytest.raises(Unavailable):
            await lane.outbox.lease(MONEY, 10)
    finally:
        change(lane, WORK_AGAIN)
    again = await lane.outbox.lease(MONEY, 10)
    assert [(job.effect.viewer, job.in_doubt_for) for job in again] == [(MARGE, None)]
    leased = "select key from showtime.outbox where status = 'leased' order by position"
    assert rows(lane.conninfo, leased) == [(held,), (again[0].key,)]
    await lane.outbox.settle(holding, DONE)
