"""A state machine that performs effects among neighbours that fail, on instances that die, and counts points.

Every call to a neighbour waits until the machine decides what becomes of it, so that the tries of several
instances interleave in every way, and an instance may die at every call: before it, after it, or leaving it
under way; or in the moment between a call and writing down what came of it.

    TestEffects = EffectsMachine.TestCase

It plays in memory. What it shows holds of every outbox that keeps to `OutboxContract`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from attrs import define
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from showtime_core import events as ev
from showtime_core.alerts import GhostAlert
from showtime_core.deciding import Decision, decide
from showtime_core.effects import AdvanceGhost, CreditCheer, CreditGiftSubs, CreditSubscription, SummonGhost
from showtime_core.errors import NotPending, Refused
from showtime_core.ghosts import Ghost, Step, Task
from showtime_core.journal import Entry, Status
from showtime_core.ledger import FlowState
from showtime_core.outbox import Job
from showtime_core.performing import Outside, perform
from showtime_core.points import POINTS_PER_GHOST
from showtime_core.reactions import Policy
from showtime_core.receiving import receive
from showtime_core.testing.invariants import earned
from showtime_core.testing.memory import MemoryUnitOfWork
from showtime_core.testing.memory_outbox import MemoryOutbox, MemoryParking, Shelf
from showtime_core.testing.strategies import CAST, OPENING_NIGHT, entry
from showtime_core.testing.troubles import CRASHES, Fate, Neighbours
from showtime_core.viewers import Viewer

SETTLE_AFTER = timedelta(seconds=30)
_LATE = timedelta(seconds=29)
_CREDITS = frozenset({"credit-cheer", "credit-subscription", "credit-gift-subs"})
_MONEY = _CREDITS | {"summon-ghost", "accept-points", "reject-points"}
_KINDS = _MONEY | {"paint-ghost", "store-ghost", "show-ghost", "post-ghost"}
_VIEWERS = CAST[:2]
_SUBJECTS = ("Bela Lugosi", "a fax machine")
_MESSAGES = ("", "hello", *(f"ghost of {subject}" for subject in _SUBJECTS))
# Few different ones: what looks alike is what is hard to tell apart.
_DEEDS = st.one_of(
    st.builds(ev.Cheer, st.sampled_from(_VIEWERS), st.sampled_from((100, 200)), st.sampled_from(_MESSAGES)),
    st.builds(ev.GhostRequested, st.sampled_from(_VIEWERS), st.sampled_from(_SUBJECTS)),
    st.builds(ev.Resubscription, st.sampled_from(_VIEWERS), st.just("1000"), st.just(3), st.just("")),
    st.builds(ev.GiftedSubscriptions, st.sampled_from(_VIEWERS), st.just("1000"), st.just(2)),
)
_FATES = st.sampled_from([*[Fate.WORKS] * 4, *Fate])
_LOSSES = st.sampled_from((Fate.LOST_AFTER, Fate.LATE, Fate.CRASH_AFTER, Fate.CRASH_LATE))


@define(eq=False)
class Instance:
    """One process: what it performs at this moment dies with it."""

    outbox: MemoryOutbox
    jobs: set[asyncio.Task[None]]


class EffectsMachine(RuleBasedStateMachine):
    """Plays in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.elapsed = timedelta(0)
        self.sent: dict[str, Entry] = {}
        self.units = MemoryUnitOfWork(clock=self.now)
        self.shelf = Shelf(self.units, SETTLE_AFTER)
        self.world = Neighbours(self.now, _LATE)
        self.instances = [self._start(), self._start()]

    def teardown(self) -> None:
        """Let everything work again: all is finished in the end, to the point."""
        try:
            self._finish()
            self._check_the_end()
        finally:
            for instance in self.instances:
                self._kill(instance)
            self.loop.close()

    # --- what may happen ---------------------------------------------------------------------------

    @rule(deeds=st.lists(_DEEDS, min_size=1, max_size=4))
    def happens(self, deeds: Sequence[ev.Event]) -> None:
        """Viewers cheer, renew, give, and ask for ghosts."""
        new = [entry(f"{len(self.sent) + n}", deed, self.now()) for n, deed in enumerate(deeds)]
        self.sent |= {one.id: one for one in new}
        self._run(lambda: receive(new, self.units, Policy()))

    @rule(which=st.integers(0, 1), most=st.integers(1, 4))
    def work(self, which: int, most: int) -> None:
        """An instance takes what is due."""
        self._run(lambda: self._lease(self.instances[which], most))

    @precondition(lambda self: self.world.calls)
    @rule(data=st.data(), fate=_FATES)
    def decide(self, data: st.DataObject, fate: Fate) -> None:
        """A call that waits meets its fate."""
        self._decide(data.draw(st.integers(0, len(self.world.calls) - 1)), fate)

    @rule(fates=st.lists(_FATES, min_size=1, max_size=6))
    def go_on(self, fates: Sequence[Fate]) -> None:
        """Work goes on for a while, on both."""
        for number, fate in enumerate(fates):
            self.work(number % 2, 2)
            if self.world.calls:
                self._decide(0, fate)

    @rule(viewer=st.sampled_from(_VIEWERS), loss=_LOSSES, seconds=st.sampled_from((0, 5, 31)))
    def twins(self, viewer: Viewer, loss: Fate, seconds: int) -> None:
        """Two equal cheers, and the answer to one of the credits is lost."""
        cheer = ev.Cheer(viewer, 200, "twice")
        self.happens([cheer, cheer])
        self.go_on([loss])
        self.wait(seconds)
        self.go_on([Fate.WORKS] * 4)

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        """An instance dies, with all that it has begun; another takes its place."""
        self._kill(self.instances[which])

    @rule(seconds=st.sampled_from((1, 10, 31, 400)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.elapsed += timedelta(seconds=seconds)
        self._run(self.world.do_what_is_late)

    @precondition(lambda self: self._parked())
    @rule(data=st.data(), decision=st.sampled_from(Decision))
    def decide_about(self, data: st.DataObject, decision: Decision) -> None:
        """The operator looks, after a while, how things are, and decides about something that is parked."""
        self.wait(31)
        key = data.draw(st.sampled_from(sorted(self._parked())))
        self._run(lambda: self._take(decision, key))

    async def _take(self, decision: Decision, key: str) -> None:
        """Decide, if that is no lie; what is to be done by hand is done by hand."""
        effect, is_made = self.shelf.rows[key].planned.effect, key in self.world.made_for
        match effect, decision:
            case CreditCheer() | CreditSubscription() | CreditGiftSubs(), Decision.DISMISS if is_made:
                return
            case CreditCheer() | CreditSubscription() | CreditGiftSubs(), Decision.DONE if not is_made:
                return
            case AdvanceGhost(_, _, Task.POST), Decision.RETRY if key in self.world.posts:
                return
            case AdvanceGhost(_, _, Task.POST), Decision.DONE if key not in self.world.posts:
                return
            case SummonGhost(), Decision.DISMISS if is_made:
                await self._reject_by_hand(effect.viewer, key)
            case AdvanceGhost(_, _, Task.REFUND), Decision.DONE:
                await self._reject_by_hand(effect.viewer, key.replace("reject-points", "summon-ghost"))
            case _:
                pass
        with suppress(Refused):  # there is no such choice
            await MemoryParking(self.shelf).settle(key, partial(decide, decision=decision))

    async def _reject_by_hand(self, viewer: Viewer, key: str) -> None:
        with suppress(NotPending):
            await self.world.ledger.reject(viewer, self.world.flows[key])

    # --- what must hold ----------------------------------------------------------------------------

    @invariant()
    def nothing_moves_points_twice(self) -> None:
        """Whatever fails: one credit for each event, one reservation for each ghost, at most."""
        assert max(Counter(self.world.made_for).values(), default=1) == 1

    @invariant()
    def nothing_is_shown_that_is_not_paid(self) -> None:
        """Nor shown twice."""
        flows = [flow for viewer in _VIEWERS for flow in self.world.ledger.flows.get(viewer.id, {}).values()]
        spent = [flow for flow in flows if flow.points < 0 and flow.state is FlowState.ACCEPTED]
        shown = self._shown()
        assert len(shown) <= len(spent)
        assert len({one.entry_id for one in shown}) == len(shown)

    @invariant()
    def a_lane_has_one_at_a_time(self) -> None:
        """So that whoever looks for a transaction finds no other's."""
        leased = [row.lane for row in self.shelf.rows.values() if row.status is Status.LEASED and row.lane]
        assert len(set(leased)) == len(leased)

    def _check_the_end(self) -> None:
        """Points are conserved, nothing hangs, and what was left to a person says why."""
        rows = self.shelf.rows.values()
        parked = self._parked()
        left = parked | {row.planned.key for row in rows if row.status is Status.DISMISSED}
        assert all(self.shelf.rows[key].remark for key in left)
        for row in rows:
            is_over = row.status in {Status.DONE, Status.REFUSED} or row.planned.key in left
            assert is_over or (row.status is Status.WAITING and row.planned.after in parked)
        for viewer in _VIEWERS:
            self._run(lambda whose=viewer: self._check_points_of(whose, parked, left))  # type: ignore[misc]
        self._check_ghosts(parked, left)

    async def _check_points_of(self, viewer: Viewer, parked: set[str], left: set[str]) -> None:
        """What the events have earned, less what was refused for good, less 200 for each ghost paid."""
        due = 0
        for new in self.sent.values():
            whose, points = earned(new.content)
            if whose == viewer.id and not any(f"{new.id}:{kind}" in left for kind in _CREDITS):
                due += points
        paid = sum(_is_paid(ghost) for ghost in self.shelf.ghosts.values() if ghost.viewer == viewer)
        hangs = any(key.endswith(("accept-points", "reject-points")) for key in parked)
        balance = await self.world.balance(viewer)
        assert balance.total == due - POINTS_PER_GHOST * paid
        assert balance.available == balance.total or hangs

    def _check_ghosts(self, parked: set[str], left: set[str]) -> None:
        """Each that was paid was shown, and posted unless that cannot be known."""
        paid = [ghost for ghost in self.shelf.ghosts.values() if _is_paid(ghost)]
        shown = [one.what.description for one in self._shown()]
        assert Counter(shown) == Counter(ghost.subject for ghost in paid)
        not_posted = sum(key.endswith("post-ghost") for key in left)
        assert len(paid) - not_posted <= len(self.world.posts) <= len(paid)
        assert max(Counter(self.world.posts).values(), default=1) == 1
        assert parked or all(ghost.is_settled for ghost in self.shelf.ghosts.values())

    # --- how it is done ----------------------------------------------------------------------------

    def now(self) -> datetime:
        """Tell the time."""
        return OPENING_NIGHT + self.elapsed

    def _parked(self) -> set[str]:
        return {key for key, row in self.shelf.rows.items() if row.status is Status.PARKED}

    def _start(self) -> Instance:
        return Instance(self.shelf.instance(), set())

    def _kill(self, instance: Instance) -> None:
        instance.outbox.die()
        for job in instance.jobs:
            job.cancel()
        self._run(_nothing)
        self.instances[self.instances.index(instance)] = self._start()

    async def _lease(self, instance: Instance, most: int) -> None:
        await instance.outbox.recover()
        for job in await instance.outbox.lease(_KINDS, most):
            task = asyncio.create_task(self._perform(instance, job), name=job.key)
            instance.jobs.add(task)
            task.add_done_callback(instance.jobs.discard)

    async def _perform(self, instance: Instance, job: Job) -> None:
        async def show(news: Entry) -> None:
            await receive([news], self.units, Policy())

        world = self.world
        outside = Outside(instance.outbox, world, world, world, world, world, show, SETTLE_AFTER)
        await instance.outbox.settle(job, await perform(job, outside, chance=0.5))

    def _decide(self, number: int, fate: Fate) -> None:
        call = self.world.calls[number]
        doomed = [one for one in self.instances if call.job in one.jobs]
        self.loop.call_soon(call.fate.set_result, fate)
        self._run(_nothing)
        if fate in CRASHES:
            for instance in doomed:
                self._kill(instance)

    def _finish(self) -> None:
        for _ in range(400):
            while self.world.calls:
                self._decide(0, Fate.WORKS)
            self.wait(60)
            self.work(0, 4)
            self.work(1, 4)
            is_open = any(row.status in {Status.DUE, Status.LEASED} for row in self.shelf.rows.values())
            if not is_open and not self.world.calls:
                return
        raise AssertionError("it never comes to an end")

    def _shown(self) -> list[Any]:
        return [shown for shown in self.units.memory.shown if isinstance(shown.what, GhostAlert)]

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something, and let everybody go on for as far as they can."""

        async def run() -> None:
            await work()
            for _ in range(10):
                await asyncio.sleep(0)

        self.loop.run_until_complete(run())


async def _nothing() -> None:
    """Let others go on."""


def _is_paid(ghost: Ghost) -> bool:
    return ghost.step in {Step.PAID, Step.SHOWN, Step.POSTED}
