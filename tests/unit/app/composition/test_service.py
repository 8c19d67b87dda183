"""The service is made of its ports: with those of memory, it is the same without a database."""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from attrs import define, evolve
from pydantic import SecretStr
from uvicorn.lifespan.on import LifespanOn

from showtime_adapters.local.tokens import TokenIssuer
from showtime_app.composition.neighbours import Neighbours
from showtime_app.composition.ports import Ports, Storage
from showtime_app.composition.service import build_service
from showtime_app.config import Settings
from showtime_app.instrumented import Perform
from showtime_app.metrics import Metrics
from showtime_core.domain.feed import FeedPosition
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.viewers import Role, Viewer
from showtime_core.testing.twins.chat_log import MemoryChatLog
from showtime_core.testing.twins.ghost_approvals import MemoryGhostApprovals
from showtime_core.testing.twins.history import MemoryHistory
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.testing.twins.night_feed import MemoryNightFeedStore
from showtime_core.testing.twins.nights import MemoryNights
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.preflight import MemoryPreflightStore
from showtime_core.testing.twins.sessions import MemoryModerators, MemoryOneTimeCodes, MemorySessions
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.twitch import MemoryHealthStore
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from support import twitch as t
from support.server import SECRET

# Litestar 2 takes `data` as the body, which Litestar 3 will want to have said.
pytestmark = pytest.mark.filterwarnings("ignore:.*Reserved kwarg:DeprecationWarning")

TOKENS = TokenIssuer("be-kind-rewind-" * 3)
HOST = Viewer("953753877", "goldenvcr", "GoldenVCR")
KINDS = {"credit-cheer", "check-credit-cheer"}
GET_STATE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/state",
    "raw_path": b"/state",
    "root_path": "",
    "query_string": b"",
    "headers": [],
    "server": ("memory", 80),
    "client": ("127.0.0.1", 1),
}


class Writes:
    """Notes nothing of what is written, for memory takes everything."""

    def watched(self):
        return nullcontext()

    def succeeded(self):
        pass


class WritableMemory:
    """Takes what is written, and is on no disk."""

    async def write(self):
        pass

    async def free_bytes(self):
        return None


@define
class HandTurnedRelay:
    """Performs what is due when the test says so."""

    table: MemoryOutboxTable
    perform: Perform | None = None
    is_stopped: bool = False

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        assert self.is_stopped, "it is stopped before it is closed"

    def stop(self):
        self.is_stopped = True

    def serve(self, perform):
        self.perform = perform
        return self

    async def turn(self):
        outbox = self.table.instance()
        for job in await outbox.lease(KINDS, 10):
            await outbox.settle(job, await self.perform(job))


class Channel:
    """A channel that is kept in memory, and what the service is given of it."""

    def __init__(self):
        self.units, self.ledger = MemoryUnitOfWork(), MemoryLedger()
        self.show = MemoryShow(self.units)
        self.table = MemoryOutboxTable(self.units, timedelta(0))
        self.relay = HandTurnedRelay(self.table)
        self.health, self.chat = MemoryHealthStore(lambda: datetime.now(UTC)), MemoryChatLog()
        self.publish = {}

    async def nothing(self, *_):
        return ()

    async def is_recorded(self, entry_id):
        return entry_id in self.units.memory.journal

    async def read_health(self):
        return self.units.memory.state, await self.health.read()

    async def run(self):
        await asyncio.Event().wait()

    def follow(self, stream):
        def follow(publish, _):
            self.publish[stream] = publish
            return self.run

        return follow

    def ports(self) -> Ports:
        moderators = MemoryModerators()
        storage = Storage(
            resources=(),
            require_ready=self.nothing,
            require_writable=self.nothing,
            writes=Writes(),
            prune=self.run,
            units=self.units,
            night_feed=MemoryNightFeedStore(self.units, self.show),
            show=self.show,
            show_secrets=self.show,
            sessions=MemorySessions(moderators),
            moderators=moderators,
            one_time_codes=MemoryOneTimeCodes(),
            follow_show=lambda *_: self.run,
            is_recorded=self.is_recorded,
            parked=MemoryParkedItems(self.table),
            history=(history := MemoryHistory(self.units)),
            nights=MemoryNights(history),
            ghosts=MemoryGhosts(self.table),
            ghost_approvals=MemoryGhostApprovals(self.table),
            health=self.health,
            read_health=self.read_health,
            read_pending_work=self.nothing,
            exclusive=self.nothing,
            preflight=MemoryPreflightStore(self.health.clock),
            challenge_alone=self.nothing,
            trial=WritableMemory(),
            follow_feed=self.follow("feed"),
            missed_alerts=self.nothing,
            read_feed_tip=self.nothing,
            follow_chat=self.follow("chat"),
            chat_log=self.chat,
            is_chat_known=self.nothing,
            missed_chat=self.nothing,
            read_chat_tip=self.nothing,
            recent_chat=self.nothing,
            lead_chat=self.nothing,
            leader_chat_log=self.chat,
            report_chat=self.nothing,
            ledger=self.ledger,
            outbox=self.table.instance(),
            relay=self.relay.serve,
            require_alive=lambda: None,
        )
        return Ports(
            storage=storage,
            neighbours=Neighbours(ledger=self.ledger),
            authenticator=TOKENS,
            chance=lambda: 0.5,
        )


@pytest.fixture
def settings(monkeypatch, tmp_path) -> Settings:
    """Have a secret of EventSub, and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return Settings(twitch_webhook_secret=(SecretStr(SECRET),))


@pytest.fixture
async def served(settings):
    """Serve a channel in memory, without a socket."""
    channel, metrics = Channel(), Metrics()
    server = build_service(settings, channel.ports(), metrics)
    server.config.load()
    lifespan = LifespanOn(server.config)
    await lifespan.startup()
    assert not lifespan.should_exit
    transport = httpx.ASGITransport(server.config.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as people:
        yield channel, server, people
    for stop in server.on_stop:
        stop()
    await lifespan.shutdown()
    assert not lifespan.should_exit


async def test_a_cheer_in_memory_earns_its_points(served):
    """A signed message is recorded and answered 204, once, and what follows from it is performed."""
    channel, _, people = served
    message = t.cheer(bits=200)
    for _ in range(2):
        answer = await people.post("/callback", content=message.body, headers=message.headers)
        assert answer.status_code == 204
    forged = message.with_headers(**{"Twitch-Eventsub-Message-Signature": "sha256=00"})
    assert (await people.post("/callback", content=forged.body, headers=forged.headers)).status_code == 400
    await channel.relay.turn()
    [flows] = channel.ledger.flows.values()
    assert [flow.points for flow in flows.values()] == [200]
    measured = (await people.get("/metrics")).text
    assert 'showtime_entries_total{outcome="reacted"} 1.0' in measured
    assert 'showtime_entries_total{outcome="duplicate"} 1.0' in measured
    assert 'showtime_effects_total{kind="credit-cheer",outcome="done"} 1.0' in measured


async def test_a_night_in_memory_is_told_to_its_host(served):
    """What the routes tell comes from the ports, as does who may ask for it."""
    _, server, people = served
    message = t.online()
    assert (await people.post("/callback", content=message.body, headers=message.headers)).status_code == 204
    assert (await people.get("/admin/state")).status_code == 400
    tokens = {role: TOKENS.issue(HOST, role) for role in Role}
    answers = {
        role: await people.get("/admin/state", headers={"authorization": f"Bearer {token}"})
        for role, token in tokens.items()
    }
    assert answers[Role.VIEWER].status_code == 403
    assert answers[Role.BROADCASTER].json()["broadcast"]["id"] == 1
    assert server.off == ["ghosts", "chat"]


async def test_points_in_memory_are_told_to_their_viewer(served):
    """Where the ledger is the embedded one, a viewer reads of it what is the viewer's, and nothing else."""
    channel, _, people = served
    for viewer, points in ((HOST, 300), (evolve(HOST, id="31337"), 500)):
        await channel.ledger.credit(CreditCheer(viewer, points, ""), f"{points}")
    bearer = {"authorization": f"Bearer {TOKENS.issue(HOST, Role.VIEWER)}"}
    answer = await people.get("/ledger/balance", headers=bearer)
    assert answer.json() == {"totalPoints": 300, "availablePoints": 300}
    [item] = (await people.get("/ledger/history", headers=bearer)).json()["items"]
    assert item["deltaPoints"] == 300
    assert (await people.get("/ledger/history")).status_code == 400


@pytest.mark.parametrize("ledger", [MemoryLedger(), None])
async def test_points_that_are_kept_elsewhere_are_not_told(settings, ledger):
    """The embedded ledger, which is there but not in use, is not shown beside another one, or none."""
    ports = evolve(Channel().ports(), neighbours=Neighbours(ledger=ledger))
    server = build_service(settings, ports, Metrics())
    server.config.load()
    bearer = {"authorization": f"Bearer {TOKENS.issue(HOST, Role.VIEWER)}"}
    transport = httpx.ASGITransport(server.config.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as people:
        for path in ("balance", "history"):
            assert (await people.get(f"/ledger/{path}", headers=bearer)).status_code == 404


async def test_streams_follow_what_the_ports_publish(served):
    """Each hub is fed by the work that its port made, and ends its streams once the server stops."""
    channel, server, _ = served
    assert set(channel.publish) == {"feed", "chat"}
    channel.publish["feed"](FeedPosition("e1", 7, '{"broadcast":null}'), [])
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    stream = asyncio.create_task(server.config.app(GET_STATE, asyncio.Event().wait, sent.put))
    body = b""
    while not body.endswith(b"\n\n"):
        body += (await asyncio.wait_for(sent.get(), 30)).get("body", b"")
    assert body.startswith(b'data: {"broadcast":null}\n')
    for stop in server.on_stop:
        stop()
    await asyncio.wait_for(stream, 30)
    assert sent.get_nowait()["more_body"] is False


def test_without_a_ledger_nothing_is_performed(settings):
    """No relay is made where there is no ledger: nothing that is planned could be done."""
    channel = Channel()
    build_service(settings, evolve(channel.ports(), neighbours=Neighbours()), Metrics())
    assert channel.relay.perform is None


async def test_time_is_told_by_the_ports(settings):
    """Whether a message is recent is judged by the clock that the service was given, and by no other."""
    then = datetime(1986, 10, 31, 20, tzinfo=UTC)
    server = build_service(settings, evolve(Channel().ports(), clock=lambda: then), Metrics())
    server.config.load()
    transport = httpx.ASGITransport(server.config.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as twitch:
        for at, status in ((then, 200), (datetime.now(UTC), 400)):
            asked = t.message(
                "channel.cheer",
                None,
                message_type="webhook_callback_verification",
                extra={"challenge": "rewind"},
                at=at,
            )
            answer = await twitch.post("/callback", content=asked.body, headers=asked.headers)
            assert answer.status_code == status


def test_a_web_instance_performs_nothing(settings):
    """An instance that receives and shows only makes no relay, although there is a ledger."""
    channel = Channel()
    build_service(settings.model_copy(update={"instance_role": "web"}), channel.ports(), Metrics())
    assert channel.relay.perform is None


async def test_a_relay_instance_has_no_public_routes(settings):
    """An instance that performs effects only tells how it stands, and answers nothing else."""
    channel = Channel()
    server = build_service(settings.model_copy(update={"instance_role": "relay"}), channel.ports(), Metrics())
    assert channel.relay.perform is not None
    server.config.load()
    lifespan = LifespanOn(server.config)
    await lifespan.startup()
    assert not lifespan.should_exit
    transport = httpx.ASGITransport(server.config.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as people:
        for path in ("/status", "/healthz", "/readyz", "/metrics"):
            assert (await people.get(path)).status_code == 200
        for path in ("/", "/state", "/alerts", "/overlay", "/history", "/openapi.json", "/admin/state"):
            assert (await people.get(path)).status_code == 404
        message = t.cheer(bits=200)
        answer = await people.post("/callback", content=message.body, headers=message.headers)
        assert answer.status_code == 404
    for stop in server.on_stop:
        stop()
    await lifespan.shutdown()
    assert not lifespan.should_exit
