"""Two instances behind nginx, as `deploy/nginx.conf` has it: all is passed on, and restarts are hidden."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from attrs import define

from showtime_adapters.postgres.migrations.steps import Migration, our_migrations
from showtime_app import composition
from support.certificates import make_certificate
from support.evening import Happening, assert_exactly_once, evening, log_of_alerts, messages
from support.following import Follower, following, until
from support.nginx import PREFIX, nginx
from support.sending import Sender
from support.server import Server, free_port, rows, running, start
from support.sse import listening
from support.twitch import cheer

pytestmark = pytest.mark.long

# What a next version may do to the schema while this one is at work.
EXPANSION = Migration(
    999,
    "999_expansion",
    """
    alter table showtime.journal add added_by_the_next text;
    alter table showtime.outbox add added_by_the_next integer not null default 0;
    create table showtime.added_by_the_next (id bigint primary key);
    create index added_by_the_next_index on showtime.feed (shown_at);
    """,
    None,
)


CONNECTIONS = """
    select count(*) from pg_stat_activity where datname = current_database() and application_name = 'showtime'
"""


@define
class Site:
    """Two instances, and nginx in front of them."""

    conninfo: str
    folder: Path
    url: str
    sender: Sender
    servers: list[Server]

    def start(self, number: int) -> None:
        """Start an instance again, where it was."""
        server = self.servers[number]
        self.servers[number] = start(self.conninfo, server.log, server.port)

    def clients(self) -> list[int]:
        """Tell how many clients of the alerts each instance has."""
        told = [httpx.get(f"{server.url}/metrics").text for server in self.servers]
        return [text.count('showtime_stream_clients{stream="alerts"} 1.0') for text in told]


@pytest.fixture
async def site(require_tool, migrated, tmp_path, monkeypatch) -> AsyncIterator[Site]:
    program, certificate = require_tool("nginx"), make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    ports = (free_port(), free_port())
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        stack.callback(lambda: [server.kill() for server in servers])
        starting = (asyncio.to_thread(start, migrated, tmp_path / f"{port}.log", port) for port in ports)
        servers += await asyncio.gather(*starting)
        port = stack.enter_context(nginx(program, tmp_path, certificate, ports))
        sender = Sender(port, connections=8, path=f"{PREFIX}/callback", tls=ssl.create_default_context())
        yield Site(migrated, tmp_path, f"https://127.0.0.1:{port}{PREFIX}", sender, servers)


def assert_seen(client: Follower, conninfo: str) -> None:
    """See that a client got all alerts of the log, each once, in the order of their ids."""
    assert list(zip(client.ids, client.data, strict=True)) == log_of_alerts(conninfo)


async def test_everything_but_what_is_measured_is_passed_on(site: Site):
    """Below the prefix is what an instance has at its root; outside is nothing."""
    async with httpx.AsyncClient() as client:
        for path, status in {
            "/": 200,
            "/status": 200,
            "/history": 200,
            "/readyz": 200,
            "/schema/openapi.json": 200,
            "/nowhere": 404,
            "/metrics": 404,
        }.items():
            answers = [await client.request(method, site.url + path) for method in ("GET", "HEAD")]
            assert [answer.status_code for answer in answers] == [status, status], path
        assert (await client.get(site.url.removesuffix(PREFIX))).status_code == 404
        assert (await client.head(f"{site.url}/alerts")).status_code == 200
        for path in ("/callback", "/callback/"):
            large = await client.post(site.url + path, content=b"x" * 1_000_000)
            assert large.text == "Signature verification failed"


METRICS = [
    "metrics",
    "metrics/",
    "metrics//",
    "metrics%2f",
    "metrics%2F",
    "metrics?a=b",
    "metrics/?",
    "metrics;x",
    "metrics%3bx",
    "metrics/;x",
    "metrics/.",
    "metrics/x/..",
    "metrics/%2e",
    "metrics%20",
    "metrics%00",
    "metrics%252f",
    "%6detrics",
    "%6Detric%73/",
    "%256detrics",
    "Metrics",
    "METRICS/",
    "/metrics",
    "//metrics//",
    "%2fmetrics",
    "%2f%2fmetrics%2f",
    "./metrics",
    "././/metrics/",
    "%2e/metrics",
    "status/../metrics",
    "status/%2e%2e/metrics",
    "status%2f..%2fmetrics/",
    "alerts/../metrics",
    "callback/../metrics",
    "../showtime/metrics",
    "..//showtime//metrics/",
]


@pytest.fixture
async def exposed(require_tool, migrated, tmp_path, monkeypatch) -> AsyncIterator[int]:
    """Put nginx before one instance; gives its port."""
    program, certificate = require_tool("nginx"), make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with (
        running(migrated, tmp_path / "log") as server,
        nginx(program, tmp_path, certificate, (server.port, server.port)) as port,
    ):
        yield port


async def told(port: int, target: str) -> bytes:
    """Ask for a target as it is written: clients would tidy it up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
    writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(20):
        said = await reader.read()
    writer.close()
    return said


async def test_what_is_measured_is_hidden_however_it_is_written(exposed):
    """No spelling that nginx or an instance would understand leads to what is measured."""
    assert b"isReady" in await told(exposed, f"{PREFIX}/%73tatus/")
    for written in METRICS:
        for target in (f"{PREFIX}/{written}", f"https://127.0.0.1{PREFIX}/{written}"):
            said = await told(exposed, target)
            assert said.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), (target, said[:200])
            assert b"showtime_" not in said, target


async def test_streams_are_passed_on_at_once_and_resume_on_the_other_instance(site: Site):
    """An event arrives as it happens, and a client whose instance stops goes on where it was."""
    async with listening(f"{site.url}/state") as state, following(f"{site.url}/alerts") as client:
        assert (await state.event()).data == {"isLive": False}
        await site.sender.deliver([cheer("Before")])
        await until(lambda: client.events)
        serving = site.clients().index(1)
        assert site.servers[serving].stop() == 0
        await site.sender.deliver([cheer("After")])
        await until(lambda: len(client.events) == 2)
        assert client.connections == 2
        assert_seen(client, site.conninfo)


async def test_a_message_that_a_frozen_instance_has_taken_is_answered_by_the_other(site: Site):
    """Twitch has its answer in time, and the frozen one, when it goes on, does nothing a second time."""
    crowd = evening(8)
    site.servers[0].signal(signal.SIGSTOP)
    try:
        await site.sender.deliver(messages(crowd))
    finally:
        site.servers[0].signal(signal.SIGCONT)
    assert not site.sender.refused
    await until(lambda: httpx.get(f"{site.servers[0].url}/readyz", timeout=60).text == "ready")
    assert_exactly_once(site.conninfo, crowd)


async def test_while_no_instance_is_there_streams_are_told_to_come_again(site: Site):
    """A browser is never told anything but 200, and comes back by itself; Twitch is told of the failure."""
    async with following(f"{site.url}/alerts") as client:
        for server in site.servers:
            server.stop()
        async with listening(f"{site.url}/alerts") as stream:
            assert stream.response.status_code == 200
            assert stream.response.headers["content-type"] == "text/event-stream"
            assert [(await stream.block()).lines for _ in range(2)] == [(":",), ("retry: 3000",)]
            with pytest.raises(EOFError):
                await stream.block()
        sending = asyncio.create_task(site.sender.deliver([cheer("Patient")]))
        await until(lambda: site.sender.refused[502])
        await asyncio.to_thread(site.start, 1)
        await sending
        await until(lambda: client.events)
        assert_seen(client, site.conninfo)


async def upgrade(site: Site) -> None:
    """Let the schema grow, then start one instance after the other anew."""
    steps = [*our_migrations(), EXPANSION]
    await asyncio.to_thread(composition.migrate_up, site.conninfo, lambda _: None, steps)
    for number, server in enumerate(site.servers):
        answer = await asyncio.to_thread(httpx.get, f"{server.url}/readyz", timeout=60)
        assert answer.text == "ready"
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(site.start, number)


async def test_an_upgrade_under_load_loses_nothing(site: Site):
    """The schema grows, and each instance is replaced: each message counts once, each client sees it once."""
    night: list[Happening] = []
    async with following(f"{site.url}/alerts") as one, following(f"{site.url}/alerts") as two:
        upgrading = asyncio.create_task(upgrade(site))
        while not upgrading.done():
            wave = evening(200, seed=len(night))
            night += wave
            await site.sender.deliver(messages(wave))
        await upgrading
        shown = sum(each.alert is not None for each in night)
        for client in (one, two):
            await until(lambda client=client: len(client.events) >= shown)
            assert_seen(client, site.conninfo)
        assert one.connections + two.connections > 2
    print(f"of {len(night)} messages came again: {dict(site.sender.refused)}")  # noqa: T201 - with -s
    assert not site.sender.refused[502], "one of them was always there"
    assert_exactly_once(site.conninfo, night)
    [(connections,)] = rows(site.conninfo, CONNECTIONS)
    assert connections <= 2 * 14, "what the page on several instances promises"
