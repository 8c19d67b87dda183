"""The host's routes for ghosts that wait before they are painted."""

from contextlib import nullcontext
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from showtime_adapters.local.tokens import TokenIssuer
from showtime_app.server import create_app
from showtime_app.web.middleware.access import broadcaster_only
from showtime_app.web.routes import ghost_approvals
from showtime_core.domain.viewers import Role
from showtime_core.testing.contracts.ghost_approvals import REASON, let_wait
from showtime_core.testing.contracts.outbox import ALL, OutboxStage
from showtime_core.testing.entries import BOB, MARGE, at
from showtime_core.testing.twins.ghost_approvals import MemoryGhostApprovals
from showtime_core.testing.twins.outbox import MemoryGhosts, MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

TOKENS = TokenIssuer("be-kind-rewind-" * 3)
NONE_WAITS = (404, "no such ghost waits")

# Litestar 2 takes `data` as the body, which Litestar 3 will want to have said.
pytestmark = pytest.mark.filterwarnings("ignore:.*Reserved kwarg:DeprecationWarning")


@pytest.fixture
def stage():
    units = MemoryUnitOfWork(clock=lambda: at(0))
    table = MemoryOutboxTable(units, timedelta(0))
    box, parked = table.instance(), MemoryParkedItems(table)
    approvals = MemoryGhostApprovals(table)
    return OutboxStage(units, box, box, MemoryGhosts(table), parked, None, None, approvals)


def client_of(stage, role):
    routes = [ghost_approvals.router(stage.approvals, broadcaster_only(TOKENS))]
    transport = httpx.ASGITransport(create_app(routes, nullcontext, {}))
    headers = {"authorization": f"Bearer {TOKENS.issue(MARGE, role)}"}
    return httpx.AsyncClient(transport=transport, base_url="http://showtime", headers=headers)


@pytest.mark.parametrize(("decision", "next_kind"), [("approve", "paint-ghost"), ("refuse", "reject-points")])
async def test_the_host_decides_about_a_ghost(stage, decision, next_kind):
    """A ghost that waits is listed with why, and is decided about once."""
    name, ghost_id = await let_wait(stage)
    async with client_of(stage, Role.BROADCASTER) as host:
        [waiting] = (await host.get("/admin/ghosts")).json()["ghosts"]
        assert (waiting["id"], waiting["subject"], waiting["username"]) == (
            str(ghost_id),
            "a fax machine",
            BOB.name,
        )
        assert waiting["reason"] == REASON
        assert waiting["since"] < waiting["until"]
        where = f"/admin/ghosts/{ghost_id}/{decision}"
        assert (await host.post(where)).status_code == 204
        again = await host.post(where)
        assert (again.status_code, again.text) == NONE_WAITS
        assert (await host.get("/admin/ghosts")).json() == {"ghosts": []}
    assert await stage.lease(ALL) == [f"{name}:{next_kind}"]


async def test_what_does_not_wait_is_not_found(stage):
    """Neither a ghost that does not wait nor a decision that is none is found; and only the host may ask."""
    async with client_of(stage, Role.BROADCASTER) as host:
        for name in (UUID(int=1), "no-uuid"):
            answer = await host.post(f"/admin/ghosts/{name}/approve")
            assert (answer.status_code, answer.text) == NONE_WAITS
        answer = await host.post(f"/admin/ghosts/{UUID(int=1)}/paint")
        assert answer.text == "no such decision: choose approve or refuse"
    async with client_of(stage, Role.VIEWER) as viewer:
        assert (await viewer.get("/admin/ghosts")).status_code == 403
