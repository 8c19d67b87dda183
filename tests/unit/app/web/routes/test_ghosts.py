"""`POST /image-gen`, to the letter; and how a ghost stands."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import urljoin

import pytest

from showtime_app.web.polling import Polling
from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import EntrySource
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.reactions import Policy
from showtime_core.errors import ContentRefused, Unavailable
from showtime_core.testing.entries import BOB, MARGE
from showtime_core.testing.twins.fault_injection import JPEG
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from support.answers import said
from support.following import until
from support.studio import GhostBackend

NOT_JSON = "content-type not supported"
INVALID = "invalid request payload: "
FAILED = "the ghost could not be made, and no points were spent: try again later"


@pytest.fixture
def backend():
    return GhostBackend()


@pytest.fixture
async def marge(backend):
    """Marge, who has points for two ghosts."""
    await backend.give(MARGE, 400)
    async with backend.open_to(MARGE) as client:
        yield client


async def ask(client, subject="a baby seal", **headers):
    return await client.post("/image-gen", json={"subject": subject}, headers=headers)


async def points(backend, viewer=MARGE):
    balance = await backend.ledger.balance(viewer)
    return balance.total, balance.available


def shown(backend):
    return [shown.content for shown in backend.units.memory.feed_items]


async def test_a_ghost_is_on_screen_when_it_is_answered(backend, marge):
    """The answer is 204 without a body once the ghost is paid and the overlay has been told of it."""
    assert said(await ask(marge, "  a baby seal ")) == (204, "")
    [alert] = shown(backend)
    assert isinstance(alert, GhostAlert)
    assert (alert.username, alert.description) == (MARGE.name, "a baby seal")
    assert await points(backend) == (200, 200)


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("text/plain", b'{"subject": "x"}', NOT_JSON),
        ("multipart/form-data; boundary=x", b"", NOT_JSON),
        ("application/json", b"", f"{INVALID}it is not JSON"),
        ("application/json", b"{", f"{INVALID}it is not JSON"),
        ("application/json", b"[" * 60_000, f"{INVALID}it is not JSON"),
        ("application/json", b'{"subject": ' + b"9" * 5000 + b"}", f"{INVALID}it is not JSON"),
        ("application/json", b"\xff", f"{INVALID}it is not JSON"),
        ("application/json", b"[]", f"{INVALID}it is not an object"),
        ("application/json", b'"subject"', f"{INVALID}it is not an object"),
        ("application/json", b'{"subject": 7}', f"{INVALID}'subject' must be a string"),
        ("application/json", b"{}", f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": null}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": ""}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": " \\t\\u2003 "}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": "\\u0000\\ud83d"}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": "\\u200b\\u2060"}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": "\\u202e"}', f"{INVALID}'subject' is required"),
        ("application/json", b'{"subject": "Cheer200"}', f"{INVALID}'subject' is required"),
        ("", json.dumps({"subject": "x" * 121}).encode(), f"{INVALID}'subject' must be <= 120 characters"),
    ],
)
async def test_what_cannot_be_read_costs_nothing(backend, marge, content_type, body, message):
    """It is answered 400 in the words that the website shows, and nothing is recorded."""
    headers = {"content-type": content_type} if content_type else {}
    assert said(await marge.post("/image-gen", content=body, headers=headers)) == (400, message)
    assert not backend.units.memory.journal
    assert await points(backend) == (400, 400)


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_read_by_whatever_name(marge, content_type):
    """JSON is read whatever its content type is called, also where it has none."""
    headers = {"content-type": content_type} if content_type else {}
    answer = await marge.post("/image-gen", content=b'{"subject": "a fax machine"}', headers=headers)
    assert said(answer) == (204, "")


@pytest.mark.parametrize("letter", ["x", "Ⱥ", "İ", "👻", "é"])
async def test_characters_are_counted_and_not_bytes(backend, marge, letter):
    """A subject of 120 characters of any kind is taken as it is, and one of 121 is refused."""
    assert said(await ask(marge, letter * 121)) == (400, f"{INVALID}'subject' must be <= 120 characters")
    assert said(await ask(marge, letter * 120)) == (204, "")
    assert shown(backend)[0].description == letter * 120


async def test_who_brings_no_token_is_told_to(backend):
    """A request without a token is refused before anything else is looked at."""
    async with backend.open_to(None) as nobody:
        answer = await nobody.post("/image-gen", content=b"?")
        wrong = await nobody.post("/image-gen", content=b"?", headers={"authorization": "Bearer forged"})
    no_token = "Twitch user access token or internal JWT must be supplied in Authorization header"
    assert said(answer) == (400, no_token)
    assert said(wrong) == (401, "access token was not accepted")


async def test_who_has_not_enough_points_is_told_at_once(backend):
    """A viewer without enough points is answered 409, and nothing is recorded."""
    await backend.give(BOB, 199)
    async with backend.open_to(BOB) as bob:
        assert said(await ask(bob)) == (409, "not enough points")
    assert not backend.units.memory.journal


async def test_who_has_points_for_one_ghost_gets_one(backend):
    """Of two that are asked for at once, the ledger refuses one when its points are to be reserved."""
    await backend.give(BOB, 200)
    async with backend.open_to(BOB) as bob:
        answers = await asyncio.gather(ask(bob, "a fax machine"), ask(bob, "a pager"))
    assert sorted(said(answer) for answer in answers) == [(204, ""), (409, "not enough points")]
    assert await points(backend, BOB) == (0, 0)


async def test_the_painters_refusal_is_told_in_its_words(backend, marge):
    """A refusal is answered 400 in the painter's words, once the points are back."""

    async def refuse(_):
        raise ContentRefused("your request was rejected by our safety system")

    backend.paint = refuse
    told = "image generation request rejected: your request was rejected by our safety system"
    assert said(await ask(marge)) == (400, told)
    assert (await points(backend), shown(backend)) == ((400, 400), [])


async def test_a_failure_is_told_without_details(backend, marge):
    """A failure is answered 503 once the points are back, without what is the operator's business."""

    async def fail(_):
        raise Unavailable("sk-secret is over its quota")

    backend.paint = fail
    assert said(await ask(marge)) == (503, FAILED)
    assert (await points(backend), shown(backend)) == ((400, 400), [])


class Slow:
    """Paints when it is told to."""

    def __init__(self, backend):
        self.may_go_on, self.count = asyncio.Event(), 0
        backend.paint = self.paint

    async def paint(self, _):
        self.count += 1
        await self.may_go_on.wait()
        return JPEG


@pytest.fixture
def slow(backend):
    return Slow(backend)


@pytest.mark.parametrize("path", ["/image-gen", "/image-gen/"])
async def test_who_has_waited_for_long_is_told_where_to_ask(backend, marge, slow, path):
    """A long wait ends with 202 and an address, right behind any prefix, that tells how the ghost stands."""
    backend.polling.seconds = 1.0
    answer = await marge.post(path, json={"subject": "a baby seal"})
    ghost = answer.json()
    assert (answer.status_code, ghost["status"], ghost["step"]) == (202, "in-progress", "reserved")
    behind_a_proxy = urljoin(f"https://goldenvcr.com/api/showtime{path}", answer.headers["location"])
    assert behind_a_proxy == f"https://goldenvcr.com/api/showtime/history/images/{ghost['id']}/status"
    where = urljoin(path, answer.headers["location"])
    assert (await marge.get(where)).json() == ghost
    slow.may_go_on.set()
    await until(lambda: shown(backend))
    told = await marge.get(where)
    assert told.json() == {"id": ghost["id"], "status": "shown", "step": "shown"}
    assert told.headers["cache-control"] == "no-store"


class SlowLedger(MemoryLedger):
    """A ledger that takes its time: who begins to wait only after it waits for long."""

    patience = Polling(0.2)

    async def balance(self, viewer):
        self.patience.seconds = 600
        return await super().balance(viewer)


async def test_what_was_spent_on_looking_is_not_waited_for_again():
    """The proxy counts from the beginning of a request: so does the viewer's patience."""
    backend = GhostBackend(ledger=(ledger := SlowLedger()), polling=ledger.patience)
    Slow(backend)
    await backend.give(MARGE, 400)
    async with backend.open_to(MARGE) as marge, asyncio.timeout(20):
        assert (await ask(marge)).status_code == 202


@pytest.mark.parametrize("prefer", ["respond-async", "return=minimal, Respond-Async; x=1"])
async def test_who_does_not_want_to_wait_is_answered_at_once(marge, slow, prefer):
    """A request that prefers not to wait is answered 202 at once, with the reason."""
    answer = await ask(marge, prefer=prefer)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert not slow.may_go_on.is_set()


async def test_who_waits_when_the_server_stops_is_told_where_to_ask(backend, marge, slow):
    """A viewer who waits when the server stops is told where to ask, and does not delay the stop."""
    waiting = asyncio.create_task(ask(marge))
    await until(lambda: slow.count)
    backend.polling.stop()
    assert (await waiting).status_code == 202


async def test_a_client_that_goes_away_stops_nothing(backend, marge, slow):
    """The ghost is shown, and paid for once."""
    waiting = asyncio.create_task(ask(marge))
    await until(lambda: slow.count)
    waiting.cancel()
    slow.may_go_on.set()
    await until(lambda: shown(backend))
    assert await points(backend) == (200, 200)


async def test_the_same_wish_while_it_is_made_is_the_same_ghost(backend, slow):
    """Two equal requests of a viewer who can pay for one are both answered by the one ghost."""
    await backend.give(BOB, 200)
    async with backend.open_to(BOB) as bob:
        requests = [asyncio.create_task(ask(bob))]
        await until(lambda: slow.count)
        requests += [asyncio.create_task(ask(bob, " a baby seal")) for _ in range(2)]
        await until(lambda: len(backend.units.memory.journal) == 3)
        slow.may_go_on.set()
        answers = await asyncio.gather(*requests)
    assert [said(answer) for answer in answers] == [(204, "")] * 3
    assert (len(shown(backend)), await points(backend, BOB)) == (1, (0, 0))


async def test_the_same_wish_a_moment_later_is_the_same_ghost(backend, marge):
    """Whoever asks again, since an answer was lost, pays once; later, or under a name, it is another."""
    backend.tick = timedelta(0)
    await backend.give(MARGE, 200)
    assert [said(await ask(marge)) for _ in range(2)] == [(204, "")] * 2
    assert (len(shown(backend)), await points(backend)) == (1, (400, 400))
    assert said(await ask(marge, **{"idempotency-key": "another"})) == (204, "")
    assert (len(shown(backend)), await points(backend)) == (2, (200, 200))
    backend.elapsed += timedelta(minutes=11)
    assert said(await ask(marge)) == (204, "")
    assert (len(shown(backend)), await points(backend)) == (3, (0, 0))


async def test_who_has_too_many_waiting_is_told_so(backend, slow):
    """429 in words for the viewer, as a problem for who reads JSON, and nothing is recorded."""
    backend.policy = Policy(ghost_limits=GhostLimits(waiting=1))
    await backend.give(MARGE, 600)
    async with backend.open_to(MARGE) as client:
        first = asyncio.create_task(ask(client))
        await until(lambda: slow.count)
        words = "you have a ghost waiting already: ask again when one is on the screen"
        assert said(await ask(client, "a pager")) == (429, words)
        told = await ask(client, "a pager", accept="application/json")
        assert told.headers["content-type"] == "application/problem+json"
        assert told.json() == {"title": "Too Many Requests", "status": 429, "detail": words}
        assert "retry-after" not in told.headers
        assert len(backend.units.memory.journal) == 1
        slow.may_go_on.set()
        assert said(await first) == (204, "")
        assert said(await ask(client, "a pager")) == (204, "")


async def test_when_enough_is_painted_it_is_told_when_to_come_again(backend):
    """429 with `Retry-After` in seconds: when the oldest image is a day old."""
    backend.tick = timedelta(0)
    backend.policy = Policy(ghost_limits=GhostLimits(painted=1))
    await backend.give(MARGE, 400)
    async with backend.open_to(MARGE) as client:
        assert said(await ask(client)) == (204, "")
        answer = await ask(client, "a pager")
    words = "no more ghosts are made for now, since there were so many within 24 hours: try again later"
    assert said(answer) == (429, words)
    assert answer.headers["retry-after"] == str(24 * 3600)
    assert await points(backend) == (200, 200)


async def test_a_key_makes_a_request_one_for_ever(backend, marge):
    """A request sent again with its key gets the same answer, and costs nothing more."""
    answers = [await ask(marge, **{"idempotency-key": '"tuesday"'}) for _ in range(3)]
    assert [said(answer) for answer in answers] == [(204, "")] * 3
    assert (len(shown(backend)), await points(backend)) == (1, (200, 200))


async def test_a_key_that_joined_another_request_stays_with_it(backend, marge, slow):
    """A key that joined another request still names that ghost when it is sent again later."""
    first = asyncio.create_task(ask(marge))
    await until(lambda: slow.count)
    second = asyncio.create_task(ask(marge, **{"idempotency-key": "k"}))
    await until(lambda: len(backend.units.memory.journal) == 2)
    slow.may_go_on.set()
    assert [said(await each) for each in (first, second)] == [(204, "")] * 2
    assert said(await ask(marge, **{"idempotency-key": "k"})) == (204, "")
    assert (len(shown(backend)), await points(backend)) == (1, (200, 200))


async def test_a_key_belongs_to_its_viewer_and_subject(backend, marge):
    """The same key of another viewer, or for another subject, makes another request."""
    await backend.give(BOB, 200)
    async with backend.open_to(BOB) as bob:
        for client, subject in ((marge, "a pager"), (marge, "a fax machine"), (bob, "a pager")):
            assert said(await ask(client, subject, **{"idempotency-key": "1"})) == (204, "")
    assert len(shown(backend)) == 3


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "ü"])
async def test_a_key_is_short_and_printable(backend, marge, key):
    """A key that is not 1 to 128 printable ASCII characters is answered 400, and nothing is recorded."""
    answer = await ask(marge, **{"idempotency-key": key.encode()})
    told = "Idempotency-Key must have 1 to 128 printable ASCII characters, and no spaces"
    assert said(answer) == (400, told)
    assert not backend.units.memory.journal


async def test_where_ghosts_are_off_it_is_said():
    """Where ghosts are off every request is answered 503."""
    backend = GhostBackend(policy=Policy(features=frozenset()))
    async with backend.open_to(BOB) as bob:
        answers = [await ask(bob), await bob.post("/image-gen", content=b"?")]
    off = (503, "ghosts are off: this channel does without them")
    assert [said(answer) for answer in answers] == [off] * 2


class ClosedLedger(MemoryLedger):
    """A ledger that nobody can ask."""

    async def balance(self, _):
        raise Unavailable("the ledger is away")


async def test_while_nobody_can_tell_the_points_nothing_begins():
    """While the ledger is away a request is answered 503, and nothing was done."""
    backend = GhostBackend(ledger=ClosedLedger())
    async with backend.open_to(BOB) as bob:
        assert said(await ask(bob)) == (503, "the ledger is away")
    assert not backend.units.memory.journal


class Forgetful(MemoryUnitOfWork):
    """A database that loses the answer to the first request of a viewer."""

    async def record(self, entries, policy, follow):
        is_first = entries[0].source is EntrySource.VIEWER and entries[0].id not in self.memory.journal
        page = await super().record(entries, policy, follow)
        if is_first:
            raise Unavailable("the database cannot be used")
        return page


async def test_whether_it_was_recorded_is_found_out():
    """An answer of the database that was lost is no failure that is told: the request may have been kept."""
    backend = GhostBackend(kind=Forgetful)
    await backend.give(BOB, 400)
    async with backend.open_to(BOB) as bob:
        assert said(await ask(bob)) == (204, "")
    assert (len(shown(backend)), await points(backend, BOB)) == (1, (200, 200))


async def test_a_ghost_that_failed_says_so(backend, marge):
    """A ghost that failed says so, with what its viewer may know."""

    async def refuse(_):
        raise ContentRefused("no seals")

    backend.paint = refuse
    answer = await ask(marge, prefer="respond-async")
    where = urljoin("/image-gen", answer.headers["location"])
    await until(lambda: backend.units.memory.first_reports == {})
    told = (await marge.get(where)).json()
    message = "image generation request rejected: no seals"
    assert {**told, "id": None} == {"id": None, "status": "failed", "step": "refunded", "message": message}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("0b3f4d92-6c1e-4a57-9e0d-5a2c7be1f306", (404, "no such ghost")),
        ("1", (400, "image request ID must be a uuid")),
        ("0b3f4d926c1e4a579e0d5a2c7be1f306", (400, "image request ID must be a uuid")),
    ],
)
async def test_a_ghost_that_is_not_known_has_no_status(marge, name, answer):
    """Neither an unknown ghost nor one that cannot be has a status."""
    assert said(await marge.get(f"/history/images/{name}/status")) == answer
