"""The relay: whatever happens to an instance or to the database, what is due is performed, and once."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from support.databases import fresh_database, gone
from support.following import until
from support.line import Line
from support.neighbours import Neighbours, neighbours_running
from support.sending import Sender
from support.server import Server, rows, running
from support.twitch import Message, cheer, viewer

pytestmark = pytest.mark.long

SETTLE = {"LEDGER_SETTLE_SECONDS": "0.5"}
VIEWERS = [f"Tapehead{number}" for number in range(12)]
DOING = "select count(*) from showtime.outbox where status in ('due', 'leased', 'waiting')"
PARKED = "select kind, remark from showtime.outbox where status = 'parked'"
ALL_SECONDS = 180.0


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    with neighbours_running() as neighbours:
        yield neighbours


@pytest.fixture
def well(neighbours: Neighbours) -> Iterator[Neighbours]:
    """Give the neighbours, who are well again afterwards."""
    yield neighbours
    for name in ("auth", "ledger", "openai", "s3", "discord"):
        neighbours.trouble(name)


@pytest.fixture
def embedded(well: Neighbours) -> dict[str, str]:
    """Give the settings of a channel whose points are in its own database."""
    return well.settings | SETTLE | {"LEDGER_URL": "embedded"}


def crowd(count: int, ghosts: int = 0) -> list[Message]:
    """Have viewers cheer in turn, so often, and the first of them for so many ghosts."""
    return [
        cheer(
            VIEWERS[number % len(VIEWERS)], 250, f"ghost of tape {number}" if number < ghosts else "be kind"
        )
        for number in range(count)
    ]


async def until_done(conninfo: str, seconds: float = ALL_SECONDS) -> None:
    """Wait until nothing is left to be done."""
    await until(lambda: rows(conninfo, DOING) == [(0,)], seconds, every=0.1)


def balances(conninfo: str) -> dict[object, object]:
    """Read what the viewers have in the embedded ledger."""
    accepted = "select viewer_id, sum(points) from showtime.flow where state = 'accepted' group by viewer_id"
    return dict(rows(conninfo, accepted))


def shown(conninfo: str) -> Counter[object]:
    """Count the ghosts that were shown, by subject."""
    query = "select payload from showtime.feed where payload ->> 'type' = 'generated-images'"
    return Counter(payload["data"]["description"] for (payload,) in rows(conninfo, query))  # type: ignore[index]


def assert_all_is_performed(conninfo: str, sent: Sequence[Message], ghosts: int) -> None:
    """See that every point is there, every ghost was shown, and nothing else is unknown than posts."""
    assert {kind for kind, _ in rows(conninfo, PARKED)} <= {"post-ghost"}
    expected = Counter(viewer(VIEWERS[number % len(VIEWERS)])["user_id"] for number in range(len(sent)))
    spent = Counter(viewer(VIEWERS[number % len(VIEWERS)])["user_id"] for number in range(ghosts))
    assert balances(conninfo) == {whose: 250 * n - 200 * spent[whose] for whose, n in expected.items()}
    assert shown(conninfo) == Counter(f"tape {number}" for number in range(ghosts))


async def test_what_a_killed_instance_had_begun_is_done_by_another(
    migrated: str, well: Neighbours, embedded: dict[str, str], tmp_path: Path
):
    """Two instances share the work, and one is killed in the middle: the other does what is left, at once."""
    well.trouble("openai", "late", late=0.5)  # so that there is a middle
    sent = crowd(160, ghosts=24)
    with (
        running(migrated, tmp_path / "one.log", settings=embedded) as one,
        running(migrated, tmp_path / "other.log", settings=embedded) as other,
    ):
        await Sender(one.port).deliver(sent)
        await until(lambda: leased(migrated) == 2)
        one.kill()
        await until_done(migrated)
        assert other.process.poll() is None
    assert_all_is_performed(migrated, sent, ghosts=24)


def leased_kinds(conninfo: str) -> set[object]:
    """Tell the kinds of what is performed at this moment."""
    return {kind for (kind,) in rows(conninfo, "select kind from showtime.outbox where status = 'leased'")}


def leased(conninfo: str) -> int:
    """Count the instances that have something leased."""
    query = "select count(distinct owner) from showtime.outbox where status = 'leased'"
    return int(rows(conninfo, query)[0][0])  # type: ignore[call-overload]


async def test_it_survives_an_outage_of_the_database(
    postgres_server, embedded: dict[str, str], tmp_path: Path
):
    """The database goes away in the middle, for longer than all its time limits, and comes back."""
    sent = crowd(120, ghosts=12)
    with (
        fresh_database(postgres_server.conninfo) as conninfo,
        running(conninfo, tmp_path / "server.log", settings=embedded) as server,
    ):
        await Sender(server.port).deliver(sent)
        await until(lambda: rows(conninfo, "select from showtime.ghost"))
        with gone(conninfo, postgres_server.conninfo):
            await asyncio.sleep(6)
        assert server.process.poll() is None
        await until_done(conninfo)
        assert_all_is_performed(conninfo, sent, ghosts=12)


# --- stopping -----------------------------------------------------------------------------------------

OF_CREDITS = "select status, attempts from showtime.outbox where kind = 'credit-cheer'"


async def test_what_is_under_way_is_finished_before_it_stops(migrated: str, well: Neighbours, tmp_path: Path):
    """A credit whose answer is a moment away is awaited and written, while a painting is not waited for."""
    settings = well.settings | SETTLE | {"LEDGER_SETTLE_SECONDS": "600"}  # in doubt it would take too long
    well.trouble("openai", "hang")
    with running(migrated, tmp_path / "server.log", settings=settings) as server:
        await Sender(server.port).deliver([cheer("Painted", 250, "ghost of a slow painter")])
        await until(lambda: well.held("openai") and leased_kinds(migrated) == {"paint-ghost"})
        well.trouble("ledger", "late", only="/inflow")
        await Sender(server.port).deliver([cheer("Painted", 100)])
        await until(lambda: well.held("ledger")[viewer("Painted")["user_id"]]["totalPoints"] == 350)
        assert "credit-cheer" in leased_kinds(migrated), "it stops in the middle"
        server.signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        well.trouble("ledger")
        assert server.process.wait(60) == 0
    assert rows(migrated, OF_CREDITS) == [("done", 1), ("done", 1)]
    assert "Traceback" not in server.log.read_text()
    well.trouble("openai")
    with running(migrated, tmp_path / "next.log", settings=settings):
        await until_done(migrated)
    assert shown(migrated) == Counter({"a slow painter": 1})
    assert well.held("ledger")[viewer("Painted")["user_id"]]["totalPoints"] == 150


async def test_a_ghost_that_may_have_been_posted_is_not_posted_again(
    migrated: str, well: Neighbours, embedded: dict[str, str], tmp_path: Path
):
    """The instance is killed between posting and writing: nobody can know, which is left to a person."""
    well.trouble("discord", "late")
    before = len(well.held("discord"))
    with running(migrated, tmp_path / "server.log", settings=embedded) as server:
        await Sender(server.port).deliver(crowd(1, ghosts=1))
        await until(lambda: len(well.held("discord")) > before)
        server.kill()
    well.trouble("discord")
    with running(migrated, tmp_path / "next.log", settings=embedded):
        await until_done(migrated)
    reason = "it may have been posted: the instance that posted it is gone"
    assert rows(migrated, PARKED) == [("post-ghost", reason)]
    assert_all_is_performed(migrated, crowd(1), ghosts=1)
    assert len(well.held("discord")) == before + 1


# --- followed by another ------------------------------------------------------------------------------

END_RELAY = """
    select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and granted and (classid::bigint << 32) | objid::bigint in (
        select owner from showtime.outbox where status = 'leased')
"""


async def test_an_instance_that_is_cut_off_sends_nothing_once_it_may_have_been_followed(
    migrated: str, well: Neighbours, tmp_path: Path
):
    """An instance that has lost its session unawares sends nothing once another may have taken over."""
    settings = well.settings | SETTLE
    with Line(address(well.urls["auth"])) as auth, Line(socket_of(migrated)) as database:
        by_line = make_conninfo(migrated, host="127.0.0.1", port=database.port)
        cut_off = settings | {"AUTH_URL": f"http://127.0.0.1:{auth.port}"}
        with (
            running(by_line, tmp_path / "one.log", settings=cut_off) as one,
            running(migrated, tmp_path / "other.log", settings=settings) as other,
        ):
            for number in range(10):
                sent = cheer(f"CutOff{number}", 100)
                other.signal(signal.SIGSTOP)  # so that it is not the one that begins
                auth.hold()
                await Sender(one.port).deliver([sent])
                await until(lambda: leased(migrated))
                database.hold()
                rows(migrated, END_RELAY)
                other.signal(signal.SIGCONT)
                await until(lambda: points_of(well, sent) == 100, ALL_SECONDS, every=0.1)  # noqa: B023
                auth.release()
                await until(lambda: f"CutOff{number}: credit-cheer, try 1" in log(one), ALL_SECONDS)  # noqa: B023
                database.release()
                await until_done(migrated)
                assert points_of(well, sent) == 100
                if "nothing was sent: this instance was held up" in log(one):
                    return
    pytest.fail("it was never ready to send at the right moment")


def points_of(neighbours: Neighbours, sent: Message) -> object:
    """Tell what the viewer of a message has."""
    whose = json.loads(sent.body)["event"]["user_id"]
    return neighbours.held("ledger").get(whose, {}).get("totalPoints")


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def socket_of(conninfo: str) -> str:
    """Name the socket of a server."""
    where = conninfo_to_dict(conninfo)
    return f"{where['host']}/.s.PGSQL.{where['port']}"


async def test_an_instance_that_was_frozen_before_it_sent_sends_nothing(
    migrated: str, well: Neighbours, tmp_path: Path
):
    """An instance frozen between lease and request until another has taken over sends nothing."""
    settings = well.settings | SETTLE
    whose = viewer("FrozenFiona")["user_id"]
    with (
        running(migrated, tmp_path / "frozen.log", settings=settings) as frozen,
        running(migrated, tmp_path / "other.log", settings=settings) as other,
    ):
        other.signal(signal.SIGSTOP)  # so that it is not the one that begins
        well.trouble("auth", "slow", late=2.0)
        await Sender(frozen.port).deliver([cheer("FrozenFiona", 100)])
        await until(lambda: leased(migrated))
        frozen.signal(signal.SIGSTOP)
        other.signal(signal.SIGCONT)
        well.trouble("auth")
        await until_done(migrated, seconds=60)
        assert well.held("ledger")[whose]["totalPoints"] == 100
        frozen.signal(signal.SIGCONT)
        await until(lambda: "nothing was sent" in log(frozen) or "begins again" in log(frozen))
        await Sender(frozen.port).deliver([cheer("FrozenFiona", 1)])  # it performs again
        other.kill()
        await until_done(migrated)
    assert well.held("ledger")[whose]["totalPoints"] == 101


def log(server: Server) -> str:
    return server.log.read_text()
