"""The points of a viewer as the embedded ledger tells them: held against the ledger service itself."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from attrs import evolve

from showtime_adapters.http_client import NeighbourClient
from showtime_adapters.ledger import HttpLedger
from showtime_core.domain.points_and_ghosts.ledger import Balance
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.contracts.ledger import HOUR
from support import auth_service as a
from support import twitch as t
from support.answers import said
from support.auth_service import Auth, auth_service
from support.databases import fresh_database, gone
from support.following import until
from support.in_process import running_here
from support.ledger_service import Flow, LedgerService
from support.server import Served

SITE = "https://goldenvcr.com"
TAPEHEAD, HOST = (a.USERS[token]["user"]["id"] for token in (a.VIEWER, a.BROADCASTER))
BEARER = {"authorization": f"Bearer {a.VIEWER}"}
KEEP = """
    insert into showtime.flow (id, viewer_id, type, state, points, description, at)
    values (%s, %s, %s, %s, %s, %s, %s)
"""
DECIDED = {0: "pending", 1: "accepted", 2: "rejected"}


def flow(number: int) -> Flow:
    """Make the transaction of this number: every fourth is a ghost, pending, paid or given back."""
    now = datetime.now(UTC).replace(microsecond=123456)
    at, state = now - timedelta(minutes=200 - number), DECIDED[number // 4 % 3]
    id_ = str(UUID(int=number + 1986))
    if number % 4:
        return Flow(
            "cheer",
            number,
            f"Thank you for cheering with the message '{number}'!",
            at,
            "accepted",
            at,
            id=id_,
        )
    decided_at = None if state == "pending" else now
    return Flow(
        "alert-redemption", -20, "Redeemed alert of type 'image-generation'", at, state, decided_at, id=id_
    )


@pytest.fixture(scope="module")
def auth() -> Iterator[Auth]:
    with auth_service() as auth:
        yield auth


@pytest.fixture(scope="module")
def service(auth: Auth) -> Iterator[LedgerService]:
    """Run the ledger service, with 130 transactions of one viewer and two of another."""
    with LedgerService(auth=auth) as service:
        service.flows[TAPEHEAD] = [flow(number) for number in range(130)]
        service.flows[HOST] = [flow(number) for number in (401, 402)]
        yield service


@pytest.fixture(scope="module")
def database(postgres_server, service: LedgerService) -> Iterator[str]:
    """Keep the same transactions in the embedded ledger."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        with psycopg.connect(conninfo) as connection:
            for viewer, flows in service.flows.items():
                for kept in flows:
                    at = kept.finalized_at or kept.created_at
                    connection.execute(
                        KEEP, [kept.id, viewer, kept.type, kept.state, kept.delta, kept.description, at]
                    )
        yield conninfo


@pytest.fixture(scope="module")
def server(auth: Auth, database: str) -> Iterator[Served]:
    names = {"AUTH_URL": auth.url, "LEDGER_URL": "embedded", "CORS_ALLOWED_ORIGINS": SITE}
    with running_here(database, names) as server:
        yield server


@pytest.fixture
def website(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/ledger", timeout=30) as client:
        yield client


def read(answer: httpx.Response):
    """Read an answer of either; how many digits a fraction of a second has is nobody's business."""
    assert answer.status_code == 200, answer.text
    document = json.loads(answer.text)
    for item in document.get("items", []):
        item["timestamp"] = datetime.fromisoformat(item["timestamp"])
    return document


@pytest.mark.parametrize("token", [a.VIEWER, a.BROADCASTER])
@pytest.mark.parametrize(
    "query",
    [
        *("balance", "balance/", "history", "history/"),
        *(
            f"history?max={most}"
            for most in ("1", "50", "99", "100", "101", "0", "many", "null", "", "9" * 40)
        ),
        *(f"history?from={UUID(int=1986 + number)}" for number in (0, 49, 50, 60, 129, 401, 700)),
        *(f"history?from={first}" for first in ("", "yesterday", "null", "1986", "%00")),
        f"history?max=7&from={UUID(int=2000)}",
        f"history?max=15&from={UUID(int=2000)}",
        "history?max=7&page=2",
    ],
)
def test_the_ledger_service_says_the_same(
    website: httpx.Client, service: LedgerService, token: str, query: str
):
    """Whatever is asked, the answer has the shape and the content of the ledger service's."""
    bearer = {"authorization": f"Bearer {token}"}
    theirs, ours = httpx.get(f"{service.url}/{query}", headers=bearer), website.get(query, headers=bearer)
    assert read(ours) == read(theirs)
    assert [*json.loads(ours.text)] == [*json.loads(theirs.text)]
    assert ours.headers["content-type"] == "application/json"
    assert ours.headers["cache-control"] == "no-store"


def test_the_pages_are_all_there_is(website: httpx.Client):
    """Followed by its cursor the history comes to its end, each transaction once, and the balance fits it."""
    items, cursor = [], ""
    while cursor is not None:
        page = website.get("history", params={"max": 40, "from": cursor}, headers=BEARER).json()
        items += page["items"]
        cursor = page.get("nextCursor")
    assert [UUID(item["id"]).int - 1986 for item in items] == [*range(129, -1, -1)]
    total = sum(item["deltaPoints"] for item in items if item["state"] == "accepted")
    pending = sum(item["deltaPoints"] for item in items if item["state"] == "pending")
    balance = website.get("balance", headers=BEARER).json()
    assert balance == {"totalPoints": total, "availablePoints": total + pending}


async def test_our_own_reader_of_the_ledger_reads_it(server: Served, service: LedgerService):
    """What reads the ledger service over HTTP finds the same here."""

    class Tokens:
        async def token(self, viewer: Viewer) -> str:
            return {TAPEHEAD: a.VIEWER}[viewer.id]

        def forget(self, viewer: Viewer, token: str) -> None:
            raise AssertionError(f"the token {token} of {viewer} is accepted")

    viewer = Viewer(TAPEHEAD, "tapehead", "TapeHead")
    found = {}
    for url in (service.url, f"{server.url}/ledger"):
        async with NeighbourClient("the ledger", url) as client:
            reader = HttpLedger(client, client, Tokens())
            pending = await reader.find(viewer, UUID(int=1986))
            statement = await reader.statement(viewer, HOUR * 24)
            assert statement.asked_at  # when each was asked
            found[url] = await reader.balance(viewer), evolve(statement, asked_at=None), pending
    (balance, statement, pending), theirs = found[f"{server.url}/ledger"], found[service.url]
    assert (balance, statement, pending) == theirs
    assert statement.is_complete
    assert balance == Balance.of(statement.transactions)


@pytest.mark.parametrize("path", ["balance", "history", "history/?max=1"])
def test_who_is_nobody_is_told_nothing(website: httpx.Client, path: str):
    """Tokens are checked as on the other routes of viewers."""
    no_token = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
    assert said(website.get(path)) == no_token
    assert said(website.get(path, headers={"authorization": "bearer"})) == no_token
    rejected = website.get(path, headers={"authorization": f"Bearer {a.REJECTED}"})
    assert said(rejected) == (401, "access token was not accepted")
    assert rejected.headers["cache-control"] == "no-store"
    assert website.get(path, headers={"authorization": a.VIEWER}).status_code == 200
    assert website.head(path, headers=BEARER).status_code == 200
    assert website.post(path, headers=BEARER).status_code == 405


def test_pages_of_the_site_may_ask_with_a_token(website: httpx.Client):
    """A page of the configured site may send its viewer's token from a browser; none of another site may."""
    for origin, status, allowed in ((SITE, 204, SITE), ("https://evil.example", 400, None)):
        wanted = {
            "origin": origin,
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
        }
        asked = website.options("balance", headers=wanted)
        assert asked.status_code == status
        assert asked.headers.get("access-control-allow-origin") == allowed
        told = website.get("balance", headers={"origin": origin, **BEARER})
        assert told.headers.get("access-control-allow-origin") == allowed
        if allowed:
            assert "authorization" in asked.headers["access-control-allow-headers"].lower().split(", ")


def test_a_database_that_is_away_is_told(website: httpx.Client, database: str, postgres_server):
    """An empty list would say that there is nothing; the ledger service says so, and is not believed."""
    with gone(database, postgres_server.conninfo):
        for path in ("balance", "history"):
            answer = website.get(path, headers=BEARER)
            assert (answer.status_code, "items" in answer.text) == (503, False)


def test_an_auth_that_is_away_is_told(migrated: str):
    """Nobody is told anything while nobody can say who asks."""
    with (
        auth_service() as away,
        running_here(migrated, {"AUTH_URL": away.url, "LEDGER_URL": "embedded"}) as server,
    ):
        away.trouble("refuse")
        answer = httpx.get(f"{server.url}/ledger/balance", headers=BEARER, timeout=30)
        assert said(answer) == (503, "access tokens cannot be checked now: the auth service is away")


async def test_what_is_earned_can_be_read(auth: Auth, migrated: str):
    """The points of a cheer are there as soon as they are credited, and what a ghost reserves is not."""
    who = a.USERS[a.VIEWER]["user"]
    names = {"user_id": who["id"], "user_login": who["login"], "user_name": who["displayName"]}
    bits = {"is_anonymous": False, "bits": 300, "message": "be kind"}
    cheer = t.message("channel.cheer", names | t.CHANNEL | bits)
    with (
        running_here(migrated, {"AUTH_URL": auth.url, "LEDGER_URL": "embedded"}) as server,
        httpx.Client(base_url=server.url, headers=BEARER, timeout=30) as client,
    ):

        def told(path: str) -> Any:
            return client.get(f"/ledger/{path}").json()

        assert told("history") == {"items": []}
        assert told("balance") == {"totalPoints": 0, "availablePoints": 0}
        [sent] = t.Twitch(server.url, client).send(cheer)
        assert sent.status_code == 204
        earned = {"totalPoints": 300, "availablePoints": 300}
        await until(lambda: told("balance") == earned, seconds=60)
        [item] = told("history")["items"]
    assert (item["type"], item["state"], item["deltaPoints"]) == ("cheer", "accepted", 300)
    assert item["description"] == "Thank you for cheering with the message 'be kind'!"


@pytest.mark.parametrize("ledger_url", [None, "http://localhost:9"])
def test_where_a_service_keeps_the_points_there_is_no_such_route(migrated: str, ledger_url: str | None):
    """The routes are neither served nor described: the ledger service itself is asked."""
    names = {"AUTH_SHARED_SECRET": a.SHARED_SECRET} | ({"LEDGER_URL": ledger_url} if ledger_url else {})
    with running_here(migrated, names) as server, httpx.Client(base_url=server.url) as client:
        for path in ("/ledger/balance", "/ledger/history", "/ledger"):
            assert client.get(path, headers=BEARER).status_code == 404
        paths = client.get("/schema/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/ledger")]
