"""Two instances on one database: one channel, one order, and neither can stop the other."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import pytest
from attrs import frozen
from psycopg import AsyncConnection

from showtime_adapters.postgres.pool import connected, make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused, Unavailable
from showtime_core.use_cases.host import start_tape
from support.evening import Happening, assert_exactly_once, evening, log_of_alerts, messages
from support.following import Follower, following, until
from support.records import assert_replays
from support.sending import Sender
from support.server import Server, rows, running
from support.sse import listening
from support.twitch import CHANNEL, Message, Twitch, cheer, message, offline, online

OTHERS_WAIT_SECONDS = 6.0
CATCHES = 2

# Who holds up others, and has not moved for a while: a transaction takes milliseconds.
STUCK = """
    select holder.pid, holder.state from pg_stat_activity waiting
    cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocking (pid)
    join pg_stat_activity holder on holder.pid = blocking.pid
    where waiting.datname = current_database() and holder.wait_event_type = 'Client'
      and holder.state_change < clock_timestamp() - interval '250 ms'
"""

FREE = "select from showtime.channel for update skip locked"


@frozen
class Pair:
    """Two instances, a client of the alerts on each, and one that hops from one to the other."""

    conninfo: str
    servers: tuple[Server, Server]
    clients: tuple[Follower, ...]
    senders: tuple[Sender, Sender]


@pytest.fixture
async def pair(migrated: str, tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        one = stack.enter_context(running(migrated, tmp_path / "one.log"))
        two = stack.enter_context(running(migrated, tmp_path / "two.log"))
        urls = [f"{server.url}/alerts" for server in (one, two)]
        clients = [await stack.enter_async_context(following(url)) for url in urls]
        clients.append(await stack.enter_async_context(following(*urls, hop_after=100)))
        yield Pair(migrated, (one, two), tuple(clients), (Sender(one.port), Sender(two.port)))


async def assert_same(pair: Pair) -> None:
    """See that both instances show all of the log in one order, and one state, and that it replays."""
    log = log_of_alerts(pair.conninfo)
    for client in pair.clients:
        await until(lambda client=client: len(client.events) >= len(log))
        assert list(zip(client.ids, client.data, strict=True)) == log
    states = []
    for server in pair.servers:
        async with listening(f"{server.url}/state") as stream:
            states.append((await stream.event()).data)
    assert states[0] == states[1]
    await assert_replays(pair.conninfo)


def drop_outs(count: int) -> list[Message]:
    """Make a stream that comes and goes: sometimes the same night goes on, sometimes another begins."""
    chance = random.Random(27)
    told, moment = [], datetime.now(UTC) - timedelta(minutes=9)
    for number in range(count):
        told.append(online(f"stream-{number}", moment, at=moment))
        moment += timedelta(seconds=chance.randint(1, 10))
        told.append(offline(at=moment))
        moment += timedelta(seconds=chance.randint(1, 10))
    return [*told, online("stream-last", moment, at=moment)]


async def change_tapes(conninfo: str, count: int) -> None:
    """Change the tape so often while all goes on, as a third instance, whenever there is a night for it."""
    done = 0
    async with make_pool(conninfo, autocommit=True) as pool, asyncio.timeout(60):
        units = PostgresUnitOfWork(pool)
        while done < count:
            with suppress(Refused):  # no broadcast is live
                await start_tape(done + 1, uuid4(), units, Policy())
                done += 1
            await asyncio.sleep(0.01)


def mixed(*parts: Sequence[Message]) -> list[Message]:
    """Mix several sequences evenly, and their order a little, as deliveries are."""
    chance = random.Random(1985)
    places = [
        (place / len(part) + chance.random() / 30, one) for part in parts for place, one in enumerate(part)
    ]
    return [one for _, one in sorted(places, key=lambda place: place[0])]


async def test_two_instances_behave_as_one(pair: Pair):
    """Messages split between two instances, some sent to both, give the same alerts in the same order."""
    night, stream = evening(1200), drop_outs(20)
    crowd = messages(night)
    await asyncio.gather(
        change_tapes(pair.conninfo, 30),
        pair.senders[0].deliver(mixed(crowd[::2], crowd[::6], stream[::2], stream[::3])),
        pair.senders[1].deliver(mixed(crowd[1::2], crowd[::6], stream[1::2], stream[::5])),
    )
    assert not pair.senders[0].refused + pair.senders[1].refused
    assert_exactly_once(pair.conninfo, [*night, *map(Happening, stream)])
    await assert_same(pair)


async def test_a_client_that_is_ahead_of_an_instance_sees_nothing_twice(pair: Pair):
    """Whoever resumes on an instance that lags behind is shown what comes next, not what it has seen."""
    fast, slow = pair.clients[0], pair.servers[1]
    for number in range(5):
        slow.signal(signal.SIGSTOP)
        try:
            await pair.senders[0].deliver([cheer("SeenAlready")])
            await until(lambda number=number: len(fast.events) == 2 * number + 1)
            resumed = asyncio.create_task(next_event(f"{slow.url}/alerts", fast.last_id))
            await asyncio.sleep(0.2)  # its request is there before the news
        finally:
            slow.signal(signal.SIGCONT)
        await asyncio.sleep(0.2)
        await pair.senders[0].deliver([cheer("WhatComesNext")])
        assert (await resumed)["data"]["username"] == "WhatComesNext"


async def next_event(url: str, last_id: str | None) -> Any:
    async with listening(url, last_id) as stream:
        return (await stream.event()).data


async def freeze(pair: Pair, watcher: AsyncConnection) -> float | None:
    """Freeze the second instance; if it holds the lock, tell for how long the first answers nothing."""
    sender, frozen = pair.senders[0], pair.servers[1]
    frozen.signal(signal.SIGSTOP)
    since = time.monotonic()
    try:
        await asyncio.sleep(0.35)
        if await (await watcher.execute(STUCK)).fetchone() is None:
            return None
        await sender.until_answered(len(sender.answered) + 1, seconds=2 * OTHERS_WAIT_SECONDS)
        return time.monotonic() - since
    finally:
        frozen.signal(signal.SIGCONT)


def titles(count: int) -> list[Happening]:
    """Change the state again and again: whoever finds another than it knew holds the lock for longer."""
    return [
        Happening(message("channel.update", CHANNEL | {"title": f"Tape {number}", "category_name": "Retro"}))
        for number in range(count)
    ]


async def test_an_instance_that_is_frozen_with_the_lock_stops_nobody_for_long(pair: Pair):
    """While one instance is frozen with the lock the other goes on within 6 s, and later so does it."""
    night: list[Happening] = []
    waits: list[float] = []
    async with await AsyncConnection.connect(pair.conninfo, autocommit=True) as watcher:
        while len(waits) < CATCHES:
            wave = evening(1000, seed=len(night)) + titles(500)
            random.Random(len(night)).shuffle(wave)
            night += wave
            sending = [
                asyncio.create_task(sender.deliver(messages(wave)[number::2]))
                for number, sender in enumerate(pair.senders)
            ]
            while len(waits) < CATCHES and not any(task.done() for task in sending):
                await asyncio.sleep(0.03)
                caught = await freeze(pair, watcher)
                waits += [caught] if caught else []
            await asyncio.gather(*sending)
    print(f"the other waited for {', '.join(f'{wait:.2f} s' for wait in waits)}")  # noqa: T201 - with -s
    assert max(waits) < OTHERS_WAIT_SECONDS
    assert_exactly_once(pair.conninfo, night)
    await assert_same(pair)


@pytest.mark.parametrize(
    ("statement", "is_whole"),
    [
        ("select from showtime.channel for update", True),
        # No Sync: PostgreSQL takes the session for active.
        ("select from showtime.channel for update", False),
        ("update showtime.channel set last_position = last_position", False),
    ],
    ids=["between two statements", "before the end of one that locks", "before the end of one that writes"],
)
async def test_a_lock_is_freed_wherever_its_holder_was_frozen(
    twitch: Twitch, migrated: str, statement: LiteralString, *, is_whole: bool
):
    """The lock of a frozen instance is free in time for the same request, whatever it was about to send."""
    twitch.send(cheer())
    sent = cheer()
    for retry in range(3):  # it is left 2 s then, which a busy machine may take once, but not each time
        async with make_pool(migrated) as pool:
            stack = AsyncExitStack()
            holder = await stack.enter_async_context(connected(pool))
            if not is_whole:
                await stack.enter_async_context(holder.pipeline())
            await holder.execute(statement)
            await until(lambda: not rows(migrated, FREE))  # what is sent need not have arrived
            [answer] = await asyncio.to_thread(twitch.send, sent.again(retry))
            with pytest.raises(Unavailable):  # what the holder finds when it goes on
                await stack.aclose()
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
    assert answer.status_code == httpx.codes.NO_CONTENT
    assert answer.elapsed.total_seconds() < OTHERS_WAIT_SECONDS
    assert rows(migrated, "select count(*) from showtime.journal") == [(2,)]
