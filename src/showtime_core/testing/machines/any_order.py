"""One evening in two orders: late, again, and twice told. Both must come to what the reference says.

    test_my_evenings = evenings_in_any_order(open_stage)

makes a test of an implementation of the unit of work: `open_stage(clock)` is an empty channel, whose clock
says what `clock()` says or is the real one. The test draws an evening, has it delivered in two orders on two
instances, in batches of any size, and compares what was kept with `showtime_core.testing.reference`, and both
with each other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime, timedelta
from itertools import cycle
from uuid import UUID

from attrs import astuple, define, evolve, field
from hypothesis import given

from showtime_core.domain import alerts
from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.journal import Entry, Malformed, Outcome, Unknown
from showtime_core.domain.points_and_ghosts.effects import (
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
)
from showtime_core.errors import Refused
from showtime_core.testing import strategies as some
from showtime_core.testing.deliveries import Delivery, Evening, evenings_in_two_orders, name_of_fact
from showtime_core.testing.records import Stage, StoredRecords, peek
from showtime_core.testing.reference import (
    Expected,
    ExpectedNight,
    ExpectedScreening,
    Message,
    Tape,
    expect,
)
from showtime_core.use_cases.host import start_tape
from showtime_core.use_cases.receive import plan_changes

OpenStage = Callable[[Callable[[], datetime]], AbstractAsyncContextManager[Stage]]

LONGEST = timedelta(hours=48)
"""An evening takes no longer: so long before the clock of its stage it begins."""


def evenings_in_any_order(open_stage: OpenStage) -> Callable[[], None]:
    """Make a test: evenings that are delivered in two orders come to what the reference says."""

    @given(evening=evenings_in_two_orders())
    def test(evening: Evening) -> None:
        asyncio.run(check_evening(evening, open_stage))

    return test


async def check_evening(evening: Evening, open_stage: OpenStage) -> None:
    """Deliver an evening in its two orders, each on a stage of its own, and compare."""
    opening: list[datetime] = []
    one, other = [await _play(evening, order, open_stage, opening) for order in (evening.one, evening.other)]
    if evening.tapes:  # which tapes can be put on depends on what is known by then
        one, other = evolve(one, nights=(), screenings=()), evolve(other, nights=(), screenings=())
    assert in_any_order(one) == in_any_order(other), "the order of delivery made a difference"


def in_any_order(expected: Expected) -> object:
    """Give what must be the same in every order: all but the order of alerts, and what came first."""
    shown = Counter(expected.alerts)
    return (
        evolve(expected, alerts=(), followed={}, subscribed={}),
        shown,
        {*expected.followed},
        {*expected.subscribed},
    )


async def _play(
    evening: Evening, order: Sequence[Delivery], open_stage: OpenStage, opening: list[datetime]
) -> Expected:
    """Deliver an evening in one order, and compare what was kept with the reference.

    Both orders have one `opening`: the first that is played says when it is.
    """
    moment = [some.OPENING_NIGHT]
    async with open_stage(lambda: moment[0]) as stage:
        now = (await peek(stage.units)).now
        assert now, "a command has the time of the stage"
        opening.append(now if now == some.OPENING_NIGHT else now - LONGEST)
        night = _Night(evening, stage, moment, opening[0] - some.OPENING_NIGHT)
        await night.deliver(order)
        kept = await stage.read()
        expected = night.expected(kept)
        assert _kept(kept) == expected
        _check_outcomes(kept, night.sent)
        await night.tell_what_is_settled(kept)
    return expected


@define
class _Night:
    """An evening on a stage."""

    evening: Evening
    stage: Stage
    moment: list[datetime]
    """What the clock of the stage says, if it is not the real one."""
    moved_by: timedelta
    """How much later than it was drawn everything happens."""
    sent: list[Entry] = field(factory=list)
    tapes: list[int] = field(factory=list)
    """That were accepted."""

    async def deliver(self, order: Sequence[Delivery]) -> None:
        """Deliver all in batches, to one instance after the other, and put tapes on meanwhile."""
        due = sorted(
            ((_sent_at(each) + timedelta(seconds=each.late), each.entry) for each in order), key=_first
        )
        tapes = [some.OPENING_NIGHT + timedelta(minutes=each) for each in self.evening.tapes]
        sizes, instances = cycle(self.evening.batch_sizes), cycle((self.stage.units, self.stage.other))
        while due:
            batch, due = due[: (size := next(sizes))], due[size:]
            while tapes and tapes[0] <= batch[-1][0]:
                await self.put_tape_on(tapes.pop(0))
            self.moment[0] = max(self.moment[0], batch[-1][0])
            entries = [self._moved(entry) for _, entry in batch]
            self.sent += entries
            await next(instances).record(entries, self.evening.policy, plan_changes)

    async def put_tape_on(self, at: datetime) -> None:
        """Put a tape on, if something is live."""
        self.moment[0] = max(self.moment[0], at)
        tape_id = len(self.tapes) + 1
        with suppress(Refused):
            await start_tape(tape_id, UUID(int=tape_id), self.stage.units, self.evening.policy)
            self.tapes.append(tape_id)

    def expected(self, kept: StoredRecords) -> Expected:
        """Ask the reference; the time of a tape is that of its command."""
        known = {entry.id for entry in self.sent}
        moments = [line.now for line in kept.journal if line.entry_id not in known]
        messages = [
            Message(entry.id, entry.sent_at, entry.content)
            for entry in self.sent
            if entry.sent_at and not isinstance(entry.content, Unknown | Malformed)
        ]
        tapes = [Tape(tape_id, at) for tape_id, at in zip(self.tapes, moments, strict=True)]
        return expect(messages, tapes, shows_recipients=self.evening.policy.alert_gift_recipients)

    async def tell_what_is_settled(self, kept: StoredRecords) -> None:
        """What is told of a night of last week changes nothing and is parked, once nights are settled."""
        settled = kept.state.timeline.base_until
        if settled is None:
            return
        week_ago = settled - timedelta(days=7)
        old = some.entry("of-last-week", ev.StreamOnline("last-week", "live", week_ago, week_ago))
        await self.stage.other.record([old], self.evening.policy, plan_changes)
        after = await self.stage.read()
        assert (after.broadcasts, after.feed_items) == (kept.broadcasts, kept.feed_items)
        assert (after.journal[-1].entry_id, after.journal[-1].outcome) == (old.id, Outcome.PARKED)

    def _moved(self, entry: Entry) -> Entry:
        at = entry.sent_at and entry.sent_at + self.moved_by
        return some.entry(entry.id, some.moved(entry.content, self.moved_by), at)


def _sent_at(delivery: Delivery) -> datetime:
    assert delivery.entry.sent_at, "Twitch stamps all its messages"
    return delivery.entry.sent_at


def _first(pair: tuple[datetime, Entry]) -> datetime:
    return pair[0]


def _check_outcomes(kept: StoredRecords, sent: Sequence[Entry]) -> None:
    """Each entry is in the journal once, with what became of it."""
    due, facts = dict[str, Outcome](), set[str]()
    for entry in sent:
        match entry.content:
            case Malformed():
                outcome = Outcome.PARKED
            case Unknown():
                outcome = Outcome.KEPT
            case content:
                fact = name_of_fact(content)
                outcome = Outcome.REPEATED if fact in facts else Outcome.REACTED
                facts |= {fact} if fact and entry.id not in due else set()
        due.setdefault(entry.id, outcome)
    assert [(line.entry_id, line.outcome) for line in kept.journal if line.entry_id in due] == list(
        due.items()
    )


_WORDS_FOR: dict[type[object], str] = {
    alerts.FollowAlert: "follow",
    alerts.RaidAlert: "raid",
    alerts.CheerAlert: "cheer",
    alerts.SubscribeAlert: "subscribe",
    alerts.GiftSubAlert: "gift-sub",
    alerts.HypeTrainAlert: "hype-train",
}


def _kept(kept: StoredRecords) -> Expected:
    """Say what was kept as the reference does."""
    points, ghosts = Counter[str](), Counter[tuple[str, str]]()
    for planned in kept.effects.values():
        match planned.effect:
            case CreditCheer(viewer, count):
                points[viewer.id] += count
            case CreditSubscription(viewer, base, times):
                points[viewer.id] += base * times
            case CreditGiftSubs(viewer, base, times, count):
                points[viewer.id] += base * times * count
            case SummonGhost(_, viewer, subject):
                ghosts[viewer.id, subject] += 1
    shown = (one.content for one in kept.feed_items if not isinstance(one.content, Snapshot))
    viewers, train = kept.viewers.items(), kept.state.hype_train
    return Expected(
        tuple(
            sorted(
                (ExpectedNight(row.started_at, row.ended_at) for row in kept.broadcasts.values()), key=_start
            )
        ),
        tuple(
            sorted(
                (
                    ExpectedScreening(row.tape_id, row.started_at, row.ended_at)
                    for row in kept.screenings.values()
                ),
                key=lambda row: row.tape_id,
            )
        ),
        tuple(
            (_WORDS_FOR[type(one)], *(value for value in astuple(one) if value is not None)) for one in shown
        ),
        points,
        ghosts,
        {viewer_id: who.followed_at for viewer_id, who in viewers if who.followed_at},
        {viewer_id: who.subscribed_at for viewer_id, who in viewers if who.subscribed_at},
        (train.id, train.is_over, train.level, train.progress) if train else None,
    )


def _start(night: ExpectedNight) -> tuple[datetime, bool, datetime]:
    return night.started_at, night.ended_at is None, night.ended_at or night.started_at
