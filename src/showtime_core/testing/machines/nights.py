"""A state machine that plays whole nights on an implementation of the unit of work, and watches it.

Beside the stage it keeps a model: a channel in memory that is told the same entries one by one, in the order
and at the times of the stage's own journal. After every step both must have kept the same, however entries
were batched, repeated or delivered at once on two instances; and the invariants of the domain must hold.

class PostgresMachine(ChannelMachine):
    head_start = timedelta(hours=2)  # the clock of the database is real: let the night begin before it

    async def open_stage(self) -> Stage: ...  # an empty channel; close it in close_stage


TestPostgresMachine = PostgresMachine.TestCase
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import MAX_TAPE_ID, snapshot_of
from showtime_core.domain.events import Event
from showtime_core.domain.journal import (
    AdmittedBatch,
    Entry,
    EntrySource,
    JournalChanges,
    Malformed,
    Outcome,
    Unknown,
)
from showtime_core.domain.own_entries import repair_entry
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused
from showtime_core.ports import UnitOfWork
from showtime_core.testing import strategies as some
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import Stage, StoredRecords, memory_stage, peek, read_memory
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.check_channel import record_repair
from showtime_core.use_cases.host import start_tape, stop_tape
from showtime_core.use_cases.receive import plan_changes, plan_command, receive

# Drawn around the opening night, and told around the time at which they are delivered.
_SPANS = (timedelta(minutes=10), timedelta(minutes=40), timedelta(hours=3))
_CONTENTS = some.contents(some.before(some.OPENING_NIGHT))
_EVENTS = some.events(some.before(some.OPENING_NIGHT))
_NEWS = st.one_of(*(some.stream_events(some.before(some.OPENING_NIGHT, span)) for span in _SPANS))
_POLICIES = some.policies()
_PAUSES = st.integers(1, 14 * 60) | st.integers(15 * 60, 3 * 60 * 60)

Command = Callable[[UnitOfWork], Coroutine[Any, Any, None]]
Batch = Sequence[Event | Unknown | Malformed]


@st.composite
def _batches(draw: st.DrawFn, min_size: int = 1) -> Batch:
    """Draw a few contents of any kind, or only what is said of the stream."""
    return draw(st.lists(draw(st.sampled_from((_CONTENTS, _NEWS))), min_size=min_size, max_size=5))


class _Crash(Exception):  # noqa: N818 - what happened, not an error of anybody's
    """The process died before the commit."""


class ChannelMachine(RuleBasedStateMachine):
    """Plays in memory, by a clock of its own; derive from it to play elsewhere."""

    head_start = timedelta(0)
    """How long before the stage's clock Twitch's begins."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.elapsed = timedelta(0)
        self.count = 0
        self.stage = self.runner.run(self.open_stage())
        self.kept: StoredRecords = self._read()
        self.sent: dict[str, Entry] = {}
        self.streams: dict[str, datetime] = {}
        self.opening = self.runner.run(self._read_clock()) - self.head_start
        self.model_clock = self.opening
        self.model = MemoryUnitOfWork(clock=lambda: self.model_clock)

    # --- for implementations -----------------------------------------------------------------------

    async def open_stage(self) -> Stage:
        """Prepare an empty channel."""
        return memory_stage(MemoryUnitOfWork(clock=lambda: some.OPENING_NIGHT + self.elapsed))

    async def close_stage(self) -> None:
        """Clean up."""

    def teardown(self) -> None:
        """End the night: its journal must replay."""
        try:
            check_the_journal_replays(self.kept, self.sent)
        finally:
            self.runner.run(self.close_stage())
            self.runner.close()

    # --- what may happen ---------------------------------------------------------------------------

    @rule(batch=_batches(), policy=_POLICIES)
    def deliver(self, batch: Batch, policy: Policy) -> None:
        """Twitch delivers anything, and says of the stream what it likes, late and in any order."""
        self._receive(self._write(self._now_told(batch)), policy)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), policy=_POLICIES)
    def deliver_again(self, data: st.DataObject, policy: Policy) -> None:
        """What was delivered before changes nothing, however late and in whatever company."""
        old, before = data.draw(st.lists(self._old_entries(), min_size=1, max_size=4)), self.kept
        self._receive(old, policy)
        assert self.kept == before

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), policy=_POLICIES)
    def tell_twice(self, data: st.DataObject, policy: Policy) -> None:
        """Twitch reports things again under other ids."""
        old = data.draw(st.lists(self._old_entries(), min_size=1, max_size=3))
        told = [entry for entry in old if entry.source not in (EntrySource.HOST, EntrySource.REPAIR)]
        self._receive(self._sign(evolve(entry, id=self._next_id()) for entry in told), policy)

    @rule(batches=st.tuples(_batches(0), _batches(0), _batches(0)), policy=_POLICIES)
    def deliver_at_once(self, batches: tuple[Batch, Batch, Batch], policy: Policy) -> None:
        """Two instances receive overlapping batches at the same time."""
        mine, ours, theirs = (self._write(self._now_told(batch)) for batch in batches)

        async def together() -> None:
            await asyncio.gather(
                receive([*mine, *ours], self.stage.units, policy),
                receive([*reversed(ours), *theirs], self.stage.other, policy),
            )

        self.runner.run(together())
        self._catch_up()

    @rule(tape_id=some.tape_ids(), policy=_POLICIES)
    def put_a_tape_on(self, tape_id: int, policy: Policy) -> None:
        """The host puts a tape on, with a double click."""
        command_id, is_live = self._next_uuid(), self.kept.state.timeline.live is not None
        is_done = self._perform(lambda units: start_tape(tape_id, command_id, units, policy))
        assert is_done == (is_live and 1 <= tape_id <= MAX_TAPE_ID)
        assert not is_done or snapshot_of(self.kept.state).screening_tape_id == tape_id

    @rule(policy=_POLICIES)
    def take_the_tape_off(self, policy: Policy) -> None:
        """The host takes the tape off, whether one is on or not."""
        command_id, is_live = self._next_uuid(), self.kept.state.timeline.live is not None
        assert self._perform(lambda units: stop_tape(command_id, units, policy)) == is_live
        assert snapshot_of(self.kept.state).screening_tape_id is None

    @rule(online=some.stream_onlines(some.before(some.OPENING_NIGHT)), policy=_POLICIES)
    def find_a_stream(self, online: ev.StreamOnline, policy: Policy) -> None:
        """Twitch's API lists a stream, of which a message may have told or not."""
        [listed] = self._now_told([online])
        assert isinstance(listed, ev.StreamOnline)
        self._record_repair(ev.StreamFound(listed.stream_id, listed.started_at, listed.sent_at), policy)

    @rule(minutes=st.integers(10, 40), policy=_POLICIES)
    def miss_the_stream(self, minutes: int, policy: Policy) -> None:
        """Twitch's API has not listed a stream for long, whether one is live here or not."""
        self._record_repair(ev.StreamMissed(self.now - timedelta(minutes=minutes), self.now), policy)

    @rule(event=_EVENTS, policy=_POLICIES, later=_POLICIES)
    def understand_at_last(self, event: Event, policy: Policy, later: Policy) -> None:
        """A message comes that is not understood, and is tried again when it is."""
        self._receive(self._write([Malformed("who can read this?")]), policy)
        self._try_again(self._parked()[-1], event, later)

    @precondition(lambda self: self._parked())
    @rule(data=st.data(), event=_EVENTS, policy=_POLICIES)
    def try_again(self, data: st.DataObject, event: Event, policy: Policy) -> None:
        """The operator has a parked entry tried again: by now it is understood, whatever it says."""
        self._try_again(data.draw(st.sampled_from(self._parked())), event, policy)

    def _try_again(self, name: str, event: Event, policy: Policy) -> None:
        before = self.kept
        (told,) = self._now_told([event])
        assert not isinstance(told, Unknown | Malformed)
        if self._decide(ev.EntryRetried(name, told), policy):
            assert name not in self._parked()
            assert {shown.entry_id for shown in self.kept.feed_items[len(before.feed_items) :]} <= {name}

    @precondition(lambda self: self._parked())
    @rule(data=st.data(), policy=_POLICIES)
    def dismiss(self, data: st.DataObject, policy: Policy) -> None:
        """The operator lets a parked entry go: nothing follows."""
        name, before = data.draw(st.sampled_from(self._parked())), self.kept
        assert self._decide(ev.EntryDismissed(name), policy)
        assert (self.kept.state, self.kept.feed_items, self.kept.effects) == (
            before.state,
            before.feed_items,
            before.effects,
        )

    @precondition(lambda self: self.kept.state.timeline.live)
    @rule(pause=st.integers(1, 15 * 60 - 1), policy=_POLICIES)
    def drop_out(self, pause: int, policy: Policy) -> None:
        """The stream returns within 15 minutes: same broadcast, same start, same tape."""
        night, on = self.kept.state.timeline.live, snapshot_of(self.kept.state)
        self.elapsed += timedelta(seconds=1)
        stream = next(iter(reversed(night.streams)), None) if night else None
        self._receive(self._write([ev.StreamOffline(self.now, stream)]), policy)
        self.elapsed += timedelta(seconds=pause)
        returned = ev.StreamOnline(f"returned-{self.count}", "live", self.now, self.now)
        self._receive(self._write([returned]), policy)
        resumed = self.kept.state.timeline.live
        assert night
        assert resumed
        assert (resumed.id, resumed.started_at) == (night.id, night.started_at)
        assert snapshot_of(self.kept.state) == on

    @rule(
        viewer=some.viewers(),
        tier=st.sampled_from(("1000", "2000", "3000")),
        apart=some.apart(),
        is_told_at_once=st.booleans(),
        policy=_POLICIES,
    )
    def pay_a_month(
        self,
        viewer: Viewer,
        tier: str,
        apart: timedelta,
        is_told_at_once: bool,  # noqa: FBT001 - drawn
        policy: Policy,
    ) -> None:
        """Twitch tells a month twice, in either order and far apart: it earns once, and both are shown."""
        before = self.kept
        pair = self._write(some.two_of_a_month(viewer, tier, self.now, apart))
        pair = pair if apart > timedelta(0) else pair[::-1]
        for batch in [pair] if is_told_at_once else [[each] for each in pair]:
            self._receive(batch, policy)
        kinds = [key for key in self.kept.effects if key not in before.effects]
        assert len(kinds) <= 1
        shown = [one.entry_id for one in self.kept.feed_items[len(before.feed_items) :]]
        assert shown == [each.id for each in pair]

    @precondition(lambda self: self.kept.state.timeline.live)
    @rule(data=st.data(), policy=_POLICIES)
    def end_another_stream(self, data: st.DataObject, policy: Policy) -> None:
        """A stream ends that is not on the air, or of which nothing is known: the broadcast goes on."""
        before, nights = self.kept.state, self.kept.state.timeline.nights
        streams = [stream for night in nights for stream in night.streams if stream != nights[-1].streams[-1]]
        ended = data.draw(st.sampled_from([*streams, "nobody-knows"]))
        self.elapsed += timedelta(seconds=1)
        self._receive(self._write([ev.StreamOffline(self.now, ended)]), policy)
        assert self.kept.state.timeline.live == before.timeline.live
        assert snapshot_of(self.kept.state) == snapshot_of(before)
        assert self.kept.journal[-1].remark

    @rule(contents=_batches(), policy=_POLICIES)
    def crash(self, contents: Batch, policy: Policy) -> None:
        """The process dies while it reacts: nothing was done, and Twitch delivers the batch again."""
        batch, before = self._write(self._now_told(contents)), self.kept

        def die(_: AdmittedBatch, __: Policy) -> JournalChanges:
            raise _Crash

        with suppress(_Crash):
            self.runner.run(self.stage.units.record(batch, policy, die))
        assert self._read() == before
        self._receive(batch, policy)

    @rule(contents=_batches(), policy=_POLICIES, milliseconds=st.integers(0, 4))
    def give_up(self, contents: Batch, policy: Policy, milliseconds: int) -> None:
        """Whoever waits gives up in the middle: all was done, or nothing, and the batch comes again."""
        batch, before = self._write(self._now_told(contents)), self.kept

        async def hurry() -> None:
            async with asyncio.timeout(milliseconds / 1000):
                await self.stage.units.record(batch, policy, plan_changes)

        with suppress(TimeoutError):
            self.runner.run(hurry())
        new = {line.entry_id for line in self._read().journal[len(before.journal) :]}
        assert new in (set(), {entry.id for entry in batch})
        self._receive(batch, policy)

    @rule(seconds=_PAUSES)
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.elapsed += timedelta(seconds=seconds)

    @invariant()
    def the_invariants_of_the_domain_hold(self) -> None:
        """See `showtime_core.testing.machines.invariants`."""
        check(self.kept, self.sent)

    # --- how it is done ----------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The time by Twitch's clock."""
        return self.opening + self.elapsed

    def _read(self) -> StoredRecords:
        return self.runner.run(self.stage.read())

    async def _read_clock(self) -> datetime:
        now = (await peek(self.stage.units)).now
        assert now, "a command has the time of the stage"
        return now

    def _next_id(self) -> str:
        self.count += 1
        return f"message-{self.count}"

    def _next_uuid(self) -> UUID:
        self.count += 1
        return UUID(int=self.count)

    def _old_entries(self) -> st.SearchStrategy[Entry]:
        return st.sampled_from(list(self.sent.values()))

    def _now_told(self, contents: Batch) -> Batch:
        moved = (some.moved(content, self.now - some.OPENING_NIGHT) for content in contents)
        return [self._cast(one) for one in moved]

    def _cast(self, content: some.Content) -> some.Content:
        """Let each stream have one start, whenever it is spoken of, and none live for ever."""
        if isinstance(content, ev.StreamOffline):
            return evolve(content, stream_id=content.stream_id and self._of_now(content.stream_id))
        return self._begun(content) if isinstance(content, ev.StreamOnline) else content

    def _of_now(self, stream_id: str) -> str:
        return f"{stream_id}-{self.elapsed // timedelta(hours=3)}"

    def _begun(self, online: ev.StreamOnline) -> ev.StreamOnline:
        stream = self._of_now(online.stream_id)
        started_at = self.streams.setdefault(stream, online.started_at)
        return ev.StreamOnline(stream, online.kind, started_at, max(started_at, online.sent_at))

    def _write(self, contents: Batch) -> list[Entry]:
        return self._sign(some.entry(self._next_id(), content, self.now) for content in contents)

    def _sign(self, entries: Iterable[Entry]) -> list[Entry]:
        """Note what is sent: the model is told of it when the stage has it in its journal."""
        batch = list(entries)
        self.sent |= {entry.id: entry for entry in batch}
        return batch

    def _receive(self, batch: Sequence[Entry], policy: Policy) -> None:
        """Receive in one unit: what cannot be written must not hide behind being redone one by one."""
        self.runner.run(self.stage.units.record(batch, policy, plan_changes))
        self._catch_up()
        assert {entry.id for entry in batch} <= {line.entry_id for line in self.kept.journal}

    def _parked(self) -> list[str]:
        return [line.entry_id for line in self.kept.journal if line.outcome is Outcome.PARKED]

    def _decide(self, decision: ev.EntryRetried | ev.EntryDismissed, policy: Policy) -> bool:
        command = some.entry(f"host:{self._next_id()}", decision)

        async def decide(units: UnitOfWork) -> None:
            await units.record([command], policy, plan_command)

        return self._perform(decide)

    def _perform(self, command: Command) -> bool:
        """Do as the host says, twice; tell whether it was accepted, and the model must agree."""
        try:
            self.runner.run(command(self.stage.units))
        except Refused:
            assert self._read() == self.kept
            return False
        stored = self._read()
        self.model_clock = stored.journal[-1].now
        self.runner.run(command(self.model))
        self.sent |= self.model.memory.journal
        self._catch_up()
        self.runner.run(command(self.stage.other))
        assert self._read() == self.kept
        return True

    def _record_repair(self, event: ev.StreamFound | ev.StreamMissed, policy: Policy) -> None:
        """Record it if it is news; another instance has found out the same, and it is none any more."""
        entry, before = repair_entry(event), self.kept
        self.runner.run(record_repair(event, self.stage.units, policy))
        is_news = self._read() != before
        self.sent |= {entry.id: entry} if is_news else {}
        self._catch_up()
        after = self.kept
        self.runner.run(record_repair(event, self.stage.other, policy))
        assert self._read() == after
        assert is_news == (before.state != after.state)

    def _catch_up(self) -> None:
        """Tell the model what is new in the stage's journal, one by one, and compare."""
        stored = self._read()
        known = len(self.model.memory.records)
        for line in stored.journal[known:]:
            self.model_clock = line.now
            self.runner.run(receive([self.sent[line.entry_id]], self.model, line.policy))
        assert read_memory(self.model) == stored
        for line, old in zip(stored.journal, self.kept.journal, strict=False):
            assert line == old or (
                old.outcome is Outcome.PARKED and line == evolve(old, outcome=line.outcome)
            )
        for viewer_id, was in self.kept.viewers.items():
            now = stored.viewers[viewer_id]
            assert was.followed_at in (None, now.followed_at)
            assert was.subscribed_at in (None, now.subscribed_at)
        self.kept = stored
