"""`POST /image-gen` among neighbours that fail: what is told of a failure is true when it is told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from support import shared
from support.auth_service import USERS, VIEWER
from support.following import until
from support.in_process import running_here
from support.neighbours import Neighbours, neighbours_running
from support.server import Served, rows
from support.twitch import CHANNEL, message

TAPEHEAD = USERS[VIEWER]["user"]
database = shared.database
NO_VIOLENCE = "Your request was rejected by the safety system. safety_violations=[violence]."


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    with neighbours_running() as neighbours:
        yield neighbours


@pytest.fixture(scope="module")
def server(neighbours: Neighbours, database: str) -> Iterator[Served]:
    with running_here(database, neighbours.settings | {"LEDGER_SETTLE_SECONDS": "0.5"}) as server:
        yield server


@pytest.fixture
async def tapehead(server: Served, neighbours: Neighbours) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer with points for one ghost, each time."""
    before = balance(neighbours)["totalPoints"]
    who = {"user_id": TAPEHEAD["id"], "user_login": TAPEHEAD["login"], "user_name": TAPEHEAD["displayName"]}
    cheer = message("channel.cheer", who | CHANNEL | {"is_anonymous": False, "bits": 200, "message": ""})
    bearer = {"authorization": f"Bearer {VIEWER}"}
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=90) as client:
        await client.post("/callback", content=cheer.body, headers=cheer.headers)
        await until(lambda: balance(neighbours)["totalPoints"] == before + 200, seconds=60)
        yield client
    for each in ("ledger", "openai", "discord"):
        neighbours.trouble(each)


def balance(neighbours: Neighbours) -> dict[str, Any]:
    """Look what the viewer has in the ledger."""
    nothing = {"totalPoints": 0, "availablePoints": 0, "flows": []}
    found: dict[str, Any] = neighbours.held("ledger").get(TAPEHEAD["id"], nothing)
    return found


async def test_a_refusal_is_told_when_the_points_are_back(
    tapehead: httpx.AsyncClient, neighbours: Neighbours, database: str
):
    """The painter refuses at once, the ledger gives nothing back for a while: so long nobody is told."""
    neighbours.trouble("ledger", "500", only="DELETE /outflow")
    had = balance(neighbours)["totalPoints"]
    asked = asyncio.create_task(tapehead.post("/image-gen", json={"subject": "a forbidden tape"}))
    tried = "select from showtime.outbox where kind = 'reject-points' and status = 'due' and attempts > 0"
    await until(lambda: rows(database, tried), seconds=60)
    assert not asked.done()
    assert balance(neighbours)["availablePoints"] == had - 200
    neighbours.trouble("ledger")
    answer = await asked
    assert balance(neighbours)["availablePoints"] == had
    assert (answer.status_code, answer.text) == (400, f"image generation request rejected: {NO_VIOLENCE}")


async def test_a_lost_payment_is_no_failure(tapehead: httpx.AsyncClient, neighbours: Neighbours):
    """The ledger takes the points, and the answer is lost: the ghost is shown, and paid for once."""
    neighbours.trouble("ledger", "die", only="PATCH /outflow")
    had = balance(neighbours)["totalPoints"]
    asked = asyncio.create_task(tapehead.post("/image-gen", json={"subject": "a lost reel"}))
    await until(lambda: balance(neighbours)["totalPoints"] == had - 200, seconds=60)
    neighbours.trouble("ledger")
    answer = await asked
    assert (answer.status_code, answer.text) == (204, "")
    assert balance(neighbours)["availablePoints"] == had - 200


async def test_a_painter_that_forbids_us_is_asked_once(
    tapehead: httpx.AsyncClient, neighbours: Neighbours, database: str
):
    """What will not mend itself is tried once: the viewer is told at once, and the points are back."""
    neighbours.trouble("openai", "403")
    had, before = balance(neighbours)["totalPoints"], neighbours.asked("openai", "/v1/images/generations")
    answer = await tapehead.post("/image-gen", json={"subject": "a padlock"})
    assert (answer.status_code, answer.text.partition(",")[0]) == (503, "the ghost could not be made")
    assert neighbours.asked("openai", "/v1/images/generations") == before + 1
    assert balance(neighbours)["availablePoints"] == had
    [(reason,)] = rows(database, "select reason from showtime.ghost where subject = 'a padlock'")
    assert reason.startswith("the painter answers 403")
    assert "OPENAI_API_KEY" not in reason
