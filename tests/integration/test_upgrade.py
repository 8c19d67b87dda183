"""The upgrade from the predecessor, rehearsed: its database, our commands, and then a night on top.

The commands are those of docs/how-to/upgrade-from-the-predecessor.md, run as they stand there.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from showtime_adapters.postgres.migrations.steps import our_migrations
from showtime_app import composition
from support import twitch as t
from support.auth_service import BROADCASTER, auth_service
from support.following import until
from support.server import rows, running
from support.sse import begun, listening
from support.terminal import ROOT, Terminal, blocks, terminal_of

pytestmark = pytest.mark.long

PREDECESSOR = Path(__file__).with_name("predecessor.sql").read_bytes()
PAGE = "docs/how-to/upgrade-from-the-predecessor.md"
KEEP_A_COPY, MIGRATE, CHECK, GO_BACK, RESTORE = blocks(PAGE)
LEFT = 2
"""So many steps are left to the loop of the page, which goes back to the predecessor's."""

# Five nights: one in order, one left open, one without a tape, one that ended with a tape on, and one that is
# live with two tapes on. And ghosts: shown, failed, never finished, of no night, of a screening that is gone.
WHAT_IT_LEAVES_BEHIND = """
    insert into showtime.viewer values
        ('90790024', 'wasabimilkshake', '2023-09-01 20:03Z', '2023-09-08 21:00Z'),
        ('12826', 'Twitch', null, null),
        ('555001', '', null, null);
    insert into showtime.broadcast (started_at, ended_at, vod_url) values
        ('2023-09-01 20:00Z', '2023-09-01 23:00Z', 'https://example.com/vods/1'),
        ('2023-09-08 20:00Z', null, null),
        ('2023-09-15 20:00Z', '2023-09-15 22:00Z', null),
        ('2023-09-22 20:00:00.5Z', '2023-09-22 22:00Z', null),
        ('2023-09-29 20:00Z', null, null);
    insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at) values
        ('a0000000-0000-4000-8000-000000000001', 1, 1, '2023-09-01 20:10Z', '2023-09-01 21:00Z'),
        ('a0000000-0000-4000-8000-000000000002', 1, 0, '2023-09-01 21:00Z', '2023-09-01 21:01Z'),
        ('a0000000-0000-4000-8000-000000000003', 1, 40, '2023-09-01 21:01Z', '2023-09-01 23:00Z'),
        ('a0000000-0000-4000-8000-000000000004', 2, 40, '2023-09-08 20:10Z', '2023-09-08 21:00Z'),
        ('a0000000-0000-4000-8000-000000000005', 2, 41, '2023-09-08 21:00Z', null),
        ('a0000000-0000-4000-8000-000000000006', 4, 56, '2023-09-22 20:10Z', null),
        ('a0000000-0000-4000-8000-000000000007', 5, 58, '2023-09-29 20:10Z', null),
        ('a0000000-0000-4000-8000-000000000008', 5, 59, '2023-09-29 20:40Z', null);
    insert into showtime.image_request values
        ('b0000000-0000-4000-8000-000000000001', '90790024', 'a seal', 'a ghostly image of a seal',
         '2023-09-01 20:30Z', '2023-09-01 20:31Z', null, 'a0000000-0000-4000-8000-000000000001'),
        ('b0000000-0000-4000-8000-000000000002', '90790024', 'a crime', 'a ghostly image of a crime',
         '2023-09-01 20:40Z', '2023-09-01 20:41Z', 'rejected', 'a0000000-0000-4000-8000-000000000001'),
        ('b0000000-0000-4000-8000-000000000003', '12826', 'a clock', 'a ghostly image of a clock',
         '2023-09-01 20:50Z', null, null, 'a0000000-0000-4000-8000-000000000001'),
        ('b0000000-0000-4000-8000-000000000004', '555001', 'a fax', 'a ghostly image of a fax',
         '2023-09-01 20:20Z', '2023-09-01 20:21Z', null, 'a0000000-0000-4000-8000-000000000001'),
        ('b0000000-0000-4000-8000-000000000005', '12826', 'a test', 'a ghostly image of a test',
         '2023-08-31 20:20Z', '2023-08-31 20:21Z', null, null),
        ('b0000000-0000-4000-8000-000000000006', '12826', 'a void', 'a ghostly image of a void',
         '2023-08-31 20:30Z', '2023-08-31 20:31Z', null, 'a0000000-0000-4000-8000-00000000dead');
    insert into showtime.image values
        ('b0000000-0000-4000-8000-000000000001', 1, 'https://example.com/seal-01.jpg'),
        ('b0000000-0000-4000-8000-000000000001', 0, 'https://example.com/seal-00.jpg'),
        ('b0000000-0000-4000-8000-000000000005', 0, 'https://example.com/test-00.jpg');
"""
EVERY_ROW = """
    select 'viewer ' || to_jsonb(t)::text from showtime.viewer t
    union all select 'broadcast ' || to_jsonb(t)::text from showtime.broadcast t
    union all select 'screening ' || to_jsonb(t)::text from showtime.screening t
    union all select 'image_request ' || to_jsonb(t)::text from showtime.image_request t
    union all select 'image ' || to_jsonb(t)::text from showtime.image t
    union all select 'migrations ' || to_jsonb(t)::text from public.showtime_migrations t
    order by 1
"""
HEALED = [
    "healed: older broadcasts that were still open have ended: 2",
    "healed: 2 screening(s) left open in broadcasts that have ended: 2, 4 have ended with them",
    "healed: tapes of the live broadcast have ended where the next one began: 58",
    "healed: 1 image request(s) that never finished have ended with an error message",
]
NIGHTS = [
    {
        "id": 1,
        "startedAt": "2023-09-01T20:00:00Z",
        "vodUrl": "https://example.com/vods/1",
        "tapeIds": [1, 40],
    },
    {"id": 2, "startedAt": "2023-09-08T20:00:00Z", "vodUrl": "", "tapeIds": [40, 41]},
    {"id": 4, "startedAt": "2023-09-22T20:00:00.5Z", "vodUrl": "", "tapeIds": [56]},
    {"id": 5, "startedAt": "2023-09-29T20:00:00Z", "vodUrl": "", "tapeIds": [58, 59]},
]
TAPES = {"1": [1], "40": [1, 2], "41": [2], "56": [4], "58": [5], "59": [5]}


def night(
    number: int, start: str, end: str | None, *tapes: tuple[int, str, str | None, list[Any]], **more: str
) -> Any:
    names = ("tapeId", "startedAt", "endedAt", "imageRequests")
    screenings = [dict(zip(names, tape, strict=True)) for tape in tapes]
    return {"id": number, "startedAt": start, "endedAt": end, "screenings": screenings} | more


def ghost(digit: int, username: str, subject: str) -> dict[str, str]:
    return {"id": f"b0000000-0000-4000-8000-00000000000{digit}", "username": username, "subject": subject}


GHOSTS = [ghost(4, "User 555001", "a fax"), ghost(1, "wasabimilkshake", "a seal")]
PAGES = {
    "history": {"broadcasts": NIGHTS, "broadcastIdsByTapeId": TAPES},
    "history?limit=1&after=2": {"broadcasts": [NIGHTS[2]], "broadcastIdsByTapeId": {"56": [4]}},
    "history/1": night(
        1,
        "2023-09-01T20:00:00Z",
        "2023-09-01T23:00:00Z",
        (1, "2023-09-01T20:10:00Z", "2023-09-01T21:00:00Z", GHOSTS),
        (40, "2023-09-01T21:01:00Z", "2023-09-01T23:00:00Z", []),
        vodUrl="https://example.com/vods/1",
    ),
    "history/2": night(
        2,
        "2023-09-08T20:00:00Z",
        "2023-09-08T21:00:00Z",
        (40, "2023-09-08T20:10:00Z", "2023-09-08T21:00:00Z", []),
        (41, "2023-09-08T21:00:00Z", "2023-09-08T21:00:00Z", []),
    ),
    "history/3": night(3, "2023-09-15T20:00:00Z", "2023-09-15T22:00:00Z"),
    "history/4": night(
        4,
        "2023-09-22T20:00:00.5Z",
        "2023-09-22T22:00:00Z",
        (56, "2023-09-22T20:10:00Z", "2023-09-22T22:00:00Z", []),
    ),
    "history/5": night(
        5,
        "2023-09-29T20:00:00Z",
        None,
        (58, "2023-09-29T20:10:00Z", "2023-09-29T20:40:00Z", []),
        (59, "2023-09-29T20:40:00Z", None, []),
    ),
    "history/images/b0000000-0000-4000-8000-000000000001": [
        "https://example.com/seal-00.jpg",
        "https://example.com/seal-01.jpg",
    ],
    "history/images/b0000000-0000-4000-8000-000000000003": [],
    "history/images/b0000000-0000-4000-8000-000000000005": ["https://example.com/test-00.jpg"],
}
LIVE = {
    "isLive": True,
    "broadcastStartedAt": "2023-09-29T20:00:00Z",
    "screeningTapeId": 59,
    "screeningStartedAt": "2023-09-29T20:40:00Z",
}


@pytest.fixture
def terminal(database, tmp_path) -> Terminal:
    """Sit before a database that the predecessor has used for years."""
    with psycopg.connect(database) as connection:
        connection.execute(PREDECESSOR)
        connection.execute(WHAT_IT_LEAVES_BEHIND)
    return terminal_of(database, tmp_path)


async def test_the_upgrade_from_the_predecessor_and_the_way_back(database, terminal):
    """All is served as it was, a night goes on top of it, and the predecessor can have everything back."""
    before = rows(database, EVERY_ROW)
    assert terminal.run(KEEP_A_COPY).returncode == 0
    migrated = terminal.run(MIGRATE)
    assert migrated.returncode == 0, migrated.stderr
    assert [line for line in migrated.stdout.splitlines() if "healed" in line] == HEALED
    assert set(HEALED) <= set((ROOT / PAGE).read_text("utf-8").splitlines())
    with (
        auth_service() as auth,
        running(
            database, terminal.folder / "log", settings={"AUTH_URL": auth.url, "LEDGER_URL": "embedded"}
        ) as server,
    ):
        checked = terminal.run(CHECK, SHOWTIME_URL=server.url)
        assert (checked.returncode, checked.stdout[:5], checked.stderr) == (0, "ready", "")
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            assert {path: (await client.get(path)).json() for path in PAGES} == PAGES
            with httpx.Client(timeout=60) as connection:
                await live_a_night(client, t.Twitch(server.url, connection))
            await see_the_night(client, database)
        assert server.stop() == 0

    after = rows(database, EVERY_ROW)
    undone: list[str] = []
    for _ in our_migrations()[LEFT:]:  # here, for the loop of the page starts a program for each
        composition.migrate_down(database, undone.append)
    gone_back = terminal.run(GO_BACK)
    undone += gone_back.stdout.splitlines()
    assert undone == [f"undid {step.name}" for step in reversed(our_migrations()[1:])]
    assert "001_predecessor is never undone" in gone_back.stderr
    assert rows(database, EVERY_ROW) == after
    restored = terminal.run(RESTORE)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert rows(database, EVERY_ROW) == before


async def live_a_night(client: httpx.AsyncClient, twitch: t.Twitch) -> None:
    """Go on the air, put a tape on, be followed and cheered, and go off the air again."""
    began = datetime.now(UTC).replace(microsecond=0)
    regular = t.viewer() | {"user_id": "90790024", "user_name": "WasabiMilkshake"}
    async with listening(f"{twitch.url}/state") as state, listening(f"{twitch.url}/alerts") as alerts:
        assert (await state.event()).data == LIVE
        await begun(alerts)
        twitch.send(t.online("40999", began))
        at = began.isoformat().replace("+00:00", "Z")
        assert (await state.event()).data == {"isLive": True, "broadcastStartedAt": at}
        token = {"authorization": f"Bearer {BROADCASTER}"}
        assert (await client.post("admin/tape/60", headers=token)).status_code == 204
        assert (await state.event()).data["screeningTapeId"] == 60
        twitch.send(t.message("channel.follow", regular | t.CHANNEL | {"followed_at": at}))
        assert (await alerts.event()).data == {"type": "follow", "data": {"username": "WasabiMilkshake"}}
        twitch.send(t.cheer("TapeTina", 500, "welcome back"))
        cheer = {"username": "TapeTina", "numBits": 500, "message": "welcome back"}
        assert (await alerts.event()).data == {"type": "cheer", "data": cheer}
        twitch.send(t.offline())
        assert (await state.event()).data == {"isLive": False}


async def see_the_night(client: httpx.AsyncClient, database: str) -> None:
    """It stands behind the others; who was known is known again, under the present name."""
    listed = (await client.get("history")).json()
    assert [each["id"] for each in listed["broadcasts"]] == [1, 2, 4, 5, 6]
    assert listed["broadcastIdsByTapeId"] == TAPES | {"60": [6]}
    [first, _] = (await client.get("history/1")).json()["screenings"]
    assert [each["username"] for each in first["imageRequests"]] == ["User 555001", "WasabiMilkshake"]
    followed = rows(
        database, "select first_followed_at from showtime.viewer where twitch_user_id = '90790024'"
    )
    assert followed == [(datetime(2023, 9, 1, 20, 3, tzinfo=UTC),)]
    await until(
        lambda: rows(database, "select kind, status from showtime.outbox") == [("credit-cheer", "done")]
    )
