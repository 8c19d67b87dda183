"""A backup and its restore on another machine, by the commands of docs/how-to/back-up-and-restore.md."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from attrs import frozen

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.statements import CHAT_TIP, TIP
from showtime_app import composition
from support.auth_service import SHARED_SECRET, Auth
from support.following import Follower, following, until
from support.ledger_service import LedgerService
from support.server import Server, free_port, rows, running
from support.sse import listening
from support.terminal import ROOT, Terminal, blocks, terminal_of
from support.twitch import Message, Twitch, cheer, viewer

pytestmark = pytest.mark.long

BACK_UP, RESTORE, DECIDE = blocks("docs/how-to/back-up-and-restore.md")
NOWHERE = "http://127.0.0.1:9"
GHOSTS = {
    "OPENAI_API_KEY": "no-key-at-all",
    "OPENAI_BASE_URL": NOWHERE,
    "SPACES_BUCKET_NAME": "ghosts",
    "SPACES_REGION_NAME": "nyc3",
    "SPACES_ENDPOINT_URL": NOWHERE,
    "SPACES_ACCESS_KEY_ID": "no-key",
    "SPACES_SECRET_KEY": "no-secret",
}
UNSETTLED = "select key, status from showtime.outbox where kind like 'credit-%' and status <> 'done'"
PATIENCE = 60.0


@frozen
class Machines:
    """One that will burn down and another that takes its place, and the neighbours of both."""

    first: Terminal
    second: Terminal
    conninfos: tuple[str, str]
    auth: Auth
    ledger: LedgerService
    settings: dict[str, str]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with ExitStack() as stack:
        auth = stack.enter_context(Auth())
        ledger = stack.enter_context(LedgerService(auth=auth))
        servers = [
            stack.enter_context(EmbeddedPostgres.start(tmp_path / name)).conninfo
            for name in ("first", "second")
        ]
        composition.migrate_up(servers[0], lambda _: None)
        shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
        settings = {
            "AUTH_URL": auth.url,
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "LEDGER_URL": ledger.url,
        } | GHOSTS
        settings["LEDGER_SETTLE_SECONDS"] = "0"
        yield Machines(
            terminal_of(servers[0], tmp_path),
            terminal_of(servers[1], tmp_path),
            (servers[0], servers[1]),
            auth,
            ledger,
            settings,
        )


def epochs(conninfo: str) -> set[object]:
    """Tell what the ids of alerts and of chat begin with."""
    return {rows(conninfo, statement)[0][0] for statement in (TIP, CHAT_TIP)}


def credited(machines: Machines, name: str) -> list[int]:
    """Tell what a viewer has been credited, by the ledger."""
    flows = machines.ledger.flows[viewer(name)["user_id"]]
    return [flow.delta for flow in flows if flow.type == "cheer"]


def done(terminal: Terminal, script: str) -> str:
    """Run commands, which must go well."""
    ran = terminal.run(script)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


async def live_until_it_burns_down(machines: Machines, server: Server, client: Follower) -> list[Message]:
    """Cheer; once more while nothing can be credited; take a backup, and go on. Returns what that knows."""
    before = [cheer("Vera", 100), cheer("Vera", 150)]
    with httpx.Client(timeout=60) as connection:
        twitch = Twitch(server.url, connection)
        twitch.send(*before)
        await until(lambda: len(credited(machines, "Vera")) == 2, PATIENCE)
        machines.auth.trouble("refuse")  # so that nothing reaches the ledger
        waiting = cheer("Otto", 300, "ghost of a fax machine")
        twitch.send(waiting)
        done(machines.first, BACK_UP)
        machines.auth.trouble()
        await until(lambda: credited(machines, "Otto") == [300], PATIENCE)
        twitch.send(*(cheer("Lost", bits) for bits in range(1, 7)))
        await until(lambda: len(client.events) == 9)
    return [*before, waiting]


async def test_a_backup_is_restored_on_another_machine(machines: Machines, tmp_path: Path):
    """Who follows the alerts is shown all that is new, once; points that were under way are credited once."""
    one, other = machines.conninfos
    port = free_port()
    with running(one, tmp_path / "log", port=port, settings=machines.settings) as server:
        async with following(f"{server.url}/alerts") as client:
            known = await live_until_it_burns_down(machines, server, client)
            server.kill()

            done(machines.second, RESTORE.splitlines()[0])
            assert epochs(one).isdisjoint(epochs(other)), "even if what comes next is forgotten"
            done(machines.second, RESTORE.splitlines()[1])
            told = done(machines.second, DECIDE)
            assert "summon-ghost" in told
            assert "restored from a backup: the ghost may have gone on since" in told

            connections = client.connections
            with running(other, tmp_path / "log", port=port, settings=machines.settings) as heir:
                await until(lambda: client.connections > connections)
                await until(lambda: (client.last_id or "").partition("-")[0] in epochs(other))
                with httpx.Client(timeout=60) as connection:
                    Twitch(heir.url, connection).send(*known, cheer("Anew", 1), cheer("Anew", 2))
                await until(lambda: len(client.events) == 11)
                async with listening(f"{heir.url}/alerts", client.events[0].id) as stream:
                    beginning = [await stream.block(), await stream.block()]
                assert beginning[1].id == client.last_id, "whatever was the first is not it any more"
                await until(lambda: rows(other, UNSETTLED) == [], PATIENCE)
                assert credited(machines, "Anew") == [1, 2]
    assert [event["data"]["username"] for event in client.data[-2:]] == ["Anew", "Anew"]
    assert client.ids[-2:] == [4, 5], "numbers that were given out before, under another epoch"
    assert credited(machines, "Otto") == [300]
    assert credited(machines, "Vera") == [100, 150]


def test_that_it_is_a_copy_is_told_in_one_transaction(migrated: str, tmp_path: Path):
    """Where that cannot be written nothing of it is, and it may be written twice."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    terminal, before = terminal_of(migrated, tmp_path), epochs(migrated)
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute("alter table showtime.outbox rename to hidden")
        assert terminal.run(RESTORE.splitlines()[1]).returncode != 0
        connection.execute("alter table showtime.hidden rename to outbox")
    assert epochs(migrated) == before
    done(terminal, RESTORE.splitlines()[1])
    done(terminal, RESTORE.splitlines()[1])
    assert epochs(migrated).isdisjoint(before)
