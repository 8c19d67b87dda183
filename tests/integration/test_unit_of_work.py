"""The unit of work writes in one round trip what it assumed rightly, and nothing if it assumed wrongly."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest
from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.journal import AdmittedBatch, Entry, EntrySource
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.testing.entries import BOB, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.machines.invariants import check_the_journal_replays
from showtime_core.testing.records import Stage
from showtime_core.testing.strategies import entry, two_of_a_month
from showtime_core.use_cases.receive import plan_changes, receive
from support.records import staged
from support.server import rows

POLICY = Policy()
BEFORE = (follows("f"), cheers("c"))

# As the predecessor does, or the operator.
BY_HAND = "insert into showtime.broadcast (id, started_at) values (41, '2026-10-31T20:00:00Z')"
COUNTERS = """
    select last_feed_id = (select max(id) from showtime.feed),
           last_position = (select max(position) from showtime.journal)
    from showtime.channel
"""


@pytest.fixture
async def stage(migrated: str) -> AsyncIterator[Stage]:
    """Set a stage on which both instances know the state."""
    async with staged(migrated) as stage:
        await receive(BEFORE[:1], stage.units, POLICY)
        await receive(BEFORE[1:], stage.other, POLICY)
        yield stage


async def asked(units: UnitOfWork, batch: Sequence[Entry]) -> list[AdmittedBatch]:
    """Record a batch, and tell every admission on which what follows was asked."""
    admissions: list[AdmittedBatch] = []

    def watched(admitted, policy):
        admissions.append(admitted)
        return plan_changes(admitted, policy)

    await units.record(batch, POLICY, watched)
    return admissions


async def test_what_twitch_sends_is_recorded_without_looking_first(stage: Stage, migrated: str):
    """What follows is worked out once, before the database is asked, by the state that the instance knows."""
    batch = [cheers("d"), follows("g", BOB), entry("r", ev.Raid(BOB, 31), at(2))]
    [admitted] = await asked(stage.units, batch)
    assert (admitted.new_entries, admitted.now) == (tuple(batch), None)
    await assert_recorded(stage, migrated, *batch)


WRONG: dict[str, Sequence[Entry]] = {
    "an entry is known": [cheers("d"), cheers("c")],
    "an entry comes twice": [cheers("d"), cheers("d")],
    "a fact is known": [cheers("d"), follows("again")],
    "a fact is told twice": [follows("g", BOB), follows("h", BOB)],
}


@pytest.mark.parametrize("batch", WRONG.values(), ids=WRONG)
async def test_what_is_not_new_after_all_leaves_nothing_of_the_first_attempt(
    stage: Stage, migrated: str, batch: Sequence[Entry]
):
    """It is worked out again from what is new, and each entry and alert is there once."""
    first, second = await asked(stage.units, batch)
    assert len(first.new_entries) == len(batch)
    assert len(second.new_entries) < len(batch) or second.first_reports
    await assert_recorded(stage, migrated, *second.new_entries)


async def change_elsewhere(stage: Stage, _: str) -> None:
    await receive([online("halloween", 0)], stage.other, POLICY)


async def add_by_hand(_: Stage, conninfo: str) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        await connection.execute(BY_HAND)


@pytest.mark.parametrize("change", [change_elsewhere, add_by_hand])
async def test_a_state_that_is_another_by_now_is_looked_up(
    stage: Stage, migrated: str, change: Callable[..., object]
):
    """Whoever changed it: what follows from a message is worked out again, by the state as it is."""
    await change(stage, migrated)  # type: ignore[misc] # both are asynchronous
    first, second = await asked(stage.units, [cheers("d")])
    assert first.state.timeline.live is None
    assert second.state.timeline.live is not None
    [third] = await asked(stage.units, [cheers("e")])
    assert third.state == second.state


async def test_who_has_no_time_of_its_own_waits_for_the_lock(stage: Stage):
    """A command has the time of the database, read under the lock, and so has all that comes with it."""
    command = Entry("stop", EntrySource.HOST, "tape.stop", None, ev.TapeStopped(), b"{}")
    [admitted] = await asked(stage.units, [cheers("d"), command])
    assert admitted.now


async def test_what_fails_on_a_wrong_assumption_is_no_failure(stage: Stage):
    """Somebody refuses an entry in a state that is no longer true: it is asked again, and content."""
    await receive([online("halloween", 0)], stage.other, POLICY)

    def only_live(admitted, policy):
        if not admitted.state.timeline.live:
            raise ValueError("nothing is on")
        return plan_changes(admitted, policy)

    await stage.units.record([cheers("d")], POLICY, only_live)
    await receive([offline(90)], stage.other, POLICY)
    with pytest.raises(ValueError, match="nothing is on"):
        await stage.units.record([cheers("e")], POLICY, only_live)


# As an instance leaves it that does not know the table: it has credited, and told nobody which month it was.
FORGET = "delete from showtime.payment where entry_id = 'first'"
BECAME = {
    "due": "status = 'due'",
    "credited": "status = 'done', flow_id = gen_random_uuid()",
    "parked": "status = 'parked', remark = 'the ledger refuses it'",
}


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("became", BECAME.values(), ids=BECAME)
async def test_a_month_that_an_older_instance_credited_earns_no_more(
    stage: Stage,
    migrated: str,
    became: LiteralString,
    is_reversed: bool,  # noqa: FBT001 - a parameter of the test
):
    """Its credit tells of it, however far that is; another month, tier or viewer earns again."""
    month = two_of_a_month(MARGE, "2000", at(0), timedelta(days=2))
    first, second = reversed(month) if is_reversed else month
    await receive([entry("first", first, at(0)), cheers("d")], stage.units, POLICY)
    async with await psycopg.AsyncConnection.connect(migrated) as connection:
        await connection.execute(FORGET)
        await connection.execute(f"update showtime.outbox set {became} where entry_id = 'first'")
    others = [evolve(second, tier="1000"), evolve(second, viewer=BOB), second]
    batch = [entry("second", second, at(0)), *(entry(f"o-{n}", each, at(0)) for n, each in enumerate(others))]
    for each in batch:
        await receive([each], stage.other, POLICY)
    credited = [key for key in (await stage.read()).effects if key.endswith("credit-subscription")]
    assert sorted(credited) == sorted(f"{n}:credit-subscription" for n in ("first", "o-0", "o-1", "o-2"))


async def assert_recorded(stage: Stage, conninfo: str, *batch: Entry) -> None:
    """See that these were recorded after the first two, in order, without a gap, and that they replay."""
    kept, sent = await stage.read(), [*BEFORE, *batch]
    assert [line.entry_id for line in kept.journal] == [one.id for one in sent]
    assert rows(conninfo, COUNTERS) == [(True, True)]
    check_the_journal_replays(kept, {one.id: one for one in sent})
