"""Instances that share the work out: one receives and shows, others perform the effects."""

from pathlib import Path
from typing import Any

import httpx

from support.following import until
from support.neighbours import neighbours_running
from support.sending import all_at_once
from support.server import Served, rows, running
from support.twitch import cheer

CREDITS = "select count(*) from showtime.flow where state = 'accepted'"
STANDING = "select status, attempts from showtime.outbox where kind = 'credit-cheer' order by status desc"
DONE = 'showtime_effects_total{kind="credit-cheer",outcome="done"} 1.0'
WAITS = "showtime_waiting_effects 1.0"


def role(name: str, **settings: str) -> dict[str, Any]:
    return {"settings": {"LEDGER_URL": "embedded", "INSTANCE_ROLE": name, **settings}}


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
        app = {"TWITCH_CLIENT_ID": "client", "TWITCH_CLIENT_SECRET": "secret", "TWITCH_CHANNEL_NAME": "vcr"}
        callback = {"TWITCH_WEBHOOK_CALLBACK_URL": "https://example.com/callback"}
        with running(migrated, tmp_path / "second.log", **role("relay", **app, **callback)) as second:
            await until(lambda: rows(migrated, CREDITS) == [(2,)] and DONE in measured(second))
            assert await all_at_once(second.port, [cheer(bits=400)]) == [404]
        assert DONE not in measured(web)
        told = second.log.read_text()
        assert "left to other instances: the role is relay" in told
        assert "repaired" not in told


async def test_a_relay_killed_in_the_middle_of_its_leases_loses_and_doubles_nothing(
    migrated: str, tmp_path: Path
) -> None:
    """What it had sent, done by the ledger or not, is looked for by the next relay, and made once."""
    sent = [cheer(f"Killed{number}", 100) for number in range(8)]
    with neighbours_running() as neighbours:
        settings = neighbours.settings | {"LEDGER_SETTLE_SECONDS": "0.5"}
        with running(migrated, tmp_path / "web.log", **role("web", **settings)) as web:
            neighbours.trouble("ledger", ["freeze", "hang"], late=0.1)
            with running(migrated, tmp_path / "first.log", **role("relay", **settings)) as first:
                assert await all_at_once(web.port, sent) == [204] * 8
                await until(lambda: neighbours.asked("ledger", "/inflow/cheer") == 8)
                first.kill()
            neighbours.trouble("ledger")
            with running(migrated, tmp_path / "second.log", **role("relay", **settings)):
                await until(lambda: {row[0] for row in rows(migrated, STANDING)} == {"done"}, 60)
        held = neighbours.held("ledger")
    assert [points["totalPoints"] for points in held.values()] == [100] * 8
