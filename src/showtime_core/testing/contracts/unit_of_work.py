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
from showtime_core.domain.broadcasts.broadcast import Snapshot, snapshot
from showtime_core.domain.journal import Admission, Entry, Malformed, Outcome, Page, Unknown
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.testing.contracts.journal_changes import PageContract
from showtime_core.testing.contracts.payments import PaymentContract
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.records import Remembered, Stage, look, record
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.receive import follow, follow_or_refuse, receive

POLICY = Policy()


class Spoilt(Exception):  # noqa: N818 - what happened, not an error of anybody's
    """Something went wrong in the middle of a unit."""


def spoil(_: Admission, __: Policy) -> Page:
    """Fail in the middle of a unit."""
    raise Spoilt


def torn(name: str) -> Entry:
    """Give an entry that nobody understands."""
    return entry(name, Malformed("who can read this?"), at(0))


def retried(name: str, content: object, command: str = "") -> Entry:
    """Have an entry tried again, which is understood by now."""
    assert not isinstance(content, Malformed | Unknown)
    return entry(command or f"retry-{name}", ev.Retried(name, content))  # type: ignore[arg-type]


def dismissed(name: str, command: str = "") -> Entry:
    """Let an entry go."""
    return entry(command or f"dismiss-{name}", ev.Dismissed(name))


class UnitOfWorkContract(PageContract, PaymentContract):
    """The rules of `showtime_core.ports.UnitOfWork`."""

    # --- once, whatever comes again ----------------------------------------------------------------

    async def test_a_batch_is_recorded_with_all_that_follows(self, stage: Stage) -> None:
        """The tables say of a batch what the pure core says of it."""
        batch = [online("halloween", 0), follows("f"), cheers("c"), offline(90)]
        admission = await record(stage.units, batch, POLICY)
        page, kept = follow(admission, POLICY), await stage.read()
        assert admission.fresh == tuple(batch)
        assert [(line.entry_id, line.outcome, line.remark) for line in kept.journal] == [
            (verdict.entry_id, verdict.outcome, verdict.remark) for verdict in page.verdicts
        ]
        assert kept.state == page.state
        assert kept.shown == page.shown
        assert kept.effects == {planned.key: planned for planned in page.effects}
        assert tuple(kept.broadcasts.values()) == page.broadcasts
        assert kept.viewers == {MARGE.id: Remembered("Marge_on_Mute", at(0), None)}

    async def test_an_id_that_comes_twice_in_a_batch_is_new_once(self, stage: Stage) -> None:
        """The first of them counts."""
        batch = [cheers("c", 100), follows("f"), cheers("c", 500)]
        admission = await record(stage.units, batch, POLICY)
        assert admission.fresh == (batch[0], batch[1])
        assert len((await stage.read()).journal) == len({"c", "f"})

    async def test_an_id_that_comes_again_later_is_not_new(self, stage: Stage) -> None:
        """Beside it in the batch, what is new is new, and in order."""
        await receive([cheers("c"), follows("f")], stage.units, POLICY)
        batch = [follows("g", BOB), cheers("c"), follows("h", LARRY), follows("f")]
        admission = await record(stage.other, batch, POLICY)
        assert [new.id for new in admission.fresh] == ["g", "h"]

    async def test_nothing_new_changes_nothing(self, stage: Stage) -> None:
        """A unit of duplicates only writes nothing; nor does one of no entries at all."""
        await receive([online("halloween", 0), cheers("c")], stage.units, POLICY)
        before = await stage.read()
        await receive([cheers("c"), online("halloween", 0)], stage.other, POLICY)
        await receive([], stage.units, POLICY)
        assert await stage.read() == before

    async def test_what_is_new_is_told_with_the_state(self, stage: Stage) -> None:
        """As it stands, whoever changed it, and also to an instance that saw another one before."""
        await receive([follows("f")], stage.units, POLICY)
        await receive([online("halloween", 0)], stage.other, POLICY)
        on = Snapshot(is_live=True, broadcast_started_at=at(0))
        assert snapshot((await record(stage.units, [cheers("c")], POLICY)).state) == on
        await receive([offline(90)], stage.units, POLICY)
        off = Snapshot(is_live=False)
        assert snapshot((await record(stage.other, [cheers("d"), cheers("c")], POLICY)).state) == off
        assert snapshot((await look(stage.units)).state) == off

    async def test_concurrent_deliveries_count_once(self, stage: Stage) -> None:
        """Ten deliveries of the same batch, in either order, over two instances."""
        batch = [online("halloween", 0), cheers("c"), follows("f"), cheers("d")]
        await asyncio.gather(
            *(
                receive(batch[:: 1 if number % 3 else -1], stage.other if number % 2 else stage.units, POLICY)
                for number in range(10)
            )
        )
        kept = await stage.read()
        assert sorted(line.entry_id for line in kept.journal) == sorted(one.id for one in batch)
        assert len(kept.shown) == len(batch)
        assert len(kept.broadcasts) == 1
        assert sorted(kept.effects) == [
            f"{i}:{kind}" for i in "cd" for kind in ("credit-cheer", "summon-ghost")
        ]

    # --- one fact under two ids --------------------------------------------------------------------

    TWICE_TOLD: Sequence[ev.Event] = (
        ev.Follow(MARGE, at(0)),
        ev.HypeTrain("choo-choo", ev.HypeTrainPhase.BEGIN, 1),
        ev.Redemption("rewind", BOB),
        ev.ChatWritten("first!", BOB, "", "be kind"),
    )

    @pytest.mark.parametrize("event", TWICE_TOLD, ids=lambda event: type(event).__name__)
    async def test_a_fact_under_two_ids_counts_once(self, stage: Stage, event: ev.Event) -> None:
        """In one batch and in a later one: the further reports are recorded as repeated, and of which."""
        batch = [entry("one", event, at(0)), entry("two", event, at(0))]
        admission = await record(stage.units, batch, POLICY)
        await receive([entry("three", event, at(0))], stage.other, POLICY)
        kept = await stage.read()
        assert admission.told == {"two": "one"}
        assert [(line.outcome, line.remark) for line in kept.journal] == [
            (Outcome.REACTED, None),
            (Outcome.REPEATED, "one"),
            (Outcome.REPEATED, "one"),
        ]
        assert {shown.entry_id for shown in kept.shown} <= {"one"}

    async def test_a_fact_told_at_once_by_two_counts_once(self, stage: Stage) -> None:
        """Eight ids, two instances, one follower."""
        reports = [follows(f"f{number}") for number in range(8)]
        await asyncio.gather(
            *(
                receive([report], stage.other if number % 2 else stage.units, POLICY)
                for number, report in enumerate(reports)
            )
        )
        kept = await stage.read()
        assert [shown.what for shown in kept.shown] == [FollowAlert("Marge_on_Mute")]
        assert sum(line.outcome is Outcome.REPEATED for line in kept.journal) == len(reports) - 1

    async def test_two_honest_cheers_are_two(self, stage: Stage) -> None:
        """What has no key of its own may happen twice."""
        await receive([cheers("c"), cheers("d")], stage.units, POLICY)
        assert [line.outcome for line in (await stage.read()).journal] == [Outcome.REACTED] * 2

    # --- what was parked ---------------------------------------------------------------------------

    async def test_what_follows_from_an_entry_that_is_tried_again_is_its_own(self, stage: Stage) -> None:
        """Alerts and effects bear its name; the journal keeps that it was parked, why, and the command."""
        await receive([torn("torn"), follows("f")], stage.units, POLICY)
        await record(stage.units, [retried("torn", cheers("c").content)], POLICY)
        kept = await stage.read()
        assert [(line.entry_id, line.outcome, line.remark) for line in kept.journal] == [
            ("torn", Outcome.RETRIED, "who can read this?"),
            ("f", Outcome.REACTED, None),
            ("retry-torn", Outcome.REACTED, None),
        ]
        assert [shown.entry_id for shown in kept.shown] == ["f", "torn"]
        assert set(kept.effects) == {"torn:credit-cheer", "torn:summon-ghost"}

    async def test_nothing_follows_from_an_entry_that_is_dismissed(self, stage: Stage) -> None:
        """It stays in the journal, with why it was parked."""
        await receive([torn("torn")], stage.units, POLICY)
        await record(stage.units, [dismissed("torn")], POLICY)
        kept = await stage.read()
        assert [(line.outcome, line.remark) for line in kept.journal] == [
            (Outcome.DISMISSED, "who can read this?"),
            (Outcome.REACTED, None),
        ]
        assert (kept.shown, kept.effects) == ((), {})

    @pytest.mark.parametrize("name", ["torn", "f", "nothing"])
    async def test_what_is_not_parked_is_not_decided(self, stage: Stage, name: str) -> None:
        """What was decided, what was reacted to, what never was: the command is refused, without a trace."""
        await receive([torn("torn"), follows("f")], stage.units, POLICY)
        await record(stage.units, [retried("torn", cheers("c").content)], POLICY)
        before = await stage.read()
        for units in (stage.units, stage.other):
            for command in (retried(name, cheers("c").content, "again"), dismissed(name, "again")):
                with pytest.raises(Refused, match="is not parked"):
                    await units.record([command], POLICY, follow_or_refuse)
        assert await stage.read() == before

    async def test_two_who_decide_at_once_do_not_both(self, stage: Stage) -> None:
        """On either instance: one of them is refused."""
        await receive([torn("torn")], stage.units, POLICY)
        came = await asyncio.gather(
            *(
                units.record([retried("torn", cheers("c").content, name)], POLICY, follow_or_refuse)
                for name, units in (("a", stage.units), ("b", stage.other), ("c", stage.units))
            ),
            return_exceptions=True,
        )
        assert sorted(isinstance(each, Refused) for each in came) == [False, True, True]
        assert len((await stage.read()).shown) == 1

    async def test_a_fact_that_is_tried_again_does_not_repeat_itself(self, stage: Stage) -> None:
        """It was told by the entry that is tried again; told by others later, it is known."""
        event = ev.Redemption("rewind", BOB)

        def fail(admission: Admission, policy: Policy) -> Page:
            page = follow(admission, policy)
            return evolve(
                page, verdicts=(evolve(page.verdicts[0], outcome=Outcome.PARKED, remark="a fault"),)
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
        await receive([torn("torn"), follows("f")], stage.units, POLICY)
        await record(stage.other, [retried("torn", follows("f").content)], POLICY)
        await receive([follows("g")], stage.units, POLICY)
        kept = await stage.read()
        assert [(line.outcome, line.remark) for line in kept.journal[2:]] == [(Outcome.REPEATED, "f")] * 2
        assert [shown.entry_id for shown in kept.shown] == ["f"]

    async def test_a_fact_that_is_understood_at_last_is_known(self, stage: Stage) -> None:
        """Who tells it after that repeats it."""
        await receive([torn("torn")], stage.units, POLICY)
        await record(stage.other, [retried("torn", follows("f").content)], POLICY)
        await receive([follows("g")], stage.units, POLICY)
        assert [shown.entry_id for shown in (await stage.read()).shown] == ["torn"]

    # --- one at a time, all or nothing -------------------------------------------------------------

    async def test_a_unit_begins_where_the_one_before_ended(self, stage: Stage) -> None:
        """With its state, and at no earlier time, however many come at once, on either instance."""
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
        kept = await stage.read()
        before = {admission.fresh[0].id: admission.state.title for admission in admissions}
        assert sorted(before) == sorted(titles)
        order = [line.entry_id for line in kept.journal]
        assert [before[title] for title in order] == ["", *order[:-1]]
        times = [line.now for line in kept.journal]
        assert times == sorted(times)

    async def test_an_error_in_the_middle_leaves_nothing(self, stage: Stage) -> None:
        """Neither entry nor fact nor anything that follows; the same entries are new the next time."""
        await receive([online("halloween", 0)], stage.units, POLICY)
        before, batch = await stage.read(), [follows("f"), cheers("c"), offline(90)]
        for units in (stage.units, stage.other):
            with pytest.raises(Spoilt):
                await units.record(batch, POLICY, spoil)
        assert await stage.read() == before
        again = await record(stage.other, batch, POLICY)
        assert again.fresh == tuple(batch)
        assert not again.told
        assert again.state == before.state

    @pytest.mark.parametrize("seconds", [0, 0.001, 0.002, 0.004])
    async def test_whoever_gives_up_has_done_all_or_nothing(self, stage: Stage, seconds: float) -> None:
        """And does not keep the lock: the next is admitted at once, and does the rest."""
        batch = [follows("f"), cheers("c")]
        await receive([online("halloween", 0)], stage.units, POLICY)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stage.units.record(batch, POLICY, follow)
        recorded = [line.entry_id for line in (await stage.read()).journal[1:]]
        assert recorded in ([], ["f", "c"])
        async with asyncio.timeout(3):
            await receive(batch, stage.other, POLICY)
        assert [line.entry_id for line in (await stage.read()).journal[1:]] == ["f", "c"]

    async def test_a_command_has_the_time_of_the_stage(self, stage: Stage) -> None:
        """With an offset of zero, and never earlier than the one before, on any instance."""
        times = [(await look(stage.other if number % 2 else stage.units)).now for number in range(6)]
        told = [time for time in times if time and time.utcoffset() == UTC.utcoffset(None)]
        assert times == sorted(told)
