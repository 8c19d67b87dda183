"""Instances that share the work out: one receives and shows, others perform the effects."""

from pathlib import Path
from typing import Any

import httpx

from support.following import until
from support.sending import all_at_once
from support.server import Served, rows, running
from support.twitch import cheer

CREDITS = "select count(*) from showtime.flow where state = 'accepted'"
STANDING = "select status, attempts from showtime.outbox where kind = 'credit-cheer' order by status desc"
DONE = 'showtime_effects_total{kind="credit-cheer",outcome="done"} 1.0'
WAITS = "showtime_waiting_effects 1.0"


def role(name: str) -> dict[str, Any]:
    return {"settings": {"LEDGER_URL": "embedded", "INSTANCE_ROLE": name}}


def measured(served: Served) -> str:
    return httpx.get(f"{served.url}/metrics").text


async def test_a_relay_credits_what_a_web_instance_took(migrated: str, tmp_path: Path) -> None:
    """A cheer waits, as the metrics say, until a relay credits it; after a crash another goes on."""
    with running(migrated, tmp_path / "web.log", **role("web")) as web:
        assert await all_at_once(web.port, [cheer(bits=200)]) == [204]
        assert rows(migrated, STANDING) == [("due", 0)]
        assert WAITS in measured(web)
        with running(migrated, tmp_path / "first.log", **role("relay")) as first:
            await until(lambda: rows(migrated, CREDITS) == [(1,)] and DONE in measured(first))
            first.kill()
        assert await all_at_once(web.port, [cheer(bits=300)]) == [204]
        assert WAITS in measured(web)
        with running(migrated, tmp_path / "second.log", **role("relay")) as second:
            await until(lambda: rows(migrated, CREDITS) == [(2,)] and DONE in measured(second))
            assert await all_at_once(second.port, [cheer(bits=400)]) == [404]
        assert DONE not in measured(web)
