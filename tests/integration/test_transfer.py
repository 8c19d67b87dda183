"""A night is written down, recorded in another channel, and played back to a third: by the commands."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from attrs import frozen

from showtime_adapters.postgres import statements
from showtime_adapters.postgres.empty_channel import PostgresEmptyChannel
from showtime_adapters.postgres.nights import PostgresNights
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.twitch.messages import read_again
from showtime_core.domain.broadcasts.broadcast import Broadcast, Snapshot
from showtime_core.domain.reactions import Policy
from showtime_core.testing.contracts.empty_channel import EmptyChannelContract, EmptyChannelStage
from showtime_core.testing.night_files import night_of
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import receive
from support import auth_service
from support.auth_service import SHARED_SECRET, Auth
from support.databases import fresh_database
from support.in_process import Ran, run_here, running_here
from support.server import SECRET, environment, rows

TAPES = "select tape_id from showtime.screening order by started_at"
HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}


class TestPostgresEmptyChannel(EmptyChannelContract):
    """The contract of an empty channel, in PostgreSQL."""

    @pytest.fixture
    async def stage(self, migrated: str) -> AsyncIterator[EmptyChannelStage]:
        """Play in a database."""
        async with make_pool(migrated) as pool, make_pool(migrated, autocommit=True) as recording:

            async def save(row: Broadcast) -> None:
                async with recording.connection() as connection:
                    saved = [row.id, row.started_at, row.ended_at]
                    await connection.execute(statements.SAVE_BROADCAST, saved)

            async def statuses() -> Sequence[str]:
                async with recording.connection() as connection:
                    cursor = await connection.execute("select status from showtime.outbox")
                    return [status for (status,) in await cursor.fetchall()]

            channel, nights = PostgresEmptyChannel(recording), PostgresNights(pool)
            yield EmptyChannelStage(channel, nights, PostgresUnitOfWork(recording), save, statuses)


@frozen
class Exported:
    """A channel with one simulated night, and what is written down of it."""

    conninfo: str
    nights: list[dict[str, object]]
    file: str
    nameless: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a place for files."""
    return tmp_path_factory.mktemp("nights")


@pytest.fixture(scope="module")
def channel(postgres_server, folder):
    """Simulate a night, and export it with names and without."""
    with ExitStack() as stack:
        conninfo = stack.enter_context(fresh_database(postgres_server.conninfo))
        auth = stack.enter_context(Auth())
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET}
        server = stack.enter_context(running_here(conninfo, settings))
        where = ["--url", f"{server.url}/callback", "--secret", SECRET, "--token", auth_service.BROADCASTER]
        played = run(conninfo, folder, "simulate", "night", "--speed", "100000", "--seed", "7", *where)
        assert played.returncode == 0, played.stdout
        nights = httpx.get(f"{server.url}/admin/nights", headers=HOST).json()["nights"]
        exported = [run(conninfo, folder, "export", *more) for more in ([], ["1", "--without-names"])]
        assert [ran.returncode for ran in exported] == [0, 0]
        yield Exported(conninfo, nights, *(ran.stdout for ran in exported))


def run(conninfo: str, folder, *arguments: object) -> Ran:
    return run_here(*arguments, names=environment(conninfo), folder=folder)


def alerts(conninfo):
    """The alerts of a channel, in their order."""
    return [
        payload
        for (payload,) in rows(
            conninfo, "select payload::text from showtime.feed where stream = 'alerts' order by id"
        )
    ]


def compared(conninfo):
    """Nights, tapes and outcomes of a channel."""
    return [
        rows(conninfo, "select id, started_at, ended_at from showtime.broadcast order by id"),
        rows(
            conninfo,
            "select id, broadcast_id, tape_id, started_at, ended_at from showtime.screening order by 4",
        ),
        rows(
            conninfo,
            """
            select id, source, type, version, retry, sent_at, reacted_at, body, outcome, remark
            from showtime.journal order by position
            """,
        ),
        rows(conninfo, "select * from showtime.viewer order by 1"),
        rows(conninfo, "select state, last_position, last_feed_id from showtime.channel"),
        alerts(conninfo),
    ]


def test_an_imported_night_is_the_night(channel, migrated, folder):
    """A night that is imported has the same nights, tapes, entries, viewers, alerts and state; it replays."""
    (folder / "night.jsonl").write_text(channel.file)
    imported = run(migrated, folder, "import", "night.jsonl")
    assert (imported.returncode, imported.stderr) == (0, "")
    count = len(channel.file.splitlines()) - 1
    assert imported.stdout == f"night 1: {count} entries recorded\n"
    assert compared(migrated) == compared(channel.conninfo)
    replayed = run(migrated, folder, "replay")
    assert (replayed.returncode, "no differences" in replayed.stdout) == (0, True), replayed.stdout
    with (
        running_here(migrated, {"LEDGER_URL": "embedded"}) as server,
        httpx.Client(base_url=server.url) as web,
    ):
        assert web.get("/history").json()["broadcasts"][0]["id"] == 1
    assert rows(migrated, "select distinct status from showtime.outbox") == [("skipped",)]
    assert rows(migrated, "select count(*) from showtime.flow") == [(0,)]
    again = run(migrated, folder, "import", "night.jsonl")
    assert again.stdout == f"night 1 is there already: {count} entries\n"


def test_a_night_without_names_is_the_same_but_for_them(channel, migrated, folder):
    """Without names a night has the same times, tapes and alerts, and nobody's name, id or words."""
    (folder / "nameless.jsonl").write_text(channel.nameless)
    assert run(migrated, folder, "import", "nameless.jsonl").returncode == 0
    kept = """
        select position, source, type, sent_at, reacted_at, outcome from showtime.journal order by position
    """
    assert rows(migrated, kept) == rows(channel.conninfo, kept)
    tapes = "select broadcast_id, tape_id, started_at, ended_at from showtime.screening order by started_at"
    assert rows(migrated, tapes) == rows(channel.conninfo, tapes)
    kinds = "select payload ->> 'type', count(*) from showtime.feed group by 1 order by 1"
    assert rows(migrated, kinds) == rows(channel.conninfo, kinds)
    names = [name for (name,) in rows(channel.conninfo, "select twitch_display_name from showtime.viewer")]
    ids = [name for (name,) in rows(channel.conninfo, "select twitch_user_id from showtime.viewer")]
    words = [
        word
        for (body,) in rows(channel.conninfo, "select body from showtime.journal")
        for message in [json.loads(body).get("event", {}).get("message")]
        for word in [message["text"] if isinstance(message, dict) else message]
        if word
    ]
    assert len(names) > 10
    assert words
    found = [each for each in (*names, *ids, *words) if each.lower() in channel.nameless.lower()]
    assert found == []


def test_a_night_is_played_back(channel, migrated, folder):
    """A recorded night that is played back to another server gives the same alerts, in the same order."""
    (folder / "played.jsonl").write_text(channel.file)
    with (
        Auth() as auth,
        running_here(migrated, {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET}) as server,
    ):
        where = ["--url", f"{server.url}/callback", "--secret", SECRET, "--token", auth_service.BROADCASTER]
        played = run(migrated, folder, "simulate", "file", "played.jsonl", "--speed", "100000", *where)
    assert played.returncode == 0, played.stdout
    assert alerts(migrated) == alerts(channel.conninfo)
    assert rows(migrated, TAPES) == rows(channel.conninfo, TAPES)
    assert rows(migrated, "select count(*) from showtime.broadcast") == [(1,)]


def test_the_ids_of_a_file_are_kept_on_request(channel, migrated, folder):
    """With its own ids a night that a server knows changes nothing there; without, it happens again."""
    (folder / "night.jsonl").write_text(channel.file)
    assert run(migrated, folder, "import", "night.jsonl").returncode == 0
    before = rows(migrated, "select count(*) from showtime.journal")
    with running_here(migrated) as server:
        where = ["--url", f"{server.url}/callback", "--secret", SECRET, "--speed", "100000"]
        assert run(migrated, folder, "simulate", "file", "night.jsonl", "--same-ids", *where).returncode == 0
        assert rows(migrated, "select count(*) from showtime.journal") == before
        played = run(migrated, folder, "simulate", "file", "night.jsonl", *where)
    assert played.returncode == 0
    assert "The tapes are left out" in played.stdout
    assert rows(migrated, "select count(*) from showtime.journal") > before


@pytest.mark.parametrize("command", [["import"], ["simulate", "file"]])
def test_a_line_that_is_wrong_is_named_and_nothing_is_done(channel, migrated, folder, command):
    """A file with a line that is wrong is refused as a whole: which line, and what is wrong with it."""
    lines = channel.file.splitlines()
    lines[4] = lines[4].replace('"source": "', '"source": "a ')
    (folder / "wrong.jsonl").write_text("\n".join(lines))
    where = ["--url", "http://127.0.0.1:9/callback", "--secret", SECRET] if "simulate" in command else []
    refused = run(migrated, folder, *command, "wrong.jsonl", *where)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: line 5: 'source' is a ")
    assert rows(migrated, "select count(*) from showtime.journal") == [(0,)]


async def test_a_night_is_taken_by_the_harness(channel):
    """A night from a file is played in memory, and gives as many alerts and the same tapes."""
    night = night_of(channel.file.splitlines(), read_again)
    units = MemoryUnitOfWork()
    for record in night.records:
        units.clock = partial(getattr, record, "now")
        await receive([record.entry], units, Policy())
    told = [item for item in units.memory.feed_items if not isinstance(item.content, Snapshot)]
    assert len(told) == len(alerts(channel.conninfo))
    tapes = [on.tape_id for on in units.memory.screenings.values()]
    assert tapes == [tape for (tape,) in rows(channel.conninfo, TAPES)]


def test_a_channel_that_is_not_empty_is_refused(channel, folder):
    """A night is imported nowhere but into an empty channel: the command says what is there."""
    lines = channel.file.splitlines()
    (folder / "other.jsonl").write_text("\n".join([lines[0], *lines[2:]]))
    before = rows(channel.conninfo, "select count(*) from showtime.journal")
    refused = run(channel.conninfo, folder, "import", "other.jsonl")
    assert refused.returncode == 1
    assert (
        "a night can be imported into an empty channel alone: the journal of this one has " in refused.stderr
    )
    assert rows(channel.conninfo, "select count(*) from showtime.journal") == before


def test_a_night_that_never_was_is_not_exported(channel, migrated, folder):
    """A night that is not there, and the latest where there is none, are refused, and write no file."""
    for arguments in (["9"], ["9", "--output", "nine.jsonl"]):
        ran = run(channel.conninfo, folder, "export", *arguments)
        assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "Error: no such broadcast\n")
    assert not (folder / "nine.jsonl").exists()
    assert run(migrated, folder, "export").stderr == "Error: no such broadcast\n"


def test_an_export_goes_to_a_file(channel, folder):
    """With --output a night is written to that file, and is the same."""
    assert run(channel.conninfo, folder, "export", "1", "-o", "one.jsonl").stdout == ""
    assert (folder / "one.jsonl").read_text() == channel.file


def test_a_killed_import_goes_on(channel, migrated, folder):
    """An import whose database goes away in its middle is finished by the same command."""
    (folder / "night.jsonl").write_text(channel.file)
    half = channel.file.splitlines()[:20]
    (folder / "half.jsonl").write_text("\n".join(half))
    assert run(migrated, folder, "import", "half.jsonl").returncode == 0
    ran = run(migrated, folder, "import", "night.jsonl")
    left = len(channel.file.splitlines()) - 20
    assert ran.stdout == f"night 1: {left} entries recorded, 19 were there already\n"
    assert compared(migrated) == compared(channel.conninfo)
