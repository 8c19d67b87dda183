"""Points in a ledger that cannot deduplicate: what it keeps, how it fails, and what may be believed of it."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from attrs import evolve

from showtime_adapters.http_client import Telemetry
from showtime_adapters.ledger import CHANGES_AT_ONCE
from showtime_core.domain.points_and_ghosts.effects import CreditCheer, CreditGiftSubs, CreditSubscription
from showtime_core.domain.points_and_ghosts.ledger import Balance, FlowState
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Ambiguous, NotPending, Refused, Unavailable
from showtime_core.testing.contracts.ledger import HOUR, LedgerContract, cheer, reserve
from support.auth_service import Auth
from support.clients import opened_ledger, opened_tokens
from support.ledger_service import LedgerService
from support.neighbours import neighbours_running

VERA = Viewer("1986", "vera_haste", "Vera_Haste")

WELL = {
    "id": str(uuid4()),
    "timestamp": "2026-11-25T04:00:00.123456789Z",
    "type": "cheer",
    "state": "accepted",
    "deltaPoints": 1,
    "description": "",
}
"""A transaction that can be read."""


@pytest.fixture(scope="module")
def well_auth():
    with Auth() as auth:
        yield auth


@pytest.fixture(scope="module")
def well_service(well_auth):
    with LedgerService(auth=well_auth) as service:
        yield service


@pytest.fixture
def auth(well_auth):
    yield well_auth
    well_auth.trouble()
    well_auth.lifetime_seconds = 900


@pytest.fixture
def service(well_service):
    """Run a ledger; however a test has left it, the next one finds it well, and nothing in it."""
    well_service.received.clear()
    well_service.request_ids.clear()
    well_service.flows.clear()
    well_service.most_connections = 0
    yield well_service
    well_service.trouble()
    well_service.database_fails, well_service.ahead = False, timedelta()


@pytest.fixture
async def ledger(auth, service):
    async with opened(auth, service) as ledger:
        yield ledger


@pytest.fixture
async def impatient(auth, service):
    """Speak to the ledger as somebody who does not wait long: only where it is not well."""
    async with opened(auth, service, seconds=1.0) as ledger:
        yield ledger


@asynccontextmanager
async def opened(auth, service, request_id=lambda: None, seconds=10.0, fence=lambda: None):
    async with (
        opened_tokens(auth.url, auth.secret, Telemetry(request_id), seconds) as tokens,
        opened_ledger(service.url, tokens, Telemetry(request_id), seconds, fence, seconds) as ledger,
    ):
        yield ledger


async def points(ledger, viewer=VERA):
    return (await ledger.balance(viewer)).total


async def statement(ledger, reach=HOUR):
    return await ledger.statement(VERA, reach)


class TestHttpLedger(LedgerContract):
    """The contract of ledgers, spoken over HTTP with one that knows no keys."""

    knows_keys = False


# --- a change that is lost ------------------------------------------------------------------------


@pytest.mark.parametrize("failure", ["hang", "cut", "500", "502", "302"])
async def test_an_answer_that_is_lost_may_mean_nothing(ledger, impatient, service, failure):
    """Nothing was done, but nobody can tell: that is ambiguous, for every change."""
    await cheer(ledger, VERA, 500)
    flow_id = await reserve(ledger, VERA)
    service.trouble(failure)
    outcomes = await asyncio.gather(
        cheer(impatient, VERA, 100),
        reserve(impatient, VERA),
        impatient.accept(VERA, flow_id),
        impatient.reject(VERA, flow_id),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Ambiguous] * 4
    service.trouble()
    assert await ledger.balance(VERA) == Balance(500, 300)


@pytest.mark.parametrize("failure", ["die", "drip", "500 after", "late"])
async def test_an_answer_that_is_lost_may_mean_all(ledger, impatient, service, failure):
    """An answer is Ambiguous where all was done: a credit, a reservation, an acceptance."""
    service.trouble(failure, only="POST|PATCH|DELETE")
    with pytest.raises(Ambiguous):
        await cheer(impatient, VERA, 500)
    with pytest.raises(Ambiguous):
        await reserve(impatient, VERA)
    (lost, _) = (await statement(ledger)).transactions
    with pytest.raises(Ambiguous):
        await impatient.accept(VERA, lost.id)
    service.trouble()
    with pytest.raises(NotPending):
        await ledger.accept(VERA, lost.id)
    assert await ledger.balance(VERA) == Balance(300, 300)


@pytest.mark.parametrize(
    "rubbish", ["", "rubbish", "null", "[]", "{}", '{"flowId":7}', '{"flowId":"tape"}', "[" * 99999, "\ud7ff"]
)
async def test_an_answer_that_cannot_be_read_is_lost(ledger, service, rubbish):
    """A success that names no transaction says only that something may have been done."""
    service.trouble(rubbish, only="POST")
    with pytest.raises(Ambiguous):
        await cheer(ledger, VERA, 500)
    with pytest.raises(Ambiguous):
        await reserve(ledger, VERA)
    service.trouble("{}", only="DELETE")
    (held, _) = (await statement(ledger)).transactions
    with pytest.raises(Ambiguous):
        await ledger.reject(VERA, held.id)
    assert await ledger.balance(VERA) == Balance(500, 500)


async def test_an_answer_is_waited_for_that_comes_late(auth, service):
    """For longer than the answer to a look, and for every change: who gives up would be in doubt."""
    async with (
        opened_tokens(auth.url, auth.secret) as tokens,
        opened_ledger(service.url, tokens, answer_seconds=0.5) as ledger,
    ):
        await cheer(ledger, VERA, 500)
        flows = [await reserve(ledger, VERA) for _ in range(2)]
        service.trouble("late", only="POST|PATCH|DELETE", late=2.0)
        changes = (
            cheer(ledger, VERA, 300),
            reserve(ledger, VERA, 100),
            ledger.accept(VERA, flows[0]),
            ledger.reject(VERA, flows[1]),
        )
        await asyncio.gather(*changes)
        service.trouble()
        assert await ledger.balance(VERA) == Balance(600, 500)


async def test_changes_that_hang_keep_no_place_of_looks(auth, service):
    """However many wait for their answers."""
    async with opened(auth, service) as ledger:
        service.trouble("hang", only="POST")
        crowd = asyncio.create_task(rush(ledger))
        await until_it_is(lambda: open_connections(service), CHANGES_AT_ONCE)
        assert await points(ledger) == 0
        service.trouble()
        await crowd


async def test_what_is_done_late_is_found_late(ledger, impatient, service):
    """The ledger may still do what was asked for long after the answer was given up."""
    service.trouble("slow", only="POST")
    with pytest.raises(Ambiguous):
        await cheer(impatient, VERA, 100)
    assert (await statement(ledger)).transactions == ()
    service.trouble()  # it wakes up
    await until_it_is(lambda: points(ledger), 100)


async def until_it_is(look, expected):
    """Look until it is as expected, or one of several."""
    wanted = expected if isinstance(expected, range) else [expected]
    deadline = time.monotonic() + 15
    while (seen := await look()) not in wanted:
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.1)


# --- a change that is not done --------------------------------------------------------------------


async def test_a_ledger_that_is_away_has_done_nothing(ledger, service):
    """Nobody is there: what was wanted is not done, for sure, and can be done when it is back."""
    flow_id = uuid4()
    service.trouble("refuse")
    for change in (
        cheer(ledger, VERA, 100),
        reserve(ledger, VERA),
        ledger.accept(VERA, flow_id),
        ledger.reject(VERA, flow_id),
        ledger.balance(VERA),
        ledger.statement(VERA, HOUR),
        ledger.find(VERA, flow_id),
    ):
        with pytest.raises(Unavailable):
            await change
    service.trouble()
    await cheer(ledger, VERA, 100)
    assert await points(ledger) == 100


@pytest.mark.parametrize("failure", ["refuse", "hang", "cut", "500", "rubbish", "", "401", "drip"])
async def test_without_a_token_nothing_is_sent(auth, service, failure):
    """As long as auth gives no token, the ledger hears nothing, and nothing can have been done."""
    async with opened(auth, service, seconds=1.0) as ledger:
        auth.trouble(failure)
        with pytest.raises(Unavailable):
            await cheer(ledger, VERA, 100)
        assert not service.received
        auth.trouble()
        await cheer(ledger, VERA, 100)
    assert service.held()[VERA.id]["totalPoints"] == 100


async def test_the_fence_is_asked_at_the_last_moment(auth, service):
    """Whoever may have been followed by another sends no request that would be performed twice."""
    asked = []

    def fence():
        deadline = time.monotonic() + 15  # the ledger may be slow to see who has connected
        while not service.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        asked.append(len(service.connections))
        raise Unavailable("held up")

    async with opened(auth, service, fence=fence) as ledger:
        for change in (cheer(ledger, VERA, 100), reserve(ledger, VERA)):
            with pytest.raises(Unavailable, match="held up"):
                await change
        assert await points(ledger) == 0
    assert len(asked) == 2
    assert all(asked), "the ledger is reached, and waits for what is wanted of it"
    assert not service.flows[VERA.id]


@pytest.mark.parametrize(
    "credit",
    [
        CreditCheer(VERA, 0, ""),
        CreditSubscription(VERA, -600, 1, is_initial=True, is_gift=False, message=""),
        CreditGiftSubs(VERA, 200, 1, 2**31),
    ],
)
async def test_what_the_ledger_will_never_do_is_refused(ledger, service, credit):
    """What the ledger will never do is Refused in the ledger's own words."""
    with pytest.raises(Refused, match=r"400 .* invalid payload: '.*' must be a positive integer"):
        await ledger.credit(credit, "some:key")
    assert not service.flows[VERA.id]


@pytest.mark.parametrize(("status", "outcome"), [("403", Refused), ("404", Refused), ("429", Unavailable)])
async def test_a_refusal_precedes_the_change(ledger, service, status, outcome):
    """Whoever is refused has lost nothing; being too many is no refusal."""
    service.trouble(status, only="POST")
    with pytest.raises(outcome, match=status):
        await cheer(ledger, VERA, 100)
    assert await points(ledger) == 0


# --- tokens ---------------------------------------------------------------------------------------


async def test_a_token_that_is_not_accepted_is_renewed_once(ledger, auth, service):
    """A second refusal is no reason to go on for ever; nothing was done."""
    await cheer(ledger, VERA, 100)
    fetched = auth.requests["/service-token"]
    service.received.clear()
    service.trouble("401")
    with pytest.raises(Unavailable, match="does not accept our service token"):
        await cheer(ledger, VERA, 100)
    assert len(service.received) == 2
    service.trouble()
    await cheer(ledger, VERA, 100)
    assert auth.requests["/service-token"] == fetched + 2
    assert await points(ledger) == 200


async def test_a_key_that_auth_has_changed_stops_nothing(ledger, auth):
    """Tokens of the old key are answered 500: the next attempt brings a new one."""
    await cheer(ledger, VERA, 100)
    auth.rotate()
    with pytest.raises(Ambiguous):
        await cheer(ledger, VERA, 100)
    await cheer(ledger, VERA, 100)
    assert await points(ledger) == 200


async def test_tokens_are_renewed_before_they_end(ledger, auth):
    """The ledger answers 500 to one that has expired, so none is used in its last minute."""
    auth.lifetime_seconds = 61
    fetched = auth.requests["/service-token"]
    await cheer(ledger, VERA, 1)
    await until_it_is(lambda: fetch_again(ledger, auth, fetched), True)
    assert await points(ledger) >= 2


async def fetch_again(ledger, auth, fetched):
    await cheer(ledger, VERA, 1)
    return auth.requests["/service-token"] > fetched + 1


# --- looking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", ["hang", "cut", "die", "500", "404", "rubbish", "", "[]", "null", "drip"])
async def test_looking_changes_nothing(impatient, service, failure):
    """Whatever happens to a look, it can be taken again."""
    service.trouble(failure)
    looks = (impatient.balance(VERA), statement(impatient), impatient.find(VERA, uuid4()))
    outcomes = await asyncio.gather(*looks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3


@pytest.mark.parametrize(
    "page",
    [
        "{}",
        '{"items":null}',
        '{"items":[7]}',
        '{"items":[{}]}',
        '{"items":[],"nextCursor":"tape"}',
        *(
            json.dumps({"items": [WELL | odd]})
            for odd in (
                {"id": "tape"},
                {"timestamp": "yesterday"},
                {"timestamp": "2026-11-25T04:00:00"},
                {"state": "lost"},
                {"deltaPoints": "1"},
                {"description": None},
            )
        ),
    ],
)
async def test_a_page_that_cannot_be_read_tells_nothing(ledger, service, page):
    """A page that cannot be read tells nothing, not even that there is nothing."""
    for none in ({}, {"nextCursor": None}, {"nextCursor": ""}):
        service.trouble(json.dumps({"items": [WELL]} | none), only="/history")
        assert (await ledger.find(VERA, UUID(WELL["id"]))).points == 1
    service.trouble(json.dumps({"items": [WELL]}), only="/history")
    assert len((await ledger.statement(VERA, timedelta(days=36500))).transactions) == 1
    service.trouble(page)
    with pytest.raises(Unavailable):
        await statement(ledger)


async def test_a_ledger_whose_database_fails_is_not_believed(ledger, service):
    """It lists nothing, and says nothing of it; but its balance does not come then."""
    await cheer(ledger, VERA, 100)
    service.database_fails = True
    with pytest.raises(Unavailable):
        await statement(ledger)


async def test_an_empty_page_proves_nothing(ledger, service):
    """A list that does not fit the balance, for the database has failed for a moment, is not complete."""
    await cheer(ledger, VERA, 100)
    service.trouble('{"items":[]}', only="/history")
    seen = await statement(ledger)
    assert seen.transactions == ()
    assert not seen.is_complete
    assert await ledger.find(VERA, uuid4()) is None


async def test_a_page_that_is_missing_makes_it_incomplete(ledger, service):
    """A statement is incomplete where the first page names the next, and that one is empty."""
    for bits in range(1, 102):
        await cheer(ledger, VERA, bits)
    service.trouble('{"items":[]}', only="from=")
    seen = await statement(ledger)
    assert len(seen.transactions) == 100
    assert not seen.is_complete


async def test_a_statement_reaches_back_by_the_clock_of_the_ledger(ledger, service):
    """Clocks of two machines differ: only the ledger's own tells how old its transactions are."""
    for hours in (-3, 3):
        service.flows.clear()
        service.ahead = timedelta(hours=hours)
        await cheer(ledger, VERA, 1)
        await cheer(ledger, VERA, 2)
        old, new = service.flows[VERA.id]
        past = old.created_at - timedelta(minutes=5)
        service.flows[VERA.id][0] = evolve(old, created_at=past, finalized_at=past)
        seen = await statement(ledger, timedelta(minutes=1))
        assert [str(found.id) for found in seen.transactions] == [new.id]
        assert seen.is_complete
        seen = await statement(ledger, timedelta(minutes=6))
        assert [found.points for found in seen.transactions] == [2, 1]


async def test_a_statement_reads_no_further_than_it_must(ledger, service):
    """An older transaction proves that nothing newer is missing: neither page nor balance is asked for."""
    for bits in range(1, 121):
        await cheer(ledger, VERA, bits)
    past = service.flows[VERA.id][50].created_at - timedelta(minutes=5)
    service.flows[VERA.id][50] = evolve(service.flows[VERA.id][50], created_at=past, finalized_at=past)
    service.received.clear()
    seen = await statement(ledger, timedelta(minutes=1))
    assert seen.is_complete
    assert [request.target for request in service.received] == ["/history?max=100"]


async def test_the_time_that_a_look_takes_is_looked_at_too(ledger, service):
    """What was within reach when the look was begun is listed, however slow the ledger is."""
    await cheer(ledger, VERA, 100)
    service.trouble("slow", only="/history", late=4.0)
    seen = await statement(ledger, timedelta(seconds=1))
    assert [found.points for found in seen.transactions] == [100]


async def test_what_became_of_a_lost_decision_is_found(ledger, service):
    """409 says only that it is decided; the transaction says how."""
    await cheer(ledger, VERA, 500)
    spent, back = await reserve(ledger, VERA), await reserve(ledger, VERA)
    service.trouble("die", only="PATCH|DELETE")
    for decide, flow_id in ((ledger.accept, spent), (ledger.reject, back)):
        with pytest.raises(Ambiguous):
            await decide(VERA, flow_id)
    service.trouble()
    for flow_id, state in ((spent, FlowState.ACCEPTED), (back, FlowState.REJECTED)):
        with pytest.raises(NotPending):
            await ledger.accept(VERA, flow_id)
        found = await ledger.find(VERA, flow_id)
        assert (found.id, found.state) == (flow_id, state)


# --- besides --------------------------------------------------------------------------------------


async def test_a_ghost_is_named_to_the_ledger(ledger, service):
    """A ghost is named to the ledger with its own id, as an object, and as the kind of alert that it is."""
    await cheer(ledger, VERA, 500)
    ghost = uuid4()
    await ledger.reserve(VERA, 200, ghost, "some:key")
    assert service.held()[VERA.id]["flows"][-1]["metadata"] == {"imageRequestId": str(ghost)}


async def test_the_ledger_is_told_which_request_it_is_asked_for(auth, service):
    """The id of a request is sent on, to auth and to the ledger."""
    async with opened(auth, service, lambda: "rewind-42") as ledger:
        await cheer(ledger, VERA, 100)
    assert service.request_ids == ["rewind-42"]
    assert auth.request_ids[-1] == "rewind-42"


async def test_connections_do_not_leak(auth, service):
    """A crowd has to queue; after hundreds of requests, good and bad, few are open; at the end none is."""
    async with opened(auth, service) as ledger:
        service.trouble("hang")
        crowd = asyncio.create_task(rush(ledger))
        await until_it_is(lambda: open_connections(service), CHANGES_AT_ONCE)
        await asyncio.sleep(0.3)
        assert service.most_connections == CHANGES_AT_ONCE
        service.trouble()
        await crowd
    async with opened(auth, service, seconds=2.0) as ledger:
        for failure in ("500", "cut", "die", "rubbish", "drip"):
            service.trouble(failure, share=0.7)
            await rush(ledger)
        assert len(service.received) > 150
        await until_it_is(lambda: open_connections(service), range(6))
    await until_it_is(lambda: open_connections(service), 0)
    await until_it_is(lambda: open_connections(auth), 0)


async def rush(ledger):
    """Come all at once."""
    viewers = (evolve(VERA, id=str(number)) for number in range(80))
    await asyncio.gather(*(cheer(ledger, viewer, 1) for viewer in viewers), return_exceptions=True)


async def open_connections(service):
    return len(service.connections)


async def test_whoever_is_cancelled_leaves_no_connection(auth, service):
    """A request that nobody waits for any more is cut."""
    async with opened(auth, service) as ledger:
        await points(ledger)
        kept = await open_connections(service)
        service.trouble("drip")
        task = asyncio.create_task(cheer(ledger, VERA, 100))
        await until_it_is(lambda: has_received(service, "/inflow/cheer"), True)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_it_is(lambda: open_connections(service), kept)


async def has_received(service, path):
    return service.received[-1].path == path


@pytest.mark.parametrize("failure", [None, "401", "500", "cut", "403", "rubbish"])
async def test_no_token_is_told_on(ledger, auth, service, caplog, failure):
    """Neither an error nor the most talkative log has a token or the secret in it."""
    caplog.set_level("DEBUG")
    service.trouble(failure)
    told = ""
    try:
        await cheer(ledger, VERA, 100)
    except (Ambiguous, Refused, Unavailable) as reason:
        told = f"{reason!r} {reason.__cause__!r}"
    told += caplog.text + repr(ledger) + repr(vars(ledger))
    assert auth.secret not in told
    for request in service.received:
        assert request.token
        assert request.token[-20:] not in told


def test_neighbours_live_in_a_process_of_their_own():
    """They are told from outside how to do, and tell what they hold."""
    with neighbours_running() as neighbours:
        neighbours.trouble("ledger", "500", only="/balance")
        assert neighbours.held("ledger") == {}
        asyncio.run(speak(neighbours.settings))
        assert neighbours.held("ledger")[VERA.id]["totalPoints"] == 100


async def speak(settings):
    async with (
        opened_tokens(settings["AUTH_URL"], settings["AUTH_SHARED_SECRET"]) as tokens,
        opened_ledger(settings["LEDGER_URL"], tokens) as ledger,
    ):
        await cheer(ledger, VERA, 100)
        with pytest.raises(Unavailable):
            await ledger.balance(VERA)
