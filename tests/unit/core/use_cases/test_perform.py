"""One effect out: what comes of it when its neighbours do well, fail, or leave it in doubt."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from attrs import define, evolve, field

from showtime_core.domain.events import Cheer, GhostPaid
from showtime_core.domain.journal import EntrySource
from showtime_core.domain.outbox import CHECK_AFTER, EffectStatus, Job, Settlement
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    CreditCheer,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ghosts import (
    GhostRefusal,
    GhostStep,
    GhostTask,
    ghost_id_of,
    image_key,
    prompt,
)
from showtime_core.domain.points_and_ghosts.ledger import Balance
from showtime_core.domain.points_and_ghosts.retries import FIRST_DELAY, MAX_GHOST_ATTEMPTS
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotPending, Unavailable
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.fault_injection import JPEG, CallResult, FaultyServices
from showtime_core.testing.twins.outbox import MemoryOutboxTable
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.receive import receive

VERA = Viewer("1337", "vhsvera", "VHSVera")
SETTLE = timedelta(seconds=30)
CREDIT = CreditCheer(VERA, 200, "be kind")
SUMMONS = SummonGhost(ghost_id_of("e1"), VERA, "a fax machine", None)
DOUBT = timedelta(seconds=31)


def read_clock():
    return datetime.now(UTC)


@define
class Stage:
    """One instance among neighbours that meet their fate in turn."""

    world: FaultyServices = field(factory=lambda: FaultyServices(read_clock, timedelta(seconds=1)))
    news: list = field(factory=list)
    changes: dict = field(factory=dict)
    """Ports of `Services` that are others here, by name."""

    async def perform(self, effect, *results, attempts=1, ghost=None, in_doubt_for=None, answered_for=SETTLE):
        """Perform an effect, each of whose calls meets the next fate; they are as many."""
        job = Job("e1:it", "e1", effect, attempts, ghost, in_doubt_for, answered_for)
        task = asyncio.create_task(perform(job, self.services(), chance=1.0), name=job.key)
        for result in results:
            while not (self.world.calls or task.done()):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)
            assert self.world.calls, f"it has ended instead of asking a neighbour: {task}"
            self.world.calls[0].result.set_result(result)
            await asyncio.sleep(0)
        return await asyncio.wait_for(task, 5)

    async def balance(self):
        return await self.world.balance(VERA)

    def services(self):
        async def receive(entry):
            self.news.append(entry)

        world, outbox = self.world, MemoryOutboxTable(MemoryUnitOfWork(), SETTLE).instance()
        return evolve(Services(outbox, world, world, world, world, world, receive, SETTLE), **self.changes)


@pytest.fixture
def stage():
    return Stage()


async def reserved(stage):
    """Give a ghost whose points are reserved."""
    await stage.perform(CREDIT, CallResult.SUCCEEDS)
    return (await stage.perform(SUMMONS, CallResult.SUCCEEDS)).ghost


def advance(task):
    return AdvanceGhost(SUMMONS.ghost_id, VERA, task)


# --- points -------------------------------------------------------------------------------------------


async def test_a_credit_is_done_and_its_transaction_known(stage):
    """What it has made nothing else may claim."""
    done = await stage.perform(CREDIT, CallResult.SUCCEEDS)
    assert (done.status, done.flow_id) == (EffectStatus.DONE, stage.world.flows["e1:it"])
    assert await stage.balance() == Balance(200, 200)


async def test_a_first_try_looks_at_nothing(stage):
    """A first try makes one call, for nothing is in doubt."""
    await stage.perform(CREDIT, CallResult.SUCCEEDS)
    assert not stage.world.calls


async def test_a_try_in_doubt_looks_first_and_adopts(stage):
    """The lost answer was a yes: nothing is credited again."""
    lost = await stage.perform(CREDIT, CallResult.LOST_AFTER)
    assert (lost.status, lost.in_doubt, lost.delay) == (EffectStatus.DUE, True, FIRST_DELAY)
    found = await stage.perform(CREDIT, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert (found.status, found.flow_id) == (EffectStatus.DONE, stage.world.flows["e1:it"])
    assert await stage.balance() == Balance(200, 200)


@pytest.mark.parametrize("effect", [CREDIT, SUMMONS])
@pytest.mark.parametrize("doubt", [timedelta(seconds=-1000), timedelta(0), timedelta(seconds=10)])
async def test_a_clock_that_was_set_back_makes_nothing_twice(stage, effect, doubt):
    """Whatever the clock says of the first try: what it made minutes ago is found, and left to a person."""
    now = read_clock()
    stage.world = FaultyServices(lambda: now, timedelta(0))
    await stage.world.ledger.credit(evolve(CREDIT, points=1000), "before")
    await stage.perform(effect, CallResult.LOST_AFTER)
    (flow,) = (flow for flow in stage.world.ledger.flows[VERA.id].values() if flow.points != 1000)
    now += timedelta(hours=14)
    parked = await stage.perform(effect, CallResult.SUCCEEDS, in_doubt_for=doubt)
    assert parked.status is EffectStatus.PARKED
    assert f"made before it was asked for, or a clock was set: {flow.id}" in parked.remark
    check = CheckForDouble(effect, uuid4())
    assert (await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=doubt)).status is EffectStatus.PARKED
    assert len(stage.world.moved_by) == 1


async def test_a_try_in_doubt_repeats_what_is_not_there(stage):
    """The lost answer was none."""
    await stage.perform(CREDIT, CallResult.LOST_BEFORE)
    done = await stage.perform(CREDIT, CallResult.SUCCEEDS, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert done.status is EffectStatus.DONE
    assert await stage.balance() == Balance(200, 200)


class ReservesLate(FaultyServices):
    """A ledger that makes a reservation whose answer was lost just before it is asked for it again."""

    async def reserve(self, viewer, points, ghost_id, key):
        await self.ledger.reserve(viewer, points, ghost_id, "the first request")
        return await super().reserve(viewer, points, ghost_id, key)


@pytest.mark.parametrize(
    ("credited", "status", "available"), [(200, EffectStatus.DONE, 0), (100, EffectStatus.REFUSED, 100)]
)
async def test_points_that_the_lost_request_has_reserved_are_not_missing(stage, credited, status, available):
    """A repetition is refused since the first request took the points after the look: that one is adopted."""
    stage.world = ReservesLate(read_clock, timedelta(0)) if credited == 200 else stage.world
    await stage.world.ledger.credit(evolve(CREDIT, points=credited), "before")
    calls = [CallResult.SUCCEEDS] * 3  # a look, the request, and another look
    done = await stage.perform(SUMMONS, *calls, in_doubt_for=DOUBT)
    assert (done.status, done.ghost.flow_id is not None) == (status, status is EffectStatus.DONE)
    assert await stage.balance() == Balance(credited, available)


@pytest.mark.parametrize("effect", [CREDIT, SUMMONS])
async def test_the_first_answer_after_a_doubt_proves_nothing(stage, effect):
    """The ledger may still be working on what it was asked before: it is looked again a settle time later."""
    first = await stage.perform(effect, CallResult.SUCCEEDS, in_doubt_for=DOUBT, answered_for=None)
    assert (first.status, first.has_answered, first.in_doubt) == (EffectStatus.DUE, True, False)
    assert first.delay == SETTLE
    assert first.remark == (
        "an answer was lost, and the ledger, which answers again, may still be working on it"
    )
    early = await stage.perform(effect, CallResult.SUCCEEDS, in_doubt_for=DOUBT, answered_for=SETTLE * 0.75)
    assert (early.status, early.delay) == (EffectStatus.DUE, SETTLE * 0.25)
    assert not stage.world.moved_by


async def test_a_look_that_is_not_answered_begins_no_settle_time(stage):
    """However long the ledger is away."""
    looked = await stage.perform(CREDIT, CallResult.NOT_REACHED, in_doubt_for=DOUBT, answered_for=None)
    assert (looked.status, looked.has_answered) == (EffectStatus.DUE, False)


async def test_what_was_in_doubt_is_looked_at_once_more(stage):
    """Ten minutes later, whether it was made or taken over; what never was in doubt is not."""
    stage.changes = {"settle_after": timedelta(0)}
    assert (await stage.perform(CREDIT, CallResult.SUCCEEDS)).check_after is None
    adopted = await stage.perform(CREDIT, CallResult.SUCCEEDS, in_doubt_for=DOUBT, answered_for=None)
    assert (adopted.status, adopted.check_after) == (EffectStatus.DONE, CHECK_AFTER)
    begun = await stage.perform(SUMMONS, CallResult.SUCCEEDS, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert (begun.status, begun.check_after) == (EffectStatus.DONE, CHECK_AFTER)


@pytest.mark.parametrize("effect", [CREDIT, SUMMONS])
async def test_a_change_that_was_made_twice_is_reported(stage, effect):
    """With the ids of both transactions, to a person; one that was made once is not."""
    await stage.world.ledger.credit(evolve(CREDIT, points=1000), "before")
    taken = (await stage.perform(effect, CallResult.SUCCEEDS)).flow_id
    check = CheckForDouble(effect, taken)
    assert (await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=DOUBT)).status is EffectStatus.DONE
    other = (await stage.perform(effect, CallResult.SUCCEEDS)).flow_id
    reported = await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert reported.status is EffectStatus.PARKED
    assert f"2 transactions that may be it: {taken}, {other}" in reported.remark


async def test_what_belongs_to_another_effect_of_the_viewer_is_neither_adopted_nor_doubled(stage):
    """Two equal cheers are two: the transaction that the first has claimed says nothing of the second."""
    units = MemoryUnitOfWork()
    await receive([entry("cheer", Cheer(VERA, 200, "be kind"))], units, Policy())
    outbox = MemoryOutboxTable(units, SETTLE).instance()
    (job,) = await outbox.lease({"credit-cheer"}, 1)
    await outbox.settle(job, await stage.perform(CREDIT, CallResult.SUCCEEDS))
    stage.changes = {"outbox": outbox}
    second = await stage.perform(CREDIT, CallResult.SUCCEEDS, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert second.status is EffectStatus.DONE
    assert await stage.balance() == Balance(400, 400)
    check = CheckForDouble(CREDIT, second.flow_id)
    assert (await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=DOUBT)).status is EffectStatus.DONE


async def test_what_is_under_way_is_not_taken_for_a_double(stage):
    """An equal change whose transaction is not known yet: it is looked again when it is."""
    taken = (await stage.perform(CREDIT, CallResult.SUCCEEDS)).flow_id
    await stage.perform(CREDIT, CallResult.SUCCEEDS)
    units = MemoryUnitOfWork()
    await receive([entry("cheer", Cheer(VERA, 200, "be kind"))], units, Policy())
    busy = MemoryOutboxTable(units, SETTLE).instance()
    stage.changes = {"outbox": busy}
    (job,) = await busy.lease({"credit-cheer"}, 1)
    check = CheckForDouble(CREDIT, taken)
    waits = await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert (waits.status, waits.in_doubt) == (EffectStatus.DUE, False)
    assert waits.remark == "another change for this viewer is under way, and looks the same"
    await busy.settle(job, Settlement(EffectStatus.DONE))
    assert (await stage.perform(check, CallResult.SUCCEEDS, in_doubt_for=DOUBT)).status is EffectStatus.PARKED


async def test_a_look_that_misses_something_is_taken_again(stage):
    """A ledger whose database fails lists nothing, which proves that nothing is doubled to nobody."""
    check = CheckForDouble(CREDIT, uuid4())
    looked = await stage.perform(check, CallResult.LOST_BEFORE, in_doubt_for=DOUBT)
    assert (looked.status, looked.in_doubt) == (EffectStatus.DUE, False)
    assert looked.remark == "the ledger does not show all that it has"


async def test_a_try_in_doubt_that_cannot_look_does_nothing(stage):
    """It stays in doubt, and nothing new is."""
    looked = await stage.perform(CREDIT, CallResult.NOT_REACHED, in_doubt_for=DOUBT)
    assert (looked.status, looked.in_doubt) == (EffectStatus.DUE, False)
    assert await stage.balance() == Balance(0, 0)


async def test_of_two_that_may_be_it_none_is_taken(stage):
    """It is left to a person, who is told why."""
    for _ in range(2):
        await stage.perform(CREDIT, CallResult.LOST_AFTER)
    parked = await stage.perform(CREDIT, CallResult.SUCCEEDS, in_doubt_for=DOUBT)
    assert parked.status is EffectStatus.PARKED
    assert "2 transactions that may be it" in parked.remark


async def test_a_fault_of_our_own_leaves_points_in_doubt(stage, caplog):
    """Whatever nobody thought of may have happened after the request."""

    class Broken(FaultyServices):
        async def credit(self, *_):
            raise RuntimeError("a flag that nobody lowered")

    stage.world = Broken(read_clock, timedelta(0))
    failed = await stage.perform(CREDIT)
    assert (failed.status, failed.in_doubt) == (EffectStatus.DUE, True)
    assert failed.remark == "RuntimeError: a flag that nobody lowered"
    assert caplog.messages == ["e1:it failed in a way that nobody thought of"]


async def test_a_fault_of_our_own_is_not_tried_for_a_day(stage):
    """The other credits of the viewer wait behind it; should it be tried again, it is looked for first."""

    class Broken(FaultyServices):
        async def credit(self, *_):
            raise UnicodeError("no such letter")

    stage.world = Broken(read_clock, timedelta(0))
    parked = await stage.perform(CREDIT, attempts=MAX_GHOST_ATTEMPTS)
    assert (parked.status, parked.in_doubt) == (EffectStatus.PARKED, True)
    assert parked.remark == f"tried {MAX_GHOST_ATTEMPTS} times: UnicodeError: no such letter"


@pytest.mark.parametrize("points", [0, -1, 2**31])
async def test_a_credit_that_no_ledger_can_make_is_asked_of_none(stage, points):
    """Planned by a version before, or tried again by the operator: it is parked at once, and in no doubt."""
    parked = await stage.perform(CreditCheer(VERA, points, ""))
    assert (parked.status, parked.in_doubt) == (EffectStatus.PARKED, False)
    assert parked.remark == f"it was refused: {points} points: the ledger takes 1 to 2147483647"


# --- ghosts -------------------------------------------------------------------------------------------


async def test_a_ghost_goes_its_way(stage):
    """A ghost is reserved, painted, stored, paid, shown and posted, and each step plans the next."""
    ghost, steps = await reserved(stage), []
    for task in (GhostTask.PAINT, GhostTask.STORE, GhostTask.PAY, GhostTask.SHOW, GhostTask.POST):
        results = [] if task is GhostTask.SHOW else [CallResult.SUCCEEDS]
        settled = await stage.perform(advance(task), *results, ghost=ghost)
        ghost = settled.ghost
        steps.append((ghost.step, settled.next_effect and settled.next_effect.effect.task))
    assert steps == [
        (GhostStep.PAINTED, GhostTask.STORE),
        (GhostStep.STORED, GhostTask.PAY),
        (GhostStep.PAID, GhostTask.SHOW),
        (GhostStep.SHOWN, GhostTask.POST),
        (GhostStep.POSTED, None),
    ]
    assert await stage.balance() == Balance(0, 0)
    [news] = stage.news
    assert (news.id, news.source) == (f"ghost:{ghost.id}", EntrySource.RELAY)
    assert news.content == GhostPaid(VERA, "a fax machine", ghost.url)


async def test_neighbours_are_told_what_the_ghost_is(stage):
    """The painter gets the viewer's words, the bucket the ghost's name, and the ledger the ghost's id."""
    told = {}

    class Listening(FaultyServices):
        async def reserve(self, viewer, points, ghost_id, key):
            told["reserve"] = (viewer, points, ghost_id, key)
            return uuid4()

        async def paint(self, prompt):
            told["paint"] = prompt
            return JPEG

        async def store(self, key, jpeg):
            told["store"] = (key, jpeg)
            return "https://ghosts.example/1"

    stage.world = Listening(read_clock, timedelta(0))
    ghost = (await stage.perform(SUMMONS)).ghost
    for task in (GhostTask.PAINT, GhostTask.STORE):
        ghost = (await stage.perform(advance(task), ghost=ghost)).ghost
    assert told == {
        "reserve": (VERA, 200, SUMMONS.ghost_id, "e1:it"),
        "paint": prompt("a fax machine"),
        "store": (image_key(ghost), JPEG),
    }


async def test_who_cannot_pay_is_told_so(stage):
    """Nothing was taken, and nothing is next."""
    refused = await stage.perform(SUMMONS, CallResult.SUCCEEDS)
    assert (refused.status, refused.next_effect) == (EffectStatus.REFUSED, None)
    assert (refused.ghost.step, refused.ghost.refusal) == (GhostStep.REFUSED, GhostRefusal.POINTS)
    assert refused.remark == refused.ghost.reason == "not enough points"


async def test_what_the_painter_refuses_gives_the_points_back(stage):
    """Its words are kept for the viewer."""
    ghost = await reserved(stage)
    refused = await stage.perform(advance(GhostTask.PAINT), CallResult.REFUSED, ghost=ghost)
    assert (refused.status, refused.next_effect.effect.task) == (EffectStatus.REFUSED, GhostTask.REFUND)
    assert refused.ghost.refusal is GhostRefusal.CONTENT
    back = await stage.perform(advance(GhostTask.REFUND), CallResult.SUCCEEDS, ghost=refused.ghost)
    assert (back.ghost.step, back.next_effect) == (GhostStep.REFUNDED, None)
    assert await stage.balance() == Balance(200, 200)


async def test_a_painter_that_never_comes_gives_the_points_back(stage):
    """After a few tries without an image the points go back, and the reason is the operator's."""
    ghost = await reserved(stage)
    again = await stage.perform(advance(GhostTask.PAINT), CallResult.NOT_REACHED, ghost=ghost)
    assert (again.status, again.ghost) == (EffectStatus.DUE, None)
    given_up = await stage.perform(
        advance(GhostTask.PAINT), CallResult.NOT_REACHED, ghost=ghost, attempts=MAX_GHOST_ATTEMPTS
    )
    assert (given_up.status, given_up.ghost.refusal) == (EffectStatus.REFUSED, GhostRefusal.FAILURE)
    assert given_up.next_effect.effect.task is GhostTask.REFUND


@pytest.mark.parametrize(
    ("task", "step"), [(GhostTask.PAY, GhostStep.PAID), (GhostTask.REFUND, GhostStep.REFUNDED)]
)
async def test_a_decision_whose_answer_was_lost_is_found(stage, task, step):
    """The second time it is not pending, and looking tells what it is."""
    ghost = evolve(await reserved(stage), step=GhostStep.STORED, url="https://ghosts.example/1")
    lost = await stage.perform(advance(task), CallResult.LOST_AFTER, ghost=ghost)
    assert (lost.status, lost.in_doubt) == (EffectStatus.DUE, False)
    found = await stage.perform(advance(task), CallResult.SUCCEEDS, CallResult.SUCCEEDS, ghost=ghost)
    assert (found.status, found.ghost.step) == (EffectStatus.DONE, step)


async def test_a_reservation_that_somebody_rejected_pays_no_ghost(stage):
    """It is not shown, and nothing is taken."""
    ghost = evolve(await reserved(stage), step=GhostStep.STORED, url="https://ghosts.example/1")
    await stage.world.ledger.reject(VERA, ghost.flow_id)
    unpaid = await stage.perform(
        advance(GhostTask.PAY), CallResult.SUCCEEDS, CallResult.SUCCEEDS, ghost=ghost
    )
    assert (unpaid.ghost.step, unpaid.ghost.refusal, unpaid.next_effect) == (
        GhostStep.REFUNDED,
        GhostRefusal.FAILURE,
        None,
    )
    assert unpaid.ghost.reason == "somebody else has rejected the reservation"


async def test_points_that_somebody_spent_cannot_be_given_back(stage):
    """That is nothing to be settled by a machine."""
    ghost = evolve(await reserved(stage), refusal=GhostRefusal.FAILURE)
    await stage.world.ledger.accept(VERA, ghost.flow_id)
    parked = await stage.perform(
        advance(GhostTask.REFUND), CallResult.SUCCEEDS, CallResult.SUCCEEDS, ghost=ghost
    )
    assert parked.status is EffectStatus.PARKED
    assert parked.remark == (
        "somebody else has accepted the reservation: the points are spent, and there is no ghost"
    )


async def test_a_ghost_whose_points_were_spent_after_all_is_made(stage):
    """Its payment was dismissed, and had succeeded: the ghost is there, and nothing says that it failed."""
    ghost = evolve(
        await reserved(stage),
        step=GhostStep.STORED,
        url="https://ghosts.example/1",
        refusal=GhostRefusal.FAILURE,
        reason="dismissed",
    )
    await stage.world.ledger.accept(VERA, ghost.flow_id)
    paid = await stage.perform(
        advance(GhostTask.REFUND), CallResult.SUCCEEDS, CallResult.SUCCEEDS, ghost=ghost
    )
    assert paid.ghost == evolve(ghost, step=GhostStep.PAID, refusal=None, reason=None)


async def test_a_decision_that_the_ledger_does_not_show_is_looked_for_again(stage):
    """An empty list proves nothing here either."""

    class Blind(FaultyServices):
        async def accept(self, *_):
            raise NotPending("transaction is not pending")

        async def find(self, *_):
            return None

    stage.world = Blind(read_clock, timedelta(0))
    ghost = evolve(SUMMONS.begin(uuid4()), step=GhostStep.STORED, url="https://ghosts.example/1")
    looked = await stage.perform(advance(GhostTask.PAY), ghost=ghost)
    assert (looked.status, looked.ghost) == (EffectStatus.DUE, None)
    assert looked.remark == "the ledger does not show what a reservation has come to"


async def test_a_reservation_that_is_pending_after_all_is_decided_again(stage):
    """That the ledger shows it as pending, although it has said the opposite, pays for nothing."""

    class Undecided(FaultyServices):
        async def accept(self, *_):
            raise NotPending("transaction is not pending")

    stage.world = Undecided(read_clock, timedelta(0))
    ghost = evolve(await reserved(stage), step=GhostStep.STORED, url="https://ghosts.example/1")
    looked = await stage.perform(advance(GhostTask.PAY), CallResult.SUCCEEDS, ghost=ghost)
    assert (looked.status, looked.ghost) == (EffectStatus.DUE, None)


async def test_a_post_that_may_have_been_made_is_left_to_a_person(stage):
    """Whether its answer was lost, or the instance that posted it is gone: it is not posted again."""
    ghost = evolve(SUMMONS.begin(uuid4()), step=GhostStep.SHOWN, jpeg=JPEG)
    lost = await stage.perform(advance(GhostTask.POST), CallResult.LOST_AFTER, ghost=ghost)
    gone = await stage.perform(advance(GhostTask.POST), ghost=ghost, in_doubt_for=DOUBT)
    assert (lost.status, gone.status) == (EffectStatus.PARKED, EffectStatus.PARKED)
    assert gone.remark == "it may have been posted: the instance that posted it is gone"
    assert len(stage.world.posts) == 1


async def test_without_a_gallery_a_ghost_is_posted_nowhere(stage):
    """Without a gallery a ghost is posted nowhere, and is over all the same."""
    stage.changes = {"gallery": None}
    ghost = evolve(SUMMONS.begin(uuid4()), step=GhostStep.SHOWN, jpeg=JPEG)
    done = await stage.perform(advance(GhostTask.POST), ghost=ghost)
    assert (done.status, done.ghost.step) == (EffectStatus.DONE, GhostStep.POSTED)


async def test_a_ghost_that_was_begun_is_given_up_when_ghosts_are_off(stage):
    """Its points must come back."""
    ghost = await reserved(stage)
    stage.changes = {"painter": None, "bucket": None}
    again = await stage.perform(advance(GhostTask.PAINT), ghost=ghost)
    assert (again.status, again.remark) == (EffectStatus.DUE, "ghosts are off by now")
    given_up = await stage.perform(advance(GhostTask.PAINT), ghost=ghost, attempts=MAX_GHOST_ATTEMPTS)
    assert (given_up.status, given_up.next_effect.effect.task) == (EffectStatus.REFUSED, GhostTask.REFUND)


async def test_news_of_a_payment_wait_for_the_database(stage):
    """Nothing is told before it is written, and it is tried for ever."""

    async def away(_):
        raise Unavailable("the database cannot be reached")

    stage.changes = {"receive": away}
    ghost = evolve(SUMMONS.begin(uuid4()), step=GhostStep.PAID, url="https://ghosts.example/1")
    waits = await stage.perform(advance(GhostTask.SHOW), ghost=ghost, attempts=10**6)
    assert (waits.status, waits.ghost) == (EffectStatus.DUE, None)


# --- ghosts that wait for the host ----------------------------------------------------------------


def waits_for_the_host(reason):
    async def review(subject):
        assert subject == "a fax machine"
        return reason

    return review


PAINT = AdvanceGhost(SUMMONS.ghost_id, VERA, GhostTask.PAINT)


async def test_a_ghost_that_waits_is_not_painted(stage):
    """A ghost whose words have to wait is not painted: it is due in an hour, with the reason."""
    stage.changes["review"] = waits_for_the_host("AutoMod does not let it pass")
    settlement = await stage.perform(PAINT, ghost=await reserved(stage))
    assert (settlement.status, settlement.delay) == (EffectStatus.DUE, timedelta(hours=1))
    assert settlement.remark == "AutoMod does not let it pass"
    assert settlement.ghost.step is GhostStep.AWAITING_APPROVAL


@pytest.mark.parametrize("step", [GhostStep.RESERVED, GhostStep.APPROVED])
async def test_a_ghost_that_need_not_wait_is_painted(stage, step):
    """What passes, and what the host has approved whatever AutoMod says, is painted."""
    reason = None if step is GhostStep.RESERVED else "AutoMod does not let it pass"
    stage.changes["review"] = waits_for_the_host(reason)
    ghost = evolve(await reserved(stage), step=step)
    settlement = await stage.perform(PAINT, CallResult.SUCCEEDS, ghost=ghost)
    assert settlement.ghost.step is GhostStep.PAINTED


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_ghost_that_has_waited_in_vain_gives_its_points_back(stage, is_on):
    """After its hour a ghost is refused and never painted, also where none has to wait any more."""
    stage.changes["review"] = waits_for_the_host(None) if is_on else None
    ghost = evolve(await reserved(stage), step=GhostStep.AWAITING_APPROVAL)
    settlement = await stage.perform(PAINT, ghost=ghost, attempts=2)
    assert (settlement.status, settlement.ghost.refusal) == (EffectStatus.REFUSED, GhostRefusal.CONTENT)
    assert settlement.ghost.reason == "nobody has approved it within an hour"
    assert settlement.next_effect.effect.task is GhostTask.REFUND
