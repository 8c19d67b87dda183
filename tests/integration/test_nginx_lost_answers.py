"""What nginx says where an instance has not answered: nothing that is not so, of any route."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from attrs import define

from support.auth_service import BROADCASTER, USERS, VIEWER
from support.certificates import make_certificate
from support.following import until
from support.neighbours import Neighbours, neighbours_running
from support.nginx import PREFIX, nginx
from support.server import Server, free_port, rows, start
from support.twitch import CHANNEL, cheer, message

pytestmark = pytest.mark.long

TAPEHEAD = USERS[VIEWER]["user"]
BALLOON = {"subject": "a lost balloon"}
AWAY = "showtime is away, and nothing was done: try again later"
LOST = "the answer was lost, and it may have been done: look before you try again"
PARKED = {"id": "nothing"}

CHANGES: Mapping[tuple[str, str], dict[str, str] | None] = {
    ("POST", "/admin/tape/5"): None,
    ("DELETE", "/admin/tape"): None,
    ("PUT", "/admin/broadcast/7/vod"): {"url": "https://videos.example/7"},
    ("POST", "/admin/parked/retry"): PARKED,
    ("POST", "/admin/parked/dismiss"): PARKED,
    ("POST", "/admin/parked/done"): PARKED,
}
"""All requests that change something, but for those that have an answer of their own."""


@define
class Site:
    """One instance among neighbours, and nginx in front of it; where the other would be is nobody."""

    conninfo: str
    neighbours: Neighbours
    server: Server
    client: httpx.AsyncClient

    def start_again(self) -> None:
        self.server = start(self.conninfo, self.server.log, self.server.port, self.settings)

    @property
    def settings(self) -> Mapping[str, str]:
        return self.neighbours.settings | {"LEDGER_SETTLE_SECONDS": "0.5"}

    def send(
        self, method: str, path: str, json: Any = None, token: str = VIEWER
    ) -> "asyncio.Task[httpx.Response]":
        bearer = {"authorization": f"Bearer {token}"}
        return asyncio.create_task(self.client.request(method, path, json=json, headers=bearer))

    def points(self) -> int:
        """Tell what the viewer has."""
        held = self.neighbours.held("ledger").get(TAPEHEAD["id"], {"availablePoints": 0})
        return int(held["availablePoints"])

    async def pay(self, points: int) -> None:
        """Have the viewer cheer, without asking for a ghost."""
        who = {"user_id": TAPEHEAD["id"], "user_login": TAPEHEAD["login"], "user_name": "TapeHead"}
        bits = {"is_anonymous": False, "bits": points, "message": ""}
        sent = message("channel.cheer", who | CHANNEL | bits)
        answer = await self.client.post("/callback", content=sent.body, headers=sent.headers)
        assert answer.status_code == httpx.codes.NO_CONTENT
        await until(lambda: self.points() == points, seconds=60)


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    with neighbours_running() as neighbours:
        yield neighbours


@pytest.fixture
async def site(require_tool, migrated, neighbours, tmp_path, monkeypatch) -> AsyncIterator[Site]:
    program, certificate = require_tool("nginx"), make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    ports = (free_port(), free_port())
    with ExitStack() as stack:
        port = stack.enter_context(nginx(program, tmp_path, certificate, ports))
        url = f"https://127.0.0.1:{port}{PREFIX}"
        async with httpx.AsyncClient(base_url=url, timeout=90, verify=ssl.create_default_context()) as client:
            settings = neighbours.settings | {"LEDGER_SETTLE_SECONDS": "0.5"}
            server = await asyncio.to_thread(start, migrated, tmp_path / "log", ports[0], settings)
            site = Site(migrated, neighbours, server, client)
            yield site
            site.server.kill()  # the one that runs by then


async def test_a_ghost_whose_answer_is_lost_is_no_failure_and_asked_for_again_the_same(site: Site):
    """The server is killed while it paints: nobody is told of a failure, and the ghost is paid once."""
    await site.pay(400)
    site.neighbours.trouble("openai", "hang")
    asked = site.send("POST", "/image-gen", BALLOON)
    painting = "select from showtime.outbox where kind = 'paint-ghost' and status = 'leased'"
    await until(lambda: rows(site.conninfo, painting), seconds=60)
    site.server.kill()
    answer = await asked
    assert (answer.status_code, answer.headers.get("location")) == (202, None)
    assert answer.json()["status"] == "in-progress"
    assert "not known yet" in answer.json()["message"]
    site.neighbours.trouble("openai")
    await asyncio.to_thread(site.start_again)
    again = await site.send("POST", "/image-gen", BALLOON)
    assert again.status_code == httpx.codes.NO_CONTENT
    once_more = await site.send("POST", "/image-gen/", BALLOON)
    assert once_more.status_code == httpx.codes.NO_CONTENT
    assert rows(site.conninfo, "select count(*) from showtime.ghost") == [(1,)]
    assert site.points() == 200


async def test_what_was_sent_to_nobody_was_not_done(site: Site):
    """Both instances are gone: whoever wanted to change something is told that nothing was done."""
    site.server.kill()
    for (method, path), body in {**CHANGES, ("POST", "/image-gen"): BALLOON}.items():
        answer = await site.send(method, path, body)
        assert (answer.status_code, answer.text) == (503, AWAY), (method, path)
        assert answer.headers["content-type"] == "text/plain"


async def test_what_was_sent_may_have_been_done(site: Site):
    """The server is killed while requests are under way: none of them is told that nothing was done."""
    site.neighbours.trouble("auth", "hang")
    asked = {key: site.send(*key, body, BROADCASTER) for key, body in CHANGES.items()}
    ghosts = [site.send("POST", path, BALLOON) for path in ("/image-gen", "/image-gen/")]
    count = len(asked) + len(ghosts)
    await until(lambda: sum(site.neighbours.held("auth").values()) >= count, seconds=60)
    site.server.kill()
    for key, task in asked.items():
        answer = await task
        assert (answer.status_code, answer.text) == (502, LOST), key
    assert [(await task).status_code for task in ghosts] == [202, 202]


async def test_what_changes_nothing_and_what_twitch_sends_is_a_failure_of_the_gateway(site: Site):
    """Who reads may simply read again, and Twitch sends again what counts once."""
    site.server.kill()
    for path in ("/history", "/admin/parked", "/image-gen", "/readyz"):
        answer = await site.client.get(path)
        assert (answer.status_code, answer.text) == (502, "showtime is away: try again later"), path
    sent = cheer("Patient")
    answer = await site.client.post("/callback", content=sent.body, headers=sent.headers)
    assert answer.status_code == httpx.codes.BAD_GATEWAY
