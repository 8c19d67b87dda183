"""Leader work is done by one instance at a time, and always by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from attrs import define, field

from showtime_adapters.postgres.leader import Leadership
from showtime_core.errors import Unavailable
from support.databases import gone
from support.following import until

KEY = 1985

END_LEADER = """
    select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and objid = 1985 and granted
"""


@define
class Watched:
    """Work that tells who is at it."""

    at_it: list[str] = field(factory=list)
    begun: list[str] = field(factory=list)
    most: int = 0

    async def work(self, name: str) -> None:
        self.at_it.append(name)
        self.begun.append(name)
        self.most = max(self.most, len(self.at_it))
        try:
            await asyncio.Event().wait()
        finally:
            self.at_it.remove(name)


@asynccontextmanager
async def leading(conninfo: str, watched: Watched, name: str, **options: float) -> AsyncIterator[None]:
    task = asyncio.create_task(Leadership(conninfo, KEY, **options).run(lambda: watched.work(name)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def end_leader(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        assert connection.execute(END_LEADER).fetchall() == [(True,)]


async def test_one_leads_and_another_follows(database: str):
    """Of two instances one works; when it stops, the other does."""
    watched = Watched()
    async with AsyncExitStack() as first:
        await first.enter_async_context(leading(database, watched, "first"))
        await until(lambda: watched.at_it == ["first"])
        async with leading(database, watched, "second"):
            await asyncio.sleep(0.3)
            assert watched.begun == ["first"]
            await first.aclose()
            await until(lambda: watched.at_it == ["second"])
    assert watched.at_it == []
    assert watched.most == 1


async def test_a_leader_that_loses_its_session_stops_at_once(database: str):
    """Its work is cancelled before another begins, whichever instance that is."""
    watched = Watched()
    async with leading(database, watched, "first"), leading(database, watched, "second"):
        for count in (1, 2, 3):
            await until(lambda count=count: len(watched.begun) == count and len(watched.at_it) == 1)
            end_leader(database)
        await until(lambda: len(watched.begun) > 3)


async def test_a_database_that_is_away_ends_leadership_until_it_is_back(
    database: str, postgres_server: object
):
    """Nobody leads without a lock, and somebody does as soon as there can be one."""
    watched = Watched()
    async with leading(database, watched, "first"):
        await until(lambda: watched.at_it == ["first"])
        with gone(database, postgres_server.conninfo):  # type: ignore[attr-defined]
            await until(lambda: watched.at_it == [])
        await until(lambda: watched.at_it == ["first"])


async def test_a_leader_that_is_frozen_is_followed(database: str):
    """A session that holds the lock and has fallen silent is ended by whoever waits."""
    watched = Watched()
    with psycopg.connect(database, autocommit=True) as frozen:
        frozen.execute("select pg_advisory_lock(%s)", [KEY])
        async with leading(database, watched, "heir", silent_seconds=0.5):
            await until(lambda: watched.at_it == ["heir"])
        with pytest.raises(psycopg.OperationalError):
            frozen.execute("select")


async def test_a_leader_that_works_is_left_alone(database: str):
    """It shows that it is alive, however long the work takes."""
    watched = Watched()
    async with leading(database, watched, "first", silent_seconds=6.0):
        await until(lambda: watched.at_it == ["first"])
        async with leading(database, watched, "second", silent_seconds=6.0):
            await asyncio.sleep(7.0)
    assert watched.begun == ["first"]


async def test_work_that_fails_is_begun_again(database: str):
    """Work that fails for whatever reason is begun again, since nobody else would do it."""
    begun: list[int] = []

    async def stumble() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    task = asyncio.create_task(Leadership(database, KEY).run(stumble))
    await until(lambda: len(begun) == 3)
    task.cancel()
    await asyncio.wait([task])


async def test_work_that_is_done_once_waits_its_turn(database: str):
    """Work to be done once gives its answer, is refused after a long wait, and passes on its own error."""
    watched = Watched()

    async def answer() -> str:
        return "rewound"

    async def stumble() -> None:
        raise ZeroDivisionError

    leadership = Leadership(database, KEY)
    assert await leadership.once(answer, 5.0) == "rewound"
    async with leading(database, watched, "first"):
        await until(lambda: watched.at_it == ["first"])
        with pytest.raises(Unavailable, match="another showtime"):
            await leadership.once(answer, 0.1)
    assert await leadership.once(answer, 5.0) == "rewound"
    with pytest.raises(ZeroDivisionError):
        await leadership.once(stumble, 5.0)


async def test_work_that_is_done_once_is_cancelled_with_its_lock(database: str):
    """Whoever has lost the lock does not go on, and says why."""
    watched = Watched()
    task = asyncio.create_task(Leadership(database, KEY).once(lambda: watched.work("only"), 5.0))
    await until(lambda: watched.at_it == ["only"])
    end_leader(database)
    with pytest.raises(Unavailable, match="database"):
        await task
    assert watched.at_it == []


async def test_what_depends_on_the_lock_is_not_done_without_it(database: str):
    """Once the lock is lost nothing that depends on it is done, although the leader has not noticed."""
    watched = Watched()
    leadership = Leadership(database, KEY, silent_seconds=160.0)  # its heartbeat is too slow to tell it
    async with await psycopg.AsyncConnection.connect(database) as connection:
        with pytest.raises(Unavailable, match="by now"):
            await leadership.require(connection)
        task = asyncio.create_task(leadership.run(lambda: watched.work("first")))
        await until(lambda: watched.at_it == ["first"])
        await leadership.require(connection)
        with pytest.raises(Unavailable, match="by now"):
            await Leadership(database, KEY).require(connection)
        end_leader(database)
        while await led(connection):
            pass
        with pytest.raises(Unavailable, match="by now"):
            await leadership.require(connection)
    task.cancel()
    await asyncio.wait([task])


async def led(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> object:
    """Tell whether anybody holds the lock."""
    held = "select from pg_locks where locktype = 'advisory' and objid = 1985 and granted"
    return (await connection.execute(held)).rowcount
