"""What is parked, and what the broadcaster makes of it: by the routes, and by `showtime parked`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from showtime_app.cli.parked import parked as command
from support import auth_service
from support.auth_service import SHARED_SECRET, Auth
from support.databases import fresh_database
from support.following import await_some
from support.in_process import running_here
from support.ledger_service import Flow, LedgerService
from support.server import environment, rows
from support.twitch import CHANNEL, Message, Twitch, cheer, message, viewer

LOST = "the answer was lost, and the ledger has 2 transactions that may be it: "


@frozen
class RunningShow:
    """A running show, its ledger, and its host."""

    conninfo: str
    ledger: LedgerService
    twitch: Twitch
    client: httpx.Client

    def decide(self, decision: str, name: str) -> tuple[int, str]:
        answer = self.client.post(f"/admin/parked/{decision}", json={"id": name})
        return answer.status_code, answer.text

    def command(self, *arguments: str) -> Result:
        """Run `showtime parked` in a shell that knows the database and nothing else."""
        named = {name: value for name, value in environment(self.conninfo).items() if name.startswith("PG")}
        return CliRunner().invoke(command, arguments, env=named)

    def parked(self, name: str) -> dict[str, Any] | None:
        """Look for one among all that is parked."""
        listed = self.client.get("/admin/parked").raise_for_status().json()["parked"]
        return next((each for each in listed if each["id"] == name), None)

    def await_parked(self, name: str) -> dict[str, Any]:
        return await_some(lambda: self.parked(name))

    def status(self, name: str) -> object:
        """Look in the database what became of an effect."""
        return rows(self.conninfo, "select status from showtime.outbox where key = %s", name)[0][0]

    def points(self, name: str) -> int:
        return self.ledger.held().get(viewer(name)["user_id"], {"totalPoints": 0})["totalPoints"]


@pytest.fixture(scope="module")
def stage(postgres_server) -> Iterator[RunningShow]:
    with (
        Auth() as auth,
        LedgerService(auth=auth) as ledger,
        fresh_database(postgres_server.conninfo) as conninfo,
        running_here(
            conninfo,
            {
                "AUTH_URL": auth.url,
                "AUTH_SHARED_SECRET": SHARED_SECRET,
                "LEDGER_URL": ledger.url,
                "LEDGER_SETTLE_SECONDS": "0.5",
            },
        ) as server,
        httpx.Client(
            base_url=server.url, headers={"authorization": f"Bearer {auth_service.BROADCASTER}"}, timeout=30
        ) as client,
    ):
        yield RunningShow(conninfo, ledger, Twitch(server.url, client), client)


@pytest.fixture
def show(stage: RunningShow) -> Iterator[RunningShow]:
    """Give the show; its ledger is well again afterwards."""
    yield stage
    stage.ledger.trouble()


def unreadable(name: str) -> Message:
    return message("channel.cheer", viewer(name) | CHANNEL | {"is_anonymous": False, "bits": "many"})


def doubtful(show: RunningShow, name: str) -> str:
    """Have a viewer cheer so that nobody can tell whether it was credited; returns the effect's name."""
    now = datetime.now(UTC)
    twin = Flow("cheer", 100, "Thank you for cheering with the message 'twice'!", now, "accepted", now)
    show.ledger.flows[viewer(name)["user_id"]].append(twin)
    show.ledger.trouble("die", only="POST /inflow")
    sent = cheer(name, 100, "twice")
    show.twitch.send(sent)
    return f"{sent.id}:credit-cheer"


def refused(show: RunningShow, name: str) -> str:
    """Have a viewer cheer while the ledger refuses everything; returns the effect's name."""
    show.ledger.trouble("400", only="POST /inflow")
    sent = cheer(name, 100, "be kind")
    show.twitch.send(sent)
    return f"{sent.id}:credit-cheer"


def test_a_message_that_nobody_understands_is_listed_until_it_is_dismissed(show):
    """What is not understood is listed with its reason, and a retry changes nothing until it is dismissed."""
    sent = unreadable("TornTina")
    assert [answer.status_code for answer in show.twitch.send(sent)] == [204]
    parked = show.parked(sent.id)
    assert parked.pop("since")
    assert parked == {
        "id": sent.id,
        "kind": "message",
        "type": "channel.cheer",
        "about": "",
        "reason": "'bits' is not a whole number from 1 to 2147483647",
        "tries": 1,
        "choices": ["retry", "dismiss"],
    }
    still = "it still cannot be understood: 'bits' is not a whole number from 1 to 2147483647"
    assert show.decide("retry", sent.id) == (400, still)
    assert show.decide("done", sent.id) == (400, "a message has no done: choose retry or dismiss")
    assert show.parked(sent.id)
    assert show.decide("dismiss", sent.id) == (204, "")
    assert show.parked(sent.id) is None
    assert show.decide("dismiss", sent.id) == (404, "nothing of this name is parked, or not any more")


def test_a_message_that_is_understood_by_now_is_reacted_to(show):
    """After an update the alert and the points come, though the shell knows of no ledger."""
    sent = unreadable("LateLola")
    show.twitch.send(sent)
    with psycopg.connect(show.conninfo) as connection:  # what an older version would have left behind
        change = "update showtime.journal set body = %s where id = %s"
        connection.execute(change, [cheer("LateLola", 100).body, sent.id])
    done = show.command("retry", sent.id)
    assert (done.exit_code, done.output) == (0, f"{sent.id}: tried again\n")
    await_some(lambda: show.points("LateLola") == 100)


def test_a_credit_that_no_ledger_can_hold_holds_up_no_other(show):
    """It is parked at once, and the ledger is never asked for it; the giver's other points come."""
    giver = viewer("GenerousGina") | CHANNEL | {"tier": "1000", "is_anonymous": False}
    huge, small = (message("channel.subscription.gift", giver | {"total": n}) for n in (2147483647, 2))
    show.twitch.send(huge)
    show.twitch.send(small)
    await_some(lambda: show.points("GenerousGina") == 400)
    parked = show.parked(f"{huge.id}:credit-gift-subs")
    assert parked["reason"] == "429496729400 points in all: the ledger takes 1 to 2147483647"
    assert parked["tries"] == 0
    assert show.decide("retry", f"{huge.id}:credit-gift-subs") == (204, "")
    await_some(lambda: (show.parked(f"{huge.id}:credit-gift-subs") or {}).get("tries") == 1)
    assert show.points("GenerousGina") == 400


def test_a_credit_that_was_refused_is_tried_again(show):
    """Whatever kept the ledger from it is mended, and the points come, once."""
    name = refused(show, "RetryRita")
    parked = show.await_parked(name)
    assert parked["reason"].startswith("it was refused: the ledger answers 400")
    assert parked["about"] == "100 points for RetryRita, who cheered: be kind"
    assert (parked["kind"], parked["type"], parked["tries"]) == ("effect", "credit-cheer", 1)
    assert parked["choices"] == ["retry", "dismiss", "done"]
    show.ledger.trouble()
    assert show.decide("retry", name) == (204, "")
    await_some(lambda: show.status(name) == "done")
    assert show.points("RetryRita") == 100


def test_a_credit_of_which_nobody_can_tell_is_known_to_be_done(show):
    """A person has looked: the ledger is not asked again, and what may be decided is on the screen."""
    name = doubtful(show, "TwiceTom")
    assert show.await_parked(name)["reason"].startswith(LOST)
    listed = show.command("list")
    assert listed.exit_code == 0
    mine = listed.output[listed.output.index(name) :].splitlines()
    assert mine[0].startswith(f"{name}  (credit-cheer, 2")
    assert mine[1] == "    100 points for TwiceTom, who cheered: twice"
    assert mine[2].startswith(f"    {LOST}")
    assert mine[3] == "    showtime parked retry|dismiss|done"
    done = show.command("done", name)
    assert (done.exit_code, done.output) == (0, f"{name}: taken as done\n")
    assert show.status(name) == "done"
    assert name not in show.command("list").output
    assert show.points("TwiceTom") == 200


def test_a_credit_that_is_dismissed_is_not_made(show):
    """It stays in the outbox, with why it was parked."""
    name = refused(show, "DroppedDora")
    show.await_parked(name)
    show.ledger.trouble()
    done = show.command("dismiss", name)
    assert (done.exit_code, done.output) == (0, f"{name}: dismissed\n")
    found = rows(show.conninfo, "select status, remark from showtime.outbox where key = %s", name)
    assert found[0][0] == "dismissed"
    assert str(found[0][1]).startswith("it was refused")
    assert show.points("DroppedDora") == 0


def test_a_viewer_writes_nothing_in_the_terminal_of_the_operator(show):
    """Orders to a terminal, and lines that look like ours, are written out where they are listed."""
    sent = cheer("TermTess", 100, "boo\n    showtime parked done all\x1b[2J\u202e")
    show.ledger.trouble("400", only="POST /inflow")
    show.twitch.send(sent)
    show.await_parked(f"{sent.id}:credit-cheer")
    listed = show.command("list").output
    assert r"who cheered: boo\n    showtime parked done all\x1b[2J\u202e" in listed
    assert "\x1b" not in listed
    assert "showtime parked done all" not in [line.strip() for line in listed.splitlines()]


def test_of_several_those_before_the_one_that_is_refused_are_decided(show):
    """The command ends with 1 and names the one."""
    first, last = unreadable("FirstFay"), unreadable("LastLou")
    show.twitch.send(first, last)
    done = show.command("dismiss", first.id, "no-such-thing", last.id)
    assert (done.exit_code, done.output.splitlines()) == (
        1,
        [f"{first.id}: dismissed", "Error: no-such-thing: nothing of this name is parked, or not any more"],
    )
    assert show.parked(first.id) is None
    assert show.parked(last.id)


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, (400, "Twitch user access token or internal JWT must be supplied in Authorization header")),
        ({"authorization": f"Bearer {auth_service.REJECTED}"}, (401, "access token was not accepted")),
        (
            {"authorization": f"Bearer {auth_service.VIEWER}"},
            (403, "insufficient access: requires broadcaster; you are viewer"),
        ),
    ],
    ids=["nobody", "rejected", "viewer"],
)
def test_only_the_broadcaster_decides(show, headers, answer):
    """Nobody else is even told what is parked."""
    with httpx.Client(base_url=show.twitch.url, headers=headers) as client:
        came = [client.get("/admin/parked"), client.post("/admin/parked/retry", json={"id": "x"})]
    assert [(each.status_code, each.text) for each in came] == [answer] * 2


def test_what_makes_no_sense_is_told(show):
    """An unknown decision, an unknown name and a limit that is none are refused with the reason."""
    assert show.decide("forget", "x") == (404, "no such decision: choose retry, dismiss, done")
    nameless = show.client.post("/admin/parked/retry", json={})
    endless = show.client.get("/admin/parked", params={"limit": 0})
    assert (nameless.status_code, nameless.text) == (400, "body: Object missing required field `id`")
    assert (endless.status_code, endless.text) == (400, "limit: Expected `int` >= 1")
    assert show.command("retry").exit_code == 2


def test_where_the_database_cannot_be_used_the_remedy_is_told(database, tmp_path):
    """It is away, it is not migrated, or the folder is none of a `showtime dev`; nothing is made there."""
    named = {name: value for name, value in environment(database).items() if name.startswith("PG")}
    for arguments, env, problem, remedy in (
        (["list"], {"PGHOST": "127.0.0.1", "PGPORT": "1"}, "Connection refused", "Check where it is (PGHOST"),
        (["list"], named, "the database lacks 001_predecessor, ", "run `showtime migrate`"),
        (["list", "--data-dir", str(tmp_path)], {}, "dev.json cannot be read", "start `showtime dev` first"),
    ):
        done = CliRunner().invoke(command, arguments, env=env)
        assert done.exit_code == 1
        assert problem in done.output
        assert remedy in done.output
    assert not [*tmp_path.iterdir()]
