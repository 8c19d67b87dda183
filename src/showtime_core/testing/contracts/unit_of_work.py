"""What every unit of work keeps to: a suite of rules, to be mixed into a class of tests.

class TestPostgresUnitOfWork(UnitOfWorkContract):
    @pytest.fixture
    async def stage(self, database): ...  # a Stage on an empty channel

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.alerts import FollowAlert
from showtime_core.domain.broadcasts.broadcast import Snapshot, snapshot_of
from showtime_core.domain.journal import AdmittedBatch, Entry, JournalChanges, Malformed, Outcome, Unknown
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.testing.contracts.journal_changes import JournalChangesContract
from showtime_core.testing.contracts.payments import PaymentContract
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.records import Stage, StoredViewer, peek, record
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import plan_changes, plan_command, receive

POLICY = Policy()


class PlanFailedError(Exception):
    """Something went wrong in the middle of a unit."""


def fail_to_plan(_: AdmittedBatch, __: Policy) -> JournalChanges:
    """Fail in the middle of a unit."""
    raise PlanFailedError


def malformed(name: str) -> Entry:
    """Make an entry that cannot be understood."""
    return entry(name, Malformed("who can read this?"), at(0))


def retried(name: str, content: object, command: str = "") -> Entry:
    """Have an entry tried again, which is understood by now."""
    assert not isinstance(content, Malformed | Unknown)
    return entry(command or f"retry-{name}", ev.EntryRetried(name, content))  # type: ignore[arg-type]


def dismissed(name: str, command: str = "") -> Entry:
    """Let an entry go."""
    return entry(command or f"dismiss-{name}", ev.EntryDismissed(name))


class UnitOfWorkContract(JournalChangesContract, PaymentContract):
    """The rules of `showtime_core.ports.UnitOfWork`."""

    # --- once, whatever comes again ----------------------------------------------------------------

    async def test_a_batch_is_recorded_with_all_that_follows(self, stage: Stage) -> None:
        """The tables say of a batch what the pure core says of it."""
        batch = [online("halloween", 0), follows("f"), cheers("c"), offline(90)]
        admitted = await record(stage.units, batch, POLICY)
        changes, stored = plan_changes(admitted, POLICY), await stage.read()
        assert admitted.new_entries == tuple(batch)
        assert [(line.entry_id, line.outcome, line.remark) for line in stored.journal] == [
            (verdict.entry_id, verdict.outcome, verdict.remark) for verdict in changes.verdicts
        ]
        assert stored.state == changes.state
        assert stored.feed_items == changes.feed_items
        assert stored.effects == {planned.key: planned for planned in changes.effects}
        assert tuple(stored.broadcasts.values()) == changes.broadcasts
        assert stored.viewers == {MARGE.id: StoredViewer("Marge_on_Mute", at(0), None)}

    async def test_an_id_that_comes_twice_in_a_batch_is_new_once(self, stage: Stage) -> None:
        """Of two entries with one id in a batch the first counts."""
        batch = [cheers("c", 100), follows("f"), cheers("c", 500)]
        admitted = await record(stage.units, batch, POLICY)
        assert admitted.new_entries == (batch[0], batch[1])
        assert len((await stage.read()).journal) == len({"c", "f"})

    async def test_an_id_that_comes_again_later_is_not_new(self, stage: Stage) -> None:
        """Beside a known id in a batch, what is new is new, and in order."""
        await receive([cheers("c"), follows("f")], stage.units, POLICY)
        batch = [follows("g", BOB), cheers("c"), follows("h", LARRY), follows("f")]
        admitted = await record(stage.other, batch, POLICY)
        assert [new.id for new in admitted.new_entries] == ["g", "h"]

    async def test_nothing_new_changes_nothing(self, stage: Stage) -> None:
        """A unit of duplicates only writes nothing; nor does one of no entries at all."""
        await receive([online("halloween", 0), cheers("c")], stage.units, POLICY)
        before = await stage.read()
        await receive([cheers("c"), online("halloween", 0)], stage.other, POLICY)
        await receive([], stage.units, POLICY)
        assert await stage.read() == before

    async def test_what_is_new_is_told_with_the_state(self, stage: Stage) -> None:
        """A plan is asked with the state as it stands, whoever changed it, on every instance."""
        await receive([follows("f")], stage.units, POLICY)
        await receive([online("halloween", 0)], stage.other, POLICY)
        on = Snapshot(is_live=True, broadcast_started_at=at(0))
        assert snapshot_of((await record(stage.units, [cheers("c")], POLICY)).state) == on
        await receive([offline(90)], stage.units, POLICY)
        off = Snapshot(is_live=False)
        assert snapshot_of((await record(stage.other, [cheers("d"), cheers("c")], POLICY)).state) == off
        assert snapshot_of((await peek(stage.units)).state) == off

    async def test_concurrent_deliveries_count_once(self, stage: Stage) -> None:
        """Ten deliveries of one batch, in either order, over two instances, count once."""
        batch = [online("halloween", 0), cheers("c"), follows("f"), cheers("d")]
        await asyncio.gather(
            *(
                receive(batch[:: 1 if number % 3 else -1], stage.other if number % 2 else stage.units, POLICY)
                for number in range(10)
            )
        )
        stored = await stage.read()
        assert sorted(line.entry_id for line in stored.journal) == sorted(one.id for one in batch)
        assert len(stored.feed_items) == len(batch)
        assert len(stored.broadcasts) == 1
        assert sorted(stored.effects) == [
            f"{i}:{kind}" for i in "cd" for kind in ("credit-cheer", "summon-ghost")
        ]

    # --- one report under two ids ------------------------------------------------------------------

    TWICE_TOLD: Sequence[ev.Event] = (
        ev.Follow(MARGE, at(0)),
        ev.HypeTrainUpdate("choo-choo", ev.HypeTrainPhase.BEGIN, 1),
        ev.Redemption("rewind", BOB),
        ev.ChatMessageSent("first!", BOB, "", "be kind"),
    )

    @pytest.mark.parametrize("event", TWICE_TOLD, ids=lambda event: type(event).__name__)
    async def test_one_thing_under_two_ids_counts_once(self, stage: Stage, event: ev.Event) -> None:
        """Later reports of one thing, in one batch or another, are recorded as repeated, and of which."""
        batch = [entry("one", event, at(0)), entry("two", event, at(0))]
        admitted = await record(stage.units, batch, POLICY)
        await receive([entry("three", event, at(0))], stage.other, POLICY)
        stored = await stage.read()
        assert admitted.first_reports == {"two": "one"}
        assert [(line.outcome, line.remark) for line in stored.journal] == [
            (Outcome.REACTED, None),
            (Outcome.REPEATED, "one"),
            (Outcome.REPEATED, "one"),
        ]
        assert {shown.entry_id for shown in stored.feed_items} <= {"one"}

    async def test_a_fact_told_at_once_by_two_counts_once(self, stage: Stage) -> None:
        """One report under eight ids on two instances at once counts once."""
        reports = [follows(f"f{number}") for number in range(8)]
        await asyncio.gather(
            *(
                receive([report], stage.other if number % 2 else stage.units, POLICY)
                for number, report in enumerate(reports)
            )
        )
        stored = await stage.read()
        assert [shown.content for shown in stored.feed_items] == [FollowAlert("Marge_on_Mute")]
        assert sum(line.outcome is Outcome.REPEATED for line in stored.journal) == len(reports) - 1

    async def test_two_honest_cheers_are_two(self, stage: Stage) -> None:
        """What has no key of its own may happen twice."""
        await receive([cheers("c"), cheers("d")], stage.units, POLICY)
        assert [line.outcome for line in (await stage.read()).journal] == [Outcome.REACTED] * 2

    # --- what was parked ---------------------------------------------------------------------------

    async def test_what_follows_from_an_entry_that_is_tried_again_is_its_own(self, stage: Stage) -> None:
        """Alerts and effects bear its name; the journal keeps that it was parked, why, and the command."""
        await receive([malformed("torn"), follows("f")], stage.units, POLICY)
        await record(stage.units, [retried("torn", cheers("c").content)], POLICY)
        stored = await stage.read()
        assert [(line.entry_id, line.outcome, line.remark) for line in stored.journal] == [
            ("torn", Outcome.RETRIED, "who can read this?"),
            ("f", Outcome.REACTED, None),
            ("retry-torn", Outcome.REACTED, None),
        ]
        assert [shown.entry_id for shown in stored.feed_items] == ["f", "torn"]
        assert set(stored.effects) == {"torn:credit-cheer", "torn:summon-ghost"}

    async def test_nothing_follows_from_an_entry_that_is_dismissed(self, stage: Stage) -> None:
        """It stays in the journal, with why it was parked."""
        await receive([malformed("torn")], stage.units, POLICY)
        await record(stage.units, [dismissed("torn")], POLICY)
        stored = await stage.read()
        assert [(line.outcome, line.remark) for line in stored.journal] == [
            (Outcome.DISMISSED, "who can read this?"),
            (Outcome.REACTED, None),
        ]
        assert (stored.feed_items, stored.effects) == ((), {})

    @pytest.mark.parametrize("name", ["torn", "f", "nothing"])
    async def test_what_is_not_parked_is_not_decided(self, stage: Stage, name: str) -> None:
        """A command about what was decided, reacted to or never came is refused, without a trace."""
        await receive([malformed("torn"), follows("f")], stage.units, POLICY)
        await record(stage.units, [retried("torn", cheers("c").content)], POLICY)
        before = await stage.read()
        for units in (stage.units, stage.other):
            for command in (retried(name, cheers("c").content, "again"), dismissed(name, "again")):
                with pytest.raises(Refused, match="is not parked"):
                    await units.record([command], POLICY, plan_command)
        assert await stage.read() == before

    async def test_two_who_decide_at_once_do_not_both(self, stage: Stage) -> None:
        """Of two who decide at once, on either instance, one is refused."""
        await receive([malformed("torn")], stage.units, POLICY)
        came = await asyncio.gather(
            *(
                units.record([retried("torn", cheers("c").content, name)], POLICY, plan_command)
                for name, units in (("a", stage.units), ("b", stage.other), ("c", stage.units))
            ),
            return_exceptions=True,
        )
        assert sorted(isinstance(each, Refused) for each in came) == [False, True, True]
        assert len((await stage.read()).feed_items) == 1

    async def test_a_fact_that_is_tried_again_does_not_repeat_itself(self, stage: Stage) -> None:
        """It was told by the entry that is tried again; told by others later, it is known."""
        event = ev.Redemption("rewind", BOB)

        def fail(admitted: AdmittedBatch, policy: Policy) -> JournalChanges:
            changes = plan_changes(admitted, policy)
            return evolve(
                changes, verdicts=(evolve(changes.verdicts[0], outcome=Outcome.PARKED, remark="a fault"),)
            )

        await stage.units.record([entry("one", event, at(0))], POLICY, fail)
        await record(stage.units, [retried("one", event)], POLICY)
        await receive([entry("two", event, at(1))], stage.other, POLICY)
        assert [(line.outcome, line.remark) for line in (await stage.read()).journal] == [
            (Outcome.RETRIED, "a fault"),
            (Outcome.REACTED, None),
            (Outcome.REPEATED, "one"),
        ]

    async def test_a_fact_that_was_told_in_the_meantime_is_not_told_again(self, stage: Stage) -> None:
        """Twitch has reported it under another id, and that was understood."""
        await receive([malformed("torn"), follows("f")], stage.units, POLICY)
        await record(stage.other, [retried("torn", follows("f").content)], POLICY)
        await receive([follows("g")], stage.units, POLICY)
        stored = await stage.read()
        assert [(line.outcome, line.remark) for line in stored.journal[2:]] == [(Outcome.REPEATED, "f")] * 2
        assert [shown.entry_id for shown in stored.feed_items] == ["f"]

    async def test_a_fact_that_is_understood_at_last_is_known(self, stage: Stage) -> None:
        """Once a parked entry is understood, a later report of it is a repetition."""
        await receive([malformed("torn")], stage.units, POLICY)
        await record(stage.other, [retried("torn", follows("f").content)], POLICY)
        await receive([follows("g")], stage.units, POLICY)
        assert [shown.entry_id for shown in (await stage.read()).feed_items] == ["torn"]

    # --- one at a time, all or nothing -------------------------------------------------------------

    async def test_a_unit_begins_where_the_one_before_ended(self, stage: Stage) -> None:
        """A unit begins with the last state and at no earlier time, however many come at once."""
        titles = [f"Tape {number}" for number in range(12)]
        admissions = await asyncio.gather(
            *(
                record(
                    stage.other if number % 2 else stage.units,
                    [entry(title, ev.ChannelUpdate(title, "Retro"), at(number))],
                    POLICY,
                )
                for number, title in enumerate(titles)
            )
        )
        stored = await stage.read()
        before = {admitted.new_entries[0].id: admitted.state.title for admitted in admissions}
        assert sorted(before) == sorted(titles)
        order = [line.entry_id for line in stored.journal]
        assert [before[title] for title in order] == ["", *order[:-1]]
        times = [line.now for line in stored.journal]
        assert times == sorted(times)

    async def test_an_error_in_the_middle_leaves_nothing(self, stage: Stage) -> None:
        """An error leaves neither entry nor dedup key, and the same entries are new the next time."""
        await receive([online("halloween", 0)], stage.units, POLICY)
        before, batch = await stage.read(), [follows("f"), cheers("c"), offline(90)]
        for units in (stage.units, stage.other):
            with pytest.raises(PlanFailedError):
                await units.record(batch, POLICY, fail_to_plan)
        assert await stage.read() == before
        again = await record(stage.other, batch, POLICY)
        assert again.new_entries == tuple(batch)
        assert not again.first_reports
        assert again.state == before.state

    @pytest.mark.parametrize("seconds", [0, 0.001, 0.002, 0.004])
    async def test_whoever_gives_up_has_done_all_or_nothing(self, stage: Stage, seconds: float) -> None:
        """Who gives up has done all or nothing and holds no lock: the next does the rest."""
        batch = [follows("f"), cheers("c")]
        await receive([online("halloween", 0)], stage.units, POLICY)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stage.units.record(batch, POLICY, plan_changes)
        recorded = [line.entry_id for line in (await stage.read()).journal[1:]]
        assert recorded in ([], ["f", "c"])
        async with asyncio.timeout(3):
            await receive(batch, stage.other, POLICY)
        assert [line.entry_id for line in (await stage.read()).journal[1:]] == ["f", "c"]

    async def test_a_command_has_the_time_of_the_stage(self, stage: Stage) -> None:
        """A command has the stage's time, at offset zero and never before the one before."""
        times = [(await peek(stage.other if number % 2 else stage.units)).now for number in range(6)]
        told = [time for time in times if time and time.utcoffset() == UTC.utcoffset(None)]
        assert times == sorted(told)
