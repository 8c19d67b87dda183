"""What a statement costs depends on what it does, not on how much there is, nor on what statistics say of it.

Counted are the blocks of our tables and indexes that are read, hidden queries of triggers and keys included.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from attrs import frozen

from showtime_adapters.encoding import encode
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.wire import effect_document
from showtime_core.domain.events import Follow, SubscriptionStart
from showtime_core.domain.outbox import EffectStatus, Settlement
from showtime_core.domain.points_and_ghosts.effects import CreditCheer, CreditSubscription
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.contracts.outbox import ALL, SETTLE_AFTER
from showtime_core.testing.entries import MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import receive
from support.databases import fresh_database

OWNER = 1984
WARM = 12
"""Times that a statement runs before it is counted: its plan is kept by then."""

_READ: LiteralString = """
    select coalesce(sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read
                        + toast_blks_hit + toast_blks_read), 0)::int8
    from pg_statio_user_tables where schemaname = 'showtime'
"""
_FILL: LiteralString = """
    insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at, due_at)
    select %(prefix)s || n, %(prefix)s, 'credit-cheer', %(prefix)s || n %% %(lanes)s, %(payload)s, %(status)s,
           now(), now() + %(delay)s
    from generate_series(1, %(count)s) as n
"""
# Payments of so many others, all of them credited, every second by an instance that does not know the table.
_PAY: LiteralString = """
    with news as (
        insert into showtime.journal
            (id, position, source, type, version, retry, sent_at, received_at, reacted_at, policy, outcome)
        select %(prefix)s || n, -n - (select count(*) from showtime.journal), 'notification',
               'channel.subscribe', '1', 0, now(), now(), now(), '{}', 'reacted'
        from generate_series(1, %(count)s) as n
    ), told as (
        insert into showtime.payment (entry_id, viewer_id, tier, is_shared, at)
        select %(prefix)s || n, 'lane' || n, '1000', false, now()
        from generate_series(1, %(count)s) as n where n %% 2 = 0
    )
    insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at, flow_id)
    select %(prefix)s || n || ':credit-subscription', %(prefix)s || n, 'credit-subscription', 'lane' || n,
           %(payload)s, 'done', now(), gen_random_uuid()
    from generate_series(1, %(count)s) as n
"""


@frozen
class OutboxStage:
    """A database, and the one session whose plans are looked at."""

    conninfo: str
    outbox: PostgresOutbox
    units: PostgresUnitOfWork

    def tell(self, statement: LiteralString, parameters: object = None) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(statement, parameters)  # type: ignore[arg-type]

    def fill(self, count: int, lanes: int, *, status: str = "due", delay: str = "0 s") -> None:
        payload = encode(effect_document(CreditCheer(MARGE, 200, "hello")))
        told = {"count": count, "lanes": lanes, "status": status, "delay": delay, "payload": payload}
        self.tell(_FILL, told | {"prefix": str(uuid4())})

    async def blocks(self, deed: Callable[[], Awaitable[object]]) -> int:
        """Count the blocks that a deed reads."""
        before = await self._read()
        await deed()
        return await self._read() - before

    async def _read(self) -> int:
        async with self.outbox.pool.connection() as connection:
            await connection.execute("select pg_stat_force_next_flush()")
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            (count,) = connection.execute(_READ).fetchone() or (0,)
        return int(count)

    async def credit(self) -> None:
        """Lease eight credits, and settle them."""
        for job in await self.outbox.lease(ALL, 8):
            await self.outbox.settle(job, Settlement(EffectStatus.DONE))

    async def follows(self) -> None:
        """Receive twenty messages at once."""
        viewers = [Viewer(uuid4().hex, "bob", "Bob") for _ in range(20)]
        news = [entry(str(uuid4()), Follow(viewer, at(0)), at(0)) for viewer in viewers]
        await receive(news, self.units, Policy())

    def pay(self, count: int) -> None:
        payload = encode(effect_document(CreditSubscription(MARGE, 500, 1, True, False, "")))
        self.tell(_PAY, {"prefix": str(uuid4()), "count": count, "payload": payload})

    async def months(self) -> None:
        """Receive twenty months that were paid, each by itself."""
        for _ in range(20):
            month = SubscriptionStart(Viewer(uuid4().hex, "bob", "Bob"), "1000", is_gift=False, sent_at=at(0))
            await receive([entry(str(uuid4()), month, at(0))], self.units, Policy())


@asynccontextmanager
async def outbox_stage(conninfo: str) -> AsyncIterator[OutboxStage]:
    async with make_pool(conninfo, max_size=1, autocommit=True) as pool:
        yield OutboxStage(conninfo, PostgresOutbox(pool, SETTLE_AFTER, OWNER), PostgresUnitOfWork(pool))


@pytest.fixture
def database_of_ours(postgres_server) -> Iterator[Callable[[], str]]:
    """Make databases that showtime can use."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database(postgres_server.conninfo))


STATISTICS = ["none", "of when it was empty", "of when nothing was due", "true"]


@pytest.fixture(params=["of when nothing was due"])
def statistics(request):
    """What the planner knows: what is most wrong; `tests/soak` plays them all."""
    return request.param


async def leasing(conninfo: str, statistics: str, count: int, lanes: int, delay: str = "0 s") -> int:
    """Count the blocks that eight credits take, each leased and settled, while so many are due."""
    async with outbox_stage(conninfo) as at:
        if statistics == "of when nothing was due":
            at.fill(3000, 100, status="done")
        if statistics.startswith("of when"):
            at.tell("vacuum analyze")
        for _ in range(WARM):
            at.fill(8, 8)
            await at.credit()
        at.fill(count, lanes, delay=delay)
        if delay != "0 s":
            at.fill(200, 200)
        if statistics == "true":
            at.tell("vacuum analyze")
        await at.credit()
        return min([await at.blocks(at.credit) for _ in range(5)])


@pytest.mark.parametrize("lanes", [1000, 1])
async def test_a_credit_costs_the_same_however_many_are_due(database_of_ours, statistics, lanes):
    """Of a thousand viewers or of one, among ten and among ten thousand."""
    few = await leasing(database_of_ours(), statistics, 50, lanes)
    many = await leasing(database_of_ours(), statistics, 10_000, lanes)
    assert many <= 2 * few + 60


async def test_what_waits_for_later_costs_nothing_now(database_of_ours, statistics):
    """While the ledger is away, ten thousand are tried later; what can be done now does not pass them."""
    few = await leasing(database_of_ours(), statistics, 50, 50, "1 hour")
    many = await leasing(database_of_ours(), statistics, 10_000, 10_000, "1 hour")
    assert many <= 2 * few + 60


async def recovering(conninfo: str, statistics: str, count: int, lanes: int) -> int:
    """Count the blocks of a look for what is left behind, while so many are due in so many lanes."""
    async with outbox_stage(conninfo) as at:
        if statistics == "of when nothing was due":
            at.fill(3000, 100, status="done")
        if statistics.startswith("of when"):
            at.tell("vacuum analyze")
        at.fill(500, 500)
        for _ in range(WARM):
            await at.outbox.recover()
        at.fill(count, lanes)
        if statistics == "true":
            at.tell("vacuum analyze")
        return min([await at.blocks(at.outbox.recover) for _ in range(5)])


@pytest.mark.parametrize("lanes", [10_000, 1])
async def test_to_look_for_what_is_left_behind_costs_the_same_however_many_are_due(
    database_of_ours, statistics, lanes
):
    """Every second, a hundred lanes are looked at, and the first of each."""
    few = await recovering(database_of_ours(), statistics, 50, lanes)
    many = await recovering(database_of_ours(), statistics, 10_000, lanes)
    assert many <= 2 * few + 60


@pytest.mark.parametrize("statistics", ["none", "of when it was empty", "true"])
async def test_a_message_costs_the_same_however_many_came_before(migrated, statistics):
    """A plan for a nearly empty database, as after a restore, does no harm when it has grown."""
    async with outbox_stage(migrated) as at:
        if statistics == "of when it was empty":
            await at.follows()
            at.tell("vacuum analyze")
        for _ in range(WARM):
            await at.follows()
        early = min([await at.blocks(at.follows) for _ in range(3)])
        for _ in range(150):
            await at.follows()
        if statistics == "true":
            at.tell("vacuum analyze")
        late = min([await at.blocks(at.follows) for _ in range(3)])
    assert late <= 1.3 * early + 20


async def test_a_month_that_is_paid_costs_the_same_however_many_others_have_paid(migrated, statistics):
    """Whether it was told before is looked up by its viewer alone: in the payments, and in the credits."""
    async with outbox_stage(migrated) as at:
        if statistics == "of when nothing was due":
            at.pay(3000)
        if statistics.startswith("of when"):
            at.tell("vacuum analyze")
        at.pay(50)
        await at.months()
        few = min([await at.blocks(at.months) for _ in range(3)])
        at.pay(5000)
        if statistics == "true":
            at.tell("vacuum analyze")
        many = min([await at.blocks(at.months) for _ in range(3)])
    assert many <= 1.3 * few + 60
