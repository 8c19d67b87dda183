"""A channel in memory whose ghosts are made at once, with the viewers' routes before it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import timedelta

import httpx
from attrs import define, field

from showtime_adapters.local.tokens import TokenIssuer
from showtime_app.server import create_app
from showtime_app.web.middleware.access import viewers_only
from showtime_app.web.polling import Polling
from showtime_app.web.routes import ghosts
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Role, Viewer
from showtime_core.testing.strategies import OPENING_NIGHT
from showtime_core.testing.twins.fault_injection import JPEG
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.request_ghost import RequestGhost

_TOKENS = TokenIssuer("be-kind-rewind-" * 3)
_KINDS = frozenset(
    {"summon-ghost", "accept-points", "reject-points", "paint-ghost", "store-ghost", "show-ghost"}
)


async def paint(prompt: str) -> bytes:
    """Paint anything."""
    assert prompt.startswith("a ghostly image of ")
    return JPEG


@define
class GhostBackend:
    """What is behind the routes; each part may be changed while they are used."""

    policy: Policy = field(factory=Policy)
    polling: Polling = field(factory=lambda: Polling(20))
    ledger: MemoryLedger = field(factory=MemoryLedger)
    paint: Callable[[str], Awaitable[bytes]] = paint
    kind: type[MemoryUnitOfWork] = MemoryUnitOfWork
    units: MemoryUnitOfWork = field(init=False)
    elapsed: timedelta = timedelta(0)
    tick: timedelta = timedelta(minutes=1)
    """How much time passes with each look at what is due."""
    table: MemoryOutboxTable = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.units = self.kind(clock=lambda: OPENING_NIGHT + self.elapsed)
        self.table = MemoryOutboxTable(self.units, timedelta(0))

    async def store(self, key: str, jpeg: bytes) -> str:
        """Be the bucket."""
        assert jpeg == JPEG
        return f"https://ghosts.example.com/{key}"

    async def give(self, viewer: Viewer, points: int) -> None:
        """Let a viewer have points."""
        await self.ledger.credit(CreditCheer(viewer, points, ""), f"gift {len(self.ledger.flows)} {points}")

    async def perform(self, job: Job) -> Settlement:
        """Perform an effect as the relay does."""

        async def show(news: Entry) -> None:
            await receive([news], self.units, self.policy)

        async def post(username: str, subject: str, jpeg: bytes) -> None:
            """Post nothing: `_KINDS` leaves that out."""

        outbox = self.table.instance()
        parts = type("Parts", (), {"paint": staticmethod(self.paint), "post": staticmethod(post)})()
        services = Services(outbox, self.ledger, self.ledger, parts, self, parts, show, timedelta(0))
        return await perform(job, services, chance=0)

    async def work(self) -> None:
        """Perform whatever is due, for ever; what is tried again need not wait for long."""
        outbox = self.table.instance()
        while True:
            for job in await outbox.lease(_KINDS, 10):
                await outbox.settle(job, await self.perform(job))
            self.elapsed += self.tick
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def open_to(self, viewer: Viewer | None) -> AsyncIterator[httpx.AsyncClient]:
        """Let a viewer ask, or somebody without a token."""
        asked = MemoryGhosts(self.table)
        use_case = RequestGhost(self.units, self.ledger, asked, self.policy)
        routes = ghosts.routes(use_case, asked, self.polling, viewers_only(_TOKENS))
        transport = httpx.ASGITransport(create_app(routes, nullcontext, {}))
        headers = {"authorization": f"Bearer {_TOKENS.issue(viewer, Role.VIEWER)}"} if viewer else {}
        worker = asyncio.create_task(self.work())
        client = httpx.AsyncClient(transport=transport, base_url="http://showtime", headers=headers)
        async with client:
            yield client
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
