"""Group commit: one transaction at a time, and everybody is answered by what became of theirs."""

import asyncio
from contextvars import ContextVar

import pytest

from showtime_core.errors import Unavailable
from showtime_core.testing.entries import cheers
from showtime_core.use_cases import group_commit
from showtime_core.use_cases.group_commit import GroupCommit


class Database:
    """Takes batches when it is let, and fails as it is told."""

    def __init__(self):
        self.batches, self.failures = [], []
        self.is_open = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def receive(self, entries):
        self.is_asked.set()
        await self.is_open.wait()
        self.batches.append([each.id for each in entries])
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
async def database():
    return Database()


@pytest.fixture
async def commits(database):
    async def is_known(_):
        return False

    async with GroupCommit(database.receive, is_known) as commits:
        yield commits
        database.is_open.set()


async def submitted(commits, *entries):
    tasks = [asyncio.create_task(commits.submit(each)) for each in entries]
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_one_is_under_way_is_the_next_batch(commits, database):
    """A lone message waits for nothing, and those behind it go together, in order."""
    first = await submitted(commits, cheers("m-0"))
    await database.is_asked.wait()
    others = await submitted(commits, *(cheers(f"m-{number}") for number in (1, 2, 3)))
    database.is_open.set()
    await asyncio.gather(*first, *others)
    assert database.batches == [["m-0"], ["m-1", "m-2", "m-3"]]


async def test_a_batch_is_written_in_the_context_of_nobody_who_is_in_it():
    """What is bound for the log by whoever came first is not said of the others."""
    asker = ContextVar("asker", default="nobody")
    seen = []

    async def receive(_):
        seen.append(asker.get())

    async def is_known(_):
        return False

    async with GroupCommit(receive, is_known) as commits:
        asker.set("the first")
        await commits.submit(cheers("m-0"))
    assert seen == ["nobody"]


async def test_who_gives_up_waiting_is_left_out(commits, database):
    """Nobody would be answered: it is sent again, and counts then."""
    await submitted(commits, cheers("m-0"))
    await database.is_asked.wait()
    gone, stays = await submitted(commits, cheers("gone"), cheers("stays"))
    gone.cancel()
    await asyncio.wait([gone])
    database.is_open.set()
    await stays
    assert database.batches == [["m-0"], ["stays"]]


async def test_a_connection_that_was_lost_while_idle_is_tried_once_more(commits, database):
    """The second time is as good as the first; a second failure is told."""
    database.is_open.set()
    database.failures = [Unavailable("it was idle")]
    await commits.submit(cheers("m-0"))
    assert database.batches == [["m-0"], ["m-0"]]
    database.failures = [Unavailable("it is away")] * 2
    with pytest.raises(Unavailable, match="it is away"):
        await commits.submit(cheers("m-1"))


async def test_a_batch_that_fails_harms_no_other(commits, database):
    """Whatever is raised, those of this batch are told to try again, and the next has its own chance."""
    database.is_open.set()
    database.failures = [ValueError("a fault of ours")]
    with pytest.raises(Unavailable, match="ValueError"):
        await commits.submit(cheers("m-0"))
    await commits.submit(cheers("m-1"))


async def test_a_batch_has_a_limit_in_number_and_in_bytes(commits, database, monkeypatch):
    """Memory and the time of a batch stay bounded, however many wait."""
    monkeypatch.setattr(group_commit, "MAX_BATCH", 2)
    await submitted(commits, cheers("m-0"))
    await database.is_asked.wait()
    waiting = await submitted(commits, *(cheers(f"m-{number}") for number in (1, 2, 3)))
    monkeypatch.setattr(group_commit, "MAX_WAITING", 3)
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="too many"):
            await commits.submit(cheers("m-4"))
    database.is_open.set()
    await asyncio.gather(*waiting)
    monkeypatch.setattr(group_commit, "MAX_BATCH_BYTES", 1)
    await asyncio.gather(*await submitted(commits, cheers("m-5"), cheers("m-6")))
    assert database.batches == [["m-0"], ["m-1", "m-2"], ["m-3"], ["m-5"], ["m-6"]]


async def test_who_still_waits_at_the_end_is_told_to_try_again(database):
    """Whether its transaction was under way or not."""

    async def is_known(_):
        return False

    async with GroupCommit(database.receive, is_known) as commits:
        under_way = await submitted(commits, cheers("m-0"))
        await database.is_asked.wait()
        waiting = await submitted(commits, cheers("m-1"))
    async with asyncio.timeout(60):
        for task in (*under_way, *waiting):
            with pytest.raises(Unavailable, match="the server is stopping"):
                await task
