"""The feed of the night: PostgreSQL's keeps to the contract; and its routes, as the console asks them."""

import httpx
import pytest

from showtime_adapters.postgres.night_feed import PostgresNightFeedStore
from showtime_adapters.postgres.pool import make_pool
from showtime_core.testing.contracts.night_feed import NightFeedContract, NightFeedStage
from support import auth_service
from support.auth_service import SHARED_SECRET, Auth
from support.databases import empty, fresh_database
from support.following import await_some
from support.in_process import running_here
from support.server import rows
from support.show import show_staged
from support.twitch import CHANNEL, Twitch, cheer, follow, message, viewer

HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
FINISH = "update showtime.outbox set status = 'done', leased_at = now() where key = %s returning key"


@pytest.fixture(scope="module")
def kept(postgres_server):
    """Give the conninfo of a database that the tests of this module share."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


class TestPostgresNightFeed(NightFeedContract):
    @pytest.fixture
    async def night(self, kept):
        empty(kept)
        async with show_staged(kept) as stage, make_pool(kept, autocommit=True) as pool:

            async def finish(key):
                assert rows(kept, FINISH, key)

            yield NightFeedStage(stage, PostgresNightFeedStore(pool), finish)


@pytest.fixture(scope="module")
def served(postgres_server):
    """Serve a channel whose points are kept here, to its host; gives a client."""
    with fresh_database(postgres_server.conninfo) as conninfo, Auth() as auth:
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET, "LEDGER_URL": "embedded"}
        with (
            running_here(conninfo, settings) as server,
            httpx.Client(base_url=server.url, headers=HOST, timeout=20) as client,
        ):
            made = client.post("/admin/show/secrets", json={"kind": "overlay", "name": "OBS"})
            assert made.status_code == 201
            yield client


@pytest.fixture
def tell(served):
    """Send what Twitch sends."""
    with httpx.Client(timeout=20) as client:
        yield Twitch(str(served.base_url).rstrip("/"), client).send


def newest(served, **asked):
    """Read the feed."""
    return served.get("/admin/night", params=asked).raise_for_status().json()


def gift(name, *recipients, tier="1000"):
    """Make the messages of a gift and of its recipients."""
    given = viewer(name) | CHANNEL | {"total": len(recipients), "tier": tier, "is_anonymous": False}
    received = [viewer(each) | CHANNEL | {"tier": tier, "is_gift": True} for each in recipients]
    return [
        message("channel.subscription.gift", given),
        *(message("channel.subscribe", each) for each in received),
    ]


def test_a_row_says_what_happened_and_what_became_of_it(served, tell):
    """A row has who, what, the words, both clocks, its alert's state, and the points that are credited."""
    sent = cheer("RowRita", bits=250, text="be kind")
    tell(sent)

    def credited():
        row = newest(served, limit=1)["rows"][0]
        return row if row["message"] == sent.id and row["effects"][0]["status"] == "done" else None

    row = await_some(credited)
    assert (row["kind"], row["type"], row["who"]) == ("bits", "channel.cheer", "RowRita")
    assert (row["what"], row["words"], row["isTest"]) == ("250 bits", "be kind", False)
    assert row["sentAt"]
    assert row["at"] >= row["sentAt"]
    assert row["alerts"][0]["state"] == "waiting"
    assert row["effects"] == [{"kind": "credit-cheer", "status": "done", "remark": None, "points": 250}]


def test_a_gift_and_its_recipients_are_one_row(served, tell):
    """The recipients of a gift are parts of its row, and rows of their own nowhere, on no page."""
    names = [f"Folded{number}" for number in range(12)]
    tell(*gift("GiverGus", *names))
    [row] = newest(served, limit=1)["rows"]
    assert (row["kind"], row["who"], row["what"]) == ("gift", "GiverGus", "12 gift subs")
    assert sorted(part["who"] for part in row["parts"]) == sorted(names)
    everybody = [each["who"] for each in newest(served, limit=200)["rows"]]
    assert set(everybody) & set(names) == set()


def test_pages_follow_each_other_without_a_gap(served, tell):
    """Page by page, however small, comes what one large page shows, each row once."""
    tell(*gift("PageGiver", "A1", "A2", "A3"), follow("PageFollower"), cheer("PageCheerer"))
    whole = newest(served, limit=200)
    pages, before = [], None
    while True:
        page = newest(served, limit=2, **({} if before is None else {"before": before}))
        pages += page["rows"]
        before = page["before"]
        if before is None:
            break
    assert [row["id"] for row in pages] == [row["id"] for row in whole["rows"]]
    assert newest(served, after=whole["rows"][0]["id"])["rows"] == []
    after = newest(served, after=whole["rows"][1]["id"])["rows"]
    assert [row["id"] for row in after] == [whole["rows"][0]["id"]]


def test_kinds_are_chosen_by_name(served, tell):
    """Only rows of the kinds that are asked for come; a kind that is not known is refused."""
    tell(follow("KindFollower"), cheer("KindCheerer"))
    assert {row["kind"] for row in newest(served, kinds="follow,gift")["rows"]} <= {"follow", "gift"}
    assert {row["who"] for row in newest(served, kinds="bits", limit=1)["rows"]} == {"KindCheerer"}
    refused = served.get("/admin/night", params={"kinds": "nothing"})
    assert (refused.status_code, "no such kind" in refused.text) == (400, True)


def test_handled_is_a_mark_for_everybody(served, tell):
    """A row is marked as handled, and the mark is taken back; a row that is not there is not found."""
    tell(follow("MarkedMary"))
    name = newest(served, limit=1)["rows"][0]["id"]
    assert served.post(f"/admin/night/{name}/handled").status_code == 204
    assert newest(served, limit=1)["rows"][0]["handledAt"]
    assert served.delete(f"/admin/night/{name}/handled").status_code == 204
    assert newest(served, limit=1)["rows"][0]["handledAt"] is None
    for missing in ("999999", "-1", "x", "9" * 30):
        assert served.post(f"/admin/night/{missing}/handled").status_code == 404


@pytest.mark.parametrize("kind", ["cheer", "power-up", "generated-images", "hype-train"])
def test_a_test_is_in_the_queue_and_nowhere_else(served, kind):
    """What is tried out waits, marked; nobody is paid, and neither history, sums nor alerts tell of it."""
    before = served.get("/admin/night/totals").json()
    planned = count_effects(served)
    assert served.post("/admin/show/tests", json={"type": kind}).status_code == 204
    row = newest(served, limit=1)["rows"][0]
    assert (row["isTest"], row["effects"], row["type"]) == (True, [], "show.test")
    after = served.get("/admin/night/totals").json()
    assert {name: before[name] for name in SUMS} == {name: after[name] for name in SUMS}
    assert count_effects(served) == planned
    assert "Test Pattern" not in replayed(served)
    history = served.get("/history/images").text + served.get("/history").text
    assert "Test Pattern" not in history


def replayed(served):
    """Read the alerts that whoever comes back is told, up to a last one."""
    last = cheer("TheLastOne")
    with httpx.Client(timeout=20) as client:
        with served.stream("GET", "/alerts", headers=STREAM) as stream:
            lines = stream.iter_lines()
            first = next(line for line in lines if line.startswith("id:"))
        epoch = first.removeprefix("id:").strip().rpartition("-")[0]
        Twitch(str(served.base_url).rstrip("/"), client).send(last)
        with served.stream("GET", "/alerts", headers=STREAM | {"last-event-id": f"{epoch}-0"}) as stream:
            told = []
            for line in stream.iter_lines():
                told.append(line)
                if "TheLastOne" in line:
                    return "\n".join(told)
    return ""


STREAM = {"accept": "text/event-stream"}
SUMS = ("follows", "bits", "subs", "gifts", "raids", "ghosts", "pointsEarned", "pointsSpent")


def count_effects(served):
    """Count the effects of all rows of the night."""
    return sum(len(row["effects"]) for row in newest(served, limit=200)["rows"])


def test_a_kind_that_is_not_known_is_not_tried_out(served):
    """A kind that no alert has is refused, and leaves no row."""
    before = newest(served, limit=1)["rows"][0]["id"]
    assert served.post("/admin/show/tests", json={"type": "nothing"}).status_code == 400
    assert newest(served, limit=1)["rows"][0]["id"] == before


def test_lights_are_the_same_eight(served):
    """Each neighbour has a light, which never is green for what nobody has asked."""
    lights = {each["name"]: each for each in served.get("/admin/health").json()["lights"]}
    assert list(lights) == ["twitch", "auth", "ledger", "openai", "storage", "discord", "chat", "database"]
    assert (lights["database"]["state"], lights["auth"]["state"]) == ("ok", "ok")
    assert {lights[name]["state"] for name in ("openai", "storage", "discord")} == {"off"}
    assert lights["twitch"]["state"] == "unknown"


def test_the_stream_says_when_the_night_has_changed(served, tell):
    """Whoever asks for `night` is told a word that changes with a mark."""
    tell(follow("ToldTim"))
    name = newest(served, limit=1)["rows"][0]["id"]
    with served.stream("GET", "/show", params={"layers": "night"}) as stream:
        lines = stream.iter_lines()
        words = [next(line for line in lines if line.startswith("data:"))]
        served.post(f"/admin/night/{name}/handled")
        words.append(next(line for line in lines if line.startswith("data:")))
    assert words[0] != words[1]
