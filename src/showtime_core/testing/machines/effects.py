"""A state machine that performs effects among neighbours that fail, on instances that die, and counts points.

Every call to a neighbour waits until the machine decides what becomes of it, so that the tries of several
instances interleave in every way, and an instance may die at every call: before it, after it, or leaving it
under way; or in the moment between a call and writing down what came of it.

It plays in memory, or on what `open_stage` gives:

    class MyEffectsMachine(EffectsMachine):
        async def open_stage(self) -> EffectsStage: ...  # an empty channel; close it in close_stage


    TestMyEffects = MyEffectsMachine.TestCase
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from attrs import define
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import CHECK_AFTER, EffectStatus, Job, Settlement
from showtime_core.domain.parked import Decision, settle_decision
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    Credit,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
    effect_lane,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.points_and_ghosts.ghosts import GhostStep, GhostTask, ghost_id_of
from showtime_core.domain.points_and_ghosts.ledger import FlowState
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotPending, Refused
from showtime_core.ports import Outbox
from showtime_core.testing.machines.effects_invariants import check_the_end
from showtime_core.testing.machines.effects_stage import EffectsStage, StoredEffects, memory_effects
from showtime_core.testing.strategies import CAST, OPENING_NIGHT, entry
from showtime_core.testing.twins.fault_injection import CRASHES, CallResult, FaultyServices
from showtime_core.use_cases.perform import Services, perform
from showtime_core.use_cases.receive import receive

SETTLE_AFTER = timedelta(seconds=30)
MOST_WAITING, MOST_PAINTED = 3, 8
POLICY = Policy(ghost_limits=GhostLimits(MOST_WAITING, MOST_PAINTED))
_SAME_REQUEST_FOR = timedelta(minutes=10)
_DAY = timedelta(hours=24)
_MOST_TRIES = 6
"""Of what a ghost needs before it is paid."""
_LONG = timedelta(minutes=6)
"""How long a slow ledger works: for longer than its settle time, and not until it is looked once more."""
_SET_BACK = timedelta(minutes=10)
_SLACK = timedelta(minutes=1)
"""Where time passes by itself as well, it is no more than this."""
_CREDITS = frozenset({"credit-cheer", "credit-subscription", "credit-gift-subs"})
_IN_DOUBT = _CREDITS | {"summon-ghost"}
_MONEY = _IN_DOUBT | {"accept-points", "reject-points"} | {f"check-{kind}" for kind in _IN_DOUBT}
_KINDS = _MONEY | {"paint-ghost", "store-ghost", "show-ghost", "post-ghost"}
_VIEWERS = CAST[:2]
_SUBJECTS = ("Bela Lugosi", "a fax machine")
_MESSAGES = ("", "hello", *(f"ghost of {subject}" for subject in _SUBJECTS))
# Few different ones: what looks alike is what is hard to tell apart.
_EVENTS_OF_VIEWERS = st.one_of(
    st.builds(ev.Cheer, st.sampled_from(_VIEWERS), st.sampled_from((100, 200)), st.sampled_from(_MESSAGES)),
    st.builds(ev.GhostRequested, st.sampled_from(_VIEWERS), st.sampled_from(_SUBJECTS)),
    st.builds(ev.Resubscription, st.sampled_from(_VIEWERS), st.just("1000"), st.just(3), st.just("")),
    st.builds(ev.GiftedSubscriptions, st.sampled_from(_VIEWERS), st.just("1000"), st.just(2)),
)
_RESULTS = st.sampled_from([*[CallResult.SUCCEEDS] * 4, *CallResult])
_FAILURES = st.sampled_from(
    (CallResult.LOST_AFTER, CallResult.LATE, CallResult.CRASH_AFTER, CallResult.REFUSED, CallResult.REFUSED)
)
_FROZEN = st.sampled_from((CallResult.SUCCEEDS, CallResult.LOST_AFTER, CallResult.CRASH_AFTER))
_LOST = st.sampled_from(
    (CallResult.LOST_AFTER, CallResult.LATE, CallResult.CRASH_AFTER, CallResult.CRASH_LATE)
)
_THE_SECOND_LOST = st.sampled_from((CallResult.LOST_BEFORE, CallResult.LATE)).map(
    lambda loss: (CallResult.SUCCEEDS, loss)
)


@define(eq=False)
class Instance:
    """One process: what it performs at this moment dies with it."""

    outbox: Outbox
    jobs: set[asyncio.Task[None]]


class EffectsMachine(RuleBasedStateMachine):
    """Plays in memory, unless it is told to play elsewhere."""

    late_after = timedelta(seconds=29)
    """How late the ledger may do what it was asked: before it is looked, and not by far.

    Where time passes by itself as well, it must be earlier by more than that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.elapsed = timedelta(0)
        self.sent: dict[str, Entry] = {}
        self.by_hand: list[Credit] = []
        self.tried_at: dict[str, timedelta] = {}
        """When the latest try to perform each effect began."""
        self.shown_at: dict[UUID, timedelta] = {}
        """When each ghost was first seen to be shown."""
        self.has_endured = self.is_set_back = False
        self.slow: list[str] = []
        """The credits on which the ledger worked for longer than its settle time."""
        self.settled: list[tuple[Job, Settlement]] = []
        """What came of tries, until it is checked."""
        self.kept = StoredEffects({}, (), ())
        self.world = FaultyServices(self.now, self.late_after)
        self.instances: list[Instance] = []
        self.stage = self.loop.run_until_complete(self.open_stage())
        self._run(self._start)
        self._run(self._start)

    async def open_stage(self) -> EffectsStage:
        """Give an empty channel."""
        return memory_effects(self.now, SETTLE_AFTER)

    async def close_stage(self) -> None:
        """Leave it."""

    def teardown(self) -> None:
        """Let everything work again: all is finished in the end, to the point."""
        try:
            self._finish()
            self._check_doubles()
            self._run(lambda: check_the_end(self.kept, self.world, self.sent.values(), self.by_hand))
            self._run(self._check_claims)
        finally:
            for instance in self.instances:
                self._run(partial(self._end, instance))
            self.loop.run_until_complete(self.close_stage())
            self.loop.close()

    # --- what may happen ---------------------------------------------------------------------------

    @rule(events=st.lists(_EVENTS_OF_VIEWERS, min_size=1, max_size=4))
    def record_events(self, events: Sequence[ev.Event]) -> None:
        """Viewers cheer, renew, give, and ask for ghosts."""
        new = [entry(f"{len(self.sent) + n}", event, self.now()) for n, event in enumerate(events)]
        self.sent |= {one.id: one for one in new}
        self._run(lambda: receive(new, self.stage.units, POLICY))
        for one in new:
            if isinstance(one.content, ev.GhostRequested) and f"{one.id}:summon-ghost" in self.kept.effects:
                self._check_is_no_repetition(one, one.content)

    def _check_doubles(self) -> None:
        """Each credit that was made twice is reported to a person; then it counts as one that was meant."""
        for key in self.slow:
            if self.world.moved_by.count(key) > 1:
                check = self.kept.effects[key.replace(":credit", ":check-credit")]
                assert check.status in {EffectStatus.PARKED, EffectStatus.DONE}, "nobody has looked once more"
                assert "it may have been made twice" in (check.remark or ""), "nobody has seen that"
                self.by_hand.append(self.kept.effects[key].effect)  # type: ignore[arg-type]

    async def _check_claims(self) -> None:
        """A transaction that is taken for one of ours is one that was made for us, and for nobody else."""
        for viewer in _VIEWERS:
            claimed = await self.instances[0].outbox.claimed(viewer)
            assert set(claimed) <= set(self.world.flows.values())

    def _check_is_no_repetition(self, new: Entry, wanted: ev.GhostRequested) -> None:
        """A request has a ghost of its own only if no other is being made, or was shown a moment ago."""
        ghosts = {ghost.id: ghost for ghost in self.kept.ghosts}
        for other in self.sent.values():
            is_summoned = f"{other.id}:summon-ghost" in self.kept.effects
            if other.id == new.id or other.content != wanted or not is_summoned:
                continue
            ghost = ghosts[ghost_id_of(other.id)]
            assert ghost.is_finished, "it is being made"
            if shown_at := self.shown_at.get(ghost.id):
                assert self.elapsed - shown_at >= _SAME_REQUEST_FOR - _SLACK

    @rule(which=st.integers(0, 1), most=st.integers(1, 4))
    def work(self, which: int, most: int) -> None:
        """An instance takes what is due."""
        self._run(lambda: self._lease(self.instances[which], most))

    @precondition(lambda self: self.world.calls)
    @rule(data=st.data(), result=_RESULTS)
    def decide(self, data: st.DataObject, result: CallResult) -> None:
        """A call that waits meets its fate."""
        self._decide(data.draw(st.integers(0, len(self.world.calls) - 1)), result)

    @rule(results=st.lists(_RESULTS, min_size=1, max_size=6))
    def resolve_calls(self, results: Sequence[CallResult]) -> None:
        """Work goes on for a while, on both."""
        for number, result in enumerate(results):
            self.work(number % 2, 2)
            if self.world.calls:
                self._decide(0, result)

    @rule(
        viewer=st.sampled_from(_VIEWERS),
        results=_LOST.map(lambda loss: (loss,)) | _THE_SECOND_LOST,
        seconds=st.sampled_from((0, 5, 31)),
    )
    def lose_one_of_two_credits(self, viewer: Viewer, results: Sequence[CallResult], seconds: int) -> None:
        """Two equal cheers, and the answer to one of the credits is lost."""
        self._run_until("nothing more")
        cheer = ev.Cheer(viewer, 200, f"twice {len(self.sent)}")
        self.record_events([cheer, cheer])
        self.resolve_calls(results)
        self.wait(seconds)
        self.resolve_calls([CallResult.SUCCEEDS] * 4)

    @rule(
        viewer=st.sampled_from(_VIEWERS),
        what=st.sampled_from(("credit", "reserve", "accept", "post")),
        results=st.lists(_FAILURES, min_size=1, max_size=3),
        by_hand=st.booleans(),
        decision=st.sampled_from(Decision),
    )
    def fail_a_step(
        self,
        viewer: Viewer,
        what: str,
        results: Sequence[CallResult],
        by_hand: bool,  # noqa: FBT001
        decision: Decision,
    ) -> None:
        """A cheer for a ghost comes as far as this call, and is in trouble; in the end a person decides."""
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[0]}")])
        for result in results:
            self._run_until(what)
            if self.world.calls:
                self._decide(0, result)
        if by_hand and self._lost_credits():
            self._repeat_by_hand(self._lost_credits()[0])
        self._run_until("nothing more")
        if self._parked():
            self._decide_about(max(self._parked()), decision)

    @rule(viewer=st.sampled_from(_VIEWERS), loss=_LOST, look=_RESULTS)
    def dismiss_a_payment(self, viewer: Viewer, loss: CallResult, look: CallResult) -> None:
        """The answer to a payment is lost, a person dismisses it, and the ledger may show what was before."""
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[1]}")])
        for result in (loss, CallResult.REFUSED):
            self._run_until("accept")
            if self.world.calls:
                self._decide(0, result)
        self._run_until("nothing more")
        if payments := [key for key in self._parked() if key.endswith(GhostTask.PAY)]:
            self._decide_about(max(payments), Decision.DISMISS)
            self._run_until("find")
            if self.world.calls:
                self._decide(0, look)

    @rule(viewer=st.sampled_from(_VIEWERS))
    def reject_by_hand(self, viewer: Viewer) -> None:
        """Somebody gives the points of a ghost back that is about to be paid: it is not shown."""
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[0]}")])
        key = f"{[*self.sent][-1]}:summon-ghost"
        self._run_until("accept")
        if key in self.world.flows and not self.world.is_frozen:
            self._run(lambda: self._give_back_by_hand(viewer, key))

    @precondition(lambda self: not self.has_endured)
    @rule(viewer=st.sampled_from(_VIEWERS), what=st.sampled_from(("credit", "paint")))
    def endure_an_outage(self, viewer: Viewer, what: str) -> None:
        """What is called for is not there for an hour: once, since it takes long."""
        self.has_endured = True
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[0]}")])
        self._run_until(what)
        for _ in range(10 if what == "credit" else _MOST_TRIES + 1):
            if not self.world.calls:
                break
            self._decide(0, CallResult.NOT_REACHED)
            self.wait(300)
            self.work(0, 4)

    @precondition(lambda self: self._lost_credits())
    @rule(data=st.data())
    def repeat_by_hand(self, data: st.DataObject) -> None:
        """Somebody credits by hand what seems to be lost: of the two, nobody can tell which one is ours."""
        self._repeat_by_hand(data.draw(st.sampled_from(self._lost_credits())))

    def _repeat_by_hand(self, key: str) -> None:
        """Nothing else that looks like it is under way, or comes at once: it would be taken for that."""
        credit = self.kept.effects[key].effect
        assert isinstance(credit, Credit)
        self._run(partial(self._credit_by_hand, credit))
        self.wait(31)

    async def _credit_by_hand(self, credit: Credit) -> None:
        await self.world.ledger.credit(credit, f"by hand {len(self.by_hand)}")
        self.by_hand.append(credit)

    def _lost_credits(self) -> list[str]:
        """Name the credits that are made, which nobody knows, and that nothing else looks like."""
        if self.world.is_frozen:  # nobody can look, nor credit anything
            return []
        under_way = self.kept.keys(EffectStatus.DUE, EffectStatus.LEASED, EffectStatus.PARKED)
        alike = Counter(self.kept.effects[key].effect for key in under_way)
        made = under_way.intersection(self.world.moved_by)
        effects = ((key, self.kept.effects[key].effect) for key in sorted(made))
        return [key for key, effect in effects if isinstance(effect, Credit) and alike[effect] == 1]

    @rule()
    def freeze(self) -> None:
        """The ledger answers nobody, for as long as it takes."""
        self.world.freeze()

    @precondition(lambda self: self.world.is_frozen)
    @rule()
    def thaw(self) -> None:
        """It answers who looks, and later does what it had received."""
        self._run(self._thaw)

    async def _thaw(self) -> None:
        self.world.thaw()

    @precondition(lambda self: not self.world.is_frozen)
    @rule(viewer=st.sampled_from(_VIEWERS), loss=_FROZEN, seconds=st.sampled_from((5, 31, 400, 4000)))
    def freeze_under_way(self, viewer: Viewer, loss: CallResult, seconds: int) -> None:
        """The ledger freezes with a credit; its answer is waited for, or lost, and looks see nothing."""
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[1]}")])
        self.freeze()
        self.resolve_calls([loss])
        self.wait(seconds)
        self.resolve_calls([CallResult.SUCCEEDS] * 2)
        self.thaw()
        self.resolve_calls([CallResult.SUCCEEDS] * 4)
        self.wait(31)
        self.resolve_calls([CallResult.SUCCEEDS] * 4)

    @precondition(lambda self: self.stage.set_back and not self.is_set_back)
    @rule(viewer=st.sampled_from(_VIEWERS), what=st.sampled_from(("credit", "reserve")))
    def set_clock_back(self, viewer: Viewer, what: str) -> None:
        """The clock of the outbox is set back while nobody knows whether points were moved: once."""
        assert self.stage.set_back
        self.is_set_back = True
        self.record_events([ev.Cheer(viewer, 200, f"ghost of {_SUBJECTS[0]}")])
        self._run_until(what)
        if self.world.calls:
            self._decide(0, CallResult.LOST_AFTER)
        self._run(partial(self.stage.set_back, _SET_BACK))
        self._run_until("nothing more")

    @precondition(lambda self: not self.world.is_frozen)
    @rule(viewer=st.sampled_from(_VIEWERS))
    def lose_what_somebody_has_made_before(self, viewer: Viewer) -> None:
        """Somebody has credited the same a while ago, and our request is lost: theirs is not taken for it."""
        said = f"again {len(self.sent)}"
        self._run(partial(self._credit_by_hand, CreditCheer(viewer, 100, said)))
        self.wait(31)
        self.record_events([ev.Cheer(viewer, 100, said)])
        if self._come_to(f"{[*self.sent][-1]}:credit-cheer"):
            self._decide(0, CallResult.LOST_BEFORE)
            self._run_until("nothing more")

    @precondition(lambda self: not self.world.is_frozen)
    @rule(viewer=st.sampled_from(_VIEWERS))
    def look_while_its_database_fails(self, viewer: Viewer) -> None:
        """The answer to a credit is lost, and the ledger shows nothing to whoever looks for it."""
        self.record_events([ev.Cheer(viewer, 100, f"unseen {len(self.sent)}")])
        if not self._come_to(f"{[*self.sent][-1]}:credit-cheer"):
            return
        self._decide(0, CallResult.LOST_AFTER)
        for _ in range(2):
            self._run_until("statement")
            if self.world.calls:
                self._decide(0, CallResult.LOST_BEFORE)
        self._run_until("nothing more")

    @precondition(lambda self: not self.world.is_frozen)
    @rule(viewer=st.sampled_from(_VIEWERS))
    def work_for_long(self, viewer: Viewer) -> None:
        """The ledger works on a credit for longer than its settle time, and makes it after its repetition."""
        self.record_events([ev.Cheer(viewer, 100, f"slowly {len(self.sent)}")])
        key = f"{[*self.sent][-1]}:credit-cheer"
        if not self._come_to(key):
            return
        self.world.delay = _LONG
        self._decide(0, CallResult.LATE)
        self.world.delay = self.late_after
        if self._come_to(key):
            self._decide(0, CallResult.SUCCEEDS)
            self.wait(int(_LONG.total_seconds()))
            self.slow.append(key)

    def _come_to(self, key: str) -> bool:
        """Let everything work until this credit is called for; tells whether it is."""
        for _ in range(10):
            self._run_until("credit")
            if not self.world.calls or self.world.calls[0].job is None:
                return False
            if self.world.calls[0].job.get_name() == key:
                return True
            self._decide(0, CallResult.SUCCEEDS)
        return False

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        """An instance dies, with all that it has begun; another takes its place."""
        self._kill(self.instances[which])

    @rule(seconds=st.sampled_from((1, 10, 31, 400, 700, 90_000)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        time = timedelta(seconds=seconds)
        self.elapsed += time
        self._run(partial(self.stage.wait, time))
        self._run(self.world.finish_late_calls)

    @precondition(lambda self: self._parked())
    @rule(data=st.data(), decision=st.sampled_from(Decision))
    def decide_about(self, data: st.DataObject, decision: Decision) -> None:
        """The operator decides about something that is parked."""
        self._decide_about(data.draw(st.sampled_from(sorted(self._parked()))), decision)

    def _decide_about(self, key: str, decision: Decision) -> None:
        """Look, after a while, how things are, and decide."""
        if self.world.is_frozen:
            return
        self.wait(31)
        self._run(lambda: self._take_decision(decision, key))

    async def _take_decision(self, decision: Decision, key: str) -> None:
        """Decide, if that is no lie; what is to be done by hand is done by hand."""
        effect, is_made = self.kept.effects[key].effect, key in self.world.moved_by
        match effect, decision:
            case CreditCheer() | CreditSubscription() | CreditGiftSubs(), Decision.DISMISS if is_made:
                return
            case CreditCheer() | CreditSubscription() | CreditGiftSubs(), Decision.DONE if not is_made:
                return
            case AdvanceGhost(_, _, GhostTask.POST), Decision.RETRY if key in self.world.posts:
                return
            case AdvanceGhost(_, _, GhostTask.POST), Decision.DONE if key not in self.world.posts:
                return
            case SummonGhost(), Decision.DISMISS if is_made:
                await self._give_back_by_hand(effect.viewer, key)
            case AdvanceGhost(_, _, GhostTask.REFUND), Decision.DONE:
                await self._give_back_by_hand(effect.viewer, key.replace("reject-points", "summon-ghost"))
            case _:
                pass
        with suppress(Refused):  # there is no such choice
            await self.stage.parked_items.settle(key, partial(settle_decision, decision=decision))

    async def _give_back_by_hand(self, viewer: Viewer, key: str) -> None:
        """Reject what is pending, and credit what turns out to be spent."""
        ledger, flow_id = self.world.ledger, self.world.flows[key]
        try:
            await ledger.reject(viewer, flow_id)
        except NotPending:
            if ledger.flows[viewer.id][flow_id].state is FlowState.ACCEPTED:
                await ledger.credit(CreditCheer(viewer, POINTS_PER_GHOST, "given back"), f"back {key}")

    # --- what must hold ----------------------------------------------------------------------------

    @invariant()
    def nothing_moves_points_twice(self) -> None:
        """Whatever fails: one credit for each event, one reservation for each ghost, at most.

        But where the ledger works for longer than its settle time: that is known ten minutes later.
        """
        assert {key for key, times in Counter(self.world.moved_by).items() if times > 1} <= {*self.slow}

    @invariant()
    def nothing_is_shown_that_is_not_paid(self) -> None:
        """Nor shown twice."""
        flows = [flow for viewer in _VIEWERS for flow in self.world.ledger.flows.get(viewer.id, {}).values()]
        spent = [flow for flow in flows if flow.points < 0 and flow.state is FlowState.ACCEPTED]
        assert len(self.kept.feed_items) <= len(spent)
        assert len({one.entry_id for one in self.kept.feed_items}) == len(self.kept.feed_items)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        """A viewer has so many under way, and so many are painted within a day, whatever fails."""
        painted = [
            self.tried_at[key] for key in self.kept.keys(EffectStatus.DONE) if key.endswith(GhostTask.PAINT)
        ]
        assert sum(at > self.elapsed - _DAY for at in painted) <= MOST_PAINTED
        under_way = self.kept.keys(
            EffectStatus.DUE, EffectStatus.WAITING, EffectStatus.LEASED, EffectStatus.PARKED
        )
        planned = [self.kept.effects[key].effect for key in under_way]
        summoned = [effect for effect in planned if isinstance(effect, SummonGhost)]
        waiting = Counter(effect.viewer.id for effect in summoned)
        waiting += Counter(ghost.viewer.id for ghost in self.kept.ghosts if ghost.is_waited_for)
        assert max(waiting.values(), default=0) <= MOST_WAITING

    @invariant()
    def a_lane_has_one_at_a_time(self) -> None:
        """So that whoever looks for a transaction finds no other's."""
        lanes = [effect_lane(self.kept.effects[key].effect) for key in self.kept.keys(EffectStatus.LEASED)]
        leased = [one for one in lanes if one]
        assert len(set(leased)) == len(leased)

    # --- how it is done ----------------------------------------------------------------------------

    def now(self) -> datetime:
        """Tell the time."""
        return OPENING_NIGHT + self.elapsed

    def _parked(self) -> set[str]:
        return self.kept.keys(EffectStatus.PARKED)

    async def _start(self) -> None:
        self.instances.append(Instance(await self.stage.start(), set()))

    def _kill(self, instance: Instance) -> None:
        """Let an instance die; another takes its place."""
        self._run(partial(self._end, instance))
        self.instances.remove(instance)
        self._run(self._start)

    async def _end(self, instance: Instance) -> None:
        await self.stage.die(instance.outbox)
        for job in instance.jobs:
            job.cancel()

    async def _lease(self, instance: Instance, most: int) -> None:
        await instance.outbox.recover()
        for job in await instance.outbox.lease(_KINDS, most):
            self.tried_at[job.key] = self.elapsed
            task = asyncio.create_task(self._perform(instance, job), name=job.key)
            instance.jobs.add(task)
            task.add_done_callback(instance.jobs.discard)

    async def _perform(self, instance: Instance, job: Job) -> None:
        async def show(news: Entry) -> None:
            await receive([news], self.stage.units, POLICY)

        world, settle_after = self.world, self.stage.settle_after
        services = Services(instance.outbox, world, world, world, world, world, show, settle_after)
        settlement = await perform(job, services, chance=0.5)
        self.settled.append((job, settlement))
        await instance.outbox.settle(job, settlement)

    def _decide(self, number: int, result: CallResult) -> None:
        call = self.world.calls[number]
        doomed = [one for one in self.instances if call.job in one.jobs]

        async def meet() -> None:
            call.result.set_result(result)

        self._run(meet)
        if result in CRASHES:
            for instance in doomed:
                self._kill(instance)

    def _run_until(self, what: str) -> None:
        """Let everything work until nothing waits but a call of this kind, if there comes one."""
        for _ in range(20):
            if not self.kept.keys(EffectStatus.DUE, EffectStatus.LEASED):
                return
            others = [number for number, call in enumerate(self.world.calls) if call.name != what]
            if others:
                self._decide(others[0], CallResult.SUCCEEDS)
            elif self.world.calls:
                return
            else:
                self.wait(31)
                self.work(0, 4)

    def _finish(self) -> None:
        self.thaw()
        self.wait(int(CHECK_AFTER.total_seconds()))
        for _ in range(400):
            while self.world.calls:
                self._decide(0, CallResult.SUCCEEDS)
            self.wait(60)
            self.work(0, 4)
            self.work(1, 4)
            if not self.kept.keys(EffectStatus.DUE, EffectStatus.LEASED) and not self.world.calls:
                return
        raise AssertionError("it never comes to an end")

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something, and let everybody go on for as far as they can."""

        async def run() -> None:
            await work()
            while self._is_busy():  # noqa: ASYNC110 - on each turn somebody goes on
                await asyncio.sleep(0)
            while self.settled:
                _check_the_next_try(*self.settled.pop())
            self.kept = await self.stage.read()
            for ghost in self.kept.ghosts:
                if ghost.step in {GhostStep.SHOWN, GhostStep.POSTED}:
                    self.shown_at.setdefault(ghost.id, self.elapsed)

        self.loop.run_until_complete(run())

    def _is_busy(self) -> bool:
        """Tell whether anybody can go on who does not wait for a fate."""
        waiting = self.world.waiting()
        return any(job not in waiting for instance in self.instances for job in instance.jobs)


def _check_the_next_try(job: Job, settlement: Settlement) -> None:
    """The next try comes after a second, and after twice as long each time, up to five minutes.

    Where it is known when to look again, that is the delay. What a viewer waits for is tried a few times.
    """
    is_painted_or_stored = job.key.endswith((GhostTask.PAINT, GhostTask.STORE))
    is_due = settlement.status is EffectStatus.DUE
    assert not (is_due and is_painted_or_stored and job.attempts >= _MOST_TRIES)
    if is_due and not settlement.has_answered:
        seconds = min(2 ** (job.attempts - 1), 300) * (1 + 0.5) / 2
        assert settlement.delay == timedelta(seconds=seconds)
