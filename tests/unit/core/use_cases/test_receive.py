"""Messages in: recorded and reacted to in one transaction, or parked with the reason."""

from itertools import pairwise
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.journal import Malformed, Outcome, Unknown
from showtime_core.domain.own_entries import decision_entry
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Unavailable
from showtime_core.ports import UnitOfWork
from showtime_core.testing import strategies as some
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import read_memory
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import plan_changes, receive

POLICY = Policy()


@frozen
class Choosy:
    """A unit of work that cannot write some entries, as a database that dislikes what is in them."""

    units: UnitOfWork
    disliked: str
    reason: Exception

    async def record(self, entries, policy, follow):
        def choose(admitted, policy):
            changes = follow(admitted, policy)
            if self.disliked in {shown.entry_id for shown in changes.feed_items}:
                raise self.reason
            return changes

        return await self.units.record(entries, policy, choose)


def outcomes(units):
    return {line.entry_id: (line.outcome, line.remark) for line in read_memory(units).journal}


@pytest.fixture
def units():
    return MemoryUnitOfWork()


async def test_a_message_that_came_before_has_no_effect(units):
    """A message that came before has no effect, however late and in whichever batch."""
    await receive([cheers("c"), cheers("c")], units, POLICY)
    before = read_memory(units)
    await receive([cheers("c"), evolve(cheers("c"), retry=3)], units, POLICY)
    assert read_memory(units) == before
    assert len(before.feed_items) == 1


async def test_a_malformed_message_is_parked_and_hurts_nobody(units):
    """Those before it and after it are reacted to."""
    torn = some.entry("torn", Malformed("'bits' is missing"), at(0))
    await receive([follows("f"), torn, cheers("c")], units, POLICY)
    assert outcomes(units) == {
        "f": (Outcome.REACTED, None),
        "torn": (Outcome.PARKED, "'bits' is missing"),
        "c": (Outcome.REACTED, None),
    }


async def test_a_message_of_an_unknown_type_is_kept(units):
    """Twitch adds types; nothing follows from them."""
    await receive([some.entry("moon", Unknown(), at(0))], units, POLICY)
    assert outcomes(units) == {"moon": (Outcome.KEPT, None)}


def logged(caplog):
    """Give what was logged, each line with the ids of the messages that it is about."""
    return [(record.getMessage(), record.message_id) for record in caplog.records]


async def test_a_reaction_that_fails_parks_its_message_alone(units, caplog):
    """A time without an offset cannot be compared with the others."""
    broken = some.entry("broken", ev.StreamOffline(at(5).replace(tzinfo=None)), at(5))
    await receive([online("a", 0), broken, cheers("c"), offline(9)], units, POLICY)
    kept = read_memory(units)
    assert [line.outcome for line in kept.journal] == [
        Outcome.REACTED,
        Outcome.PARKED,
        Outcome.REACTED,
        Outcome.REACTED,
    ]
    assert kept.journal[1].remark.startswith("the reaction failed: TypeError: ")
    assert logged(caplog) == [("the reaction failed, and the entry is parked", "broken")]
    assert kept.broadcasts[1].ended_at == at(9)


async def test_a_transition_from_before_what_is_settled_is_parked(units):
    """The operator reads why; the night that has ended is not restarted."""
    await receive([online("a", 0), offline(60), online("b", 300), offline(400)], units, POLICY)
    before = read_memory(units)
    await receive([online("late", -10)], units, POLICY)
    outcome, remark = outcomes(units)["online-late--10"]
    assert outcome is Outcome.PARKED
    assert "the nights are settled until" in remark
    assert read_memory(units).broadcasts == before.broadcasts


async def test_a_batch_that_cannot_be_written_is_redone_one_by_one(units, caplog):
    """Only the message that spoils it is parked, with its body as it came."""
    choosy = Choosy(units, "g", ValueError("no such letter"))
    batch = [online("a", 0), follows("f"), follows("g", BOB), cheers("c"), follows("h", LARRY)]
    await receive(batch, choosy, POLICY)
    assert {key: outcome for key, (outcome, _) in outcomes(units).items()} == {
        "online-a-0": Outcome.REACTED,
        "f": Outcome.REACTED,
        "g": Outcome.PARKED,
        "c": Outcome.REACTED,
        "h": Outcome.REACTED,
    }
    assert outcomes(units)["g"][1] == "it cannot be written: ValueError"
    assert units.memory.journal["g"].body == batch[2].body
    assert set(read_memory(units).viewers) == {MARGE.id, LARRY.id}
    assert logged(caplog) == [
        ("a batch of 5 could not be written, and is redone one by one", "online-a-0 f g c h"),
        ("an entry cannot be written", "g"),
    ]


async def test_what_cannot_even_be_parked_is_to_be_sent_again(units):
    """The others of its batch are kept, and the sender hears of the failure, so that nothing is lost."""

    @frozen
    class Full:
        async def record(self, entries, policy, follow):
            if any(entry.id == "g" for entry in entries):
                raise ValueError("no room")
            return await units.record(entries, policy, follow)

    with pytest.raises(ValueError, match="no room"):
        await receive([follows("f"), follows("g", BOB), cheers("c")], Full(), POLICY)
    assert set(outcomes(units)) == {"f", "c"}


async def test_a_database_that_is_away_parks_nothing(units):
    """While the database is away nothing is half done: the same messages are new when it is back."""
    away, batch = Unavailable("gone to rewind"), [follows("f"), cheers("c")]
    with pytest.raises(Unavailable):
        await receive(batch, Choosy(units, "c", away), POLICY)
    assert read_memory(units).journal == ()
    await receive(batch, units, POLICY)
    assert {outcome for outcome, _ in outcomes(units).values()} == {Outcome.REACTED}


async def test_a_database_that_goes_away_while_a_batch_is_redone_parks_nothing(units):
    """What was written stays, and the rest is new when it is back."""
    choosy = Choosy(Choosy(units, "c", Unavailable("gone")), "g", ValueError("bad"))
    with pytest.raises(Unavailable):
        await receive([follows("f"), cheers("c"), follows("g", BOB)], choosy, POLICY)
    assert set(outcomes(units)) == {"f"}


async def test_the_effects_of_what_is_off_are_recorded_as_skipped(units):
    """Effects of a feature that is off are skipped, neither queued for months nor forgotten."""
    await receive([cheers("c")], units, Policy(features=frozenset({Feature.POINTS})))
    await receive([cheers("d")], units, Policy(features=frozenset()))
    assert {key: planned.is_skipped for key, planned in read_memory(units).effects.items()} == {
        "c:credit-cheer": False,
        "c:summon-ghost": True,
        "d:credit-cheer": True,
        "d:summon-ghost": True,
    }


async def test_a_payment_that_another_message_told_says_why_it_earns_nothing(units):
    """A subscription that is shared later shows its alert, and says that its points were given already."""
    began = some.entry("began", ev.SubscriptionStart(MARGE, "1000", is_gift=False, sent_at=at(1)), at(1))
    shared = some.entry("shared", ev.Resubscription(MARGE, "1000", 1, "hello", at(2)), at(2))
    await receive([began, shared], units, POLICY)
    assert outcomes(units) == {
        "began": (Outcome.REACTED, None),
        "shared": (
            Outcome.REACTED,
            "another message told of this payment, within 28 days: it earns its points once",
        ),
    }
    assert set(read_memory(units).effects) == {"began:credit-subscription"}


async def test_a_decision_about_what_is_not_parked_is_parked_itself(units):
    """Who decides about an entry that nobody has parked reads which one it was."""
    await receive([cheers("c"), decision_entry(UUID(int=1), ev.EntryDismissed("c"))], units, POLICY)
    assert outcomes(units)[f"host:{UUID(int=1)}"] == (Outcome.PARKED, "c is not parked, or not any more")


async def test_a_change_of_state_is_shown_once_and_only_if_it_changes_something(units):
    """A second online, a title or a revocation shows no change of state: the tape must not flicker."""
    revoked = some.entry("r", ev.SubscriptionRevoked("channel.raid", "user_removed", at(2)))
    title = some.entry("t", ev.ChannelUpdate("Ghosts on tape", "Retro"), at(3))
    await receive([online("a", 0), online("a", 1, started=0), revoked, title, offline(9)], units, POLICY)
    assert [(shown.entry_id, shown.content) for shown in read_memory(units).feed_items] == [
        ("online-a-0", Snapshot(is_live=True, broadcast_started_at=at(0))),
        ("offline-9", Snapshot(is_live=False)),
    ]


async def test_a_duplicate_online_never_makes_two_broadcasts(units):
    """A duplicate online never makes two broadcasts, under one id or two, one by one or together."""
    await receive([online("a", 0), online("a", 0), online("a", 1, started=0)], units, POLICY)
    await receive([online("a", 2, started=0)], units, POLICY)
    assert list(read_memory(units).broadcasts) == [1]


async def test_what_is_sent_shows_that_a_subscription_is_back(units):
    """A notification clears the revocation of its type, if it was sent later."""
    revoked = some.entry("r", ev.SubscriptionRevoked("channel.follow", "user_removed", at(5)))
    await receive([revoked, follows("before", minutes=4)], units, POLICY)
    assert units.memory.state.revocations
    await receive([follows("after", BOB, 6)], units, POLICY)
    assert not units.memory.state.revocations


async def test_a_long_batch_forgets_no_night_that_it_saw_begin_and_end(units):
    """A batch of many days loses no night, although the state keeps only the last ones."""
    days = [
        entry
        for hour in range(0, 60 * 100, 60 * 10)
        for entry in (online(f"s{hour}", hour), offline(hour + 200))
    ]
    await receive(days, units, POLICY)
    kept = read_memory(units).broadcasts
    assert [(row.id, row.ended_at - row.started_at) for row in kept.values()] == [
        (number, at(200) - at(0)) for number in range(1, 11)
    ]


async def test_a_number_that_was_given_and_taken_back_in_one_batch_is_never_written(units):
    """Nobody is asked to remove a broadcast that was not there."""
    batch = [online("a", 0), online("b", 30), offline(25)]
    changes = await units.record(batch, POLICY, plan_changes)
    assert ([row.id for row in changes.broadcasts], changes.merged_broadcasts) == ([1], ())


async def test_a_very_late_fact_corrects_the_night_before(units):
    """The table says what the state says, also of a night that is settled next."""
    await receive([online("a", 0), online("b", 120)], units, POLICY)
    await receive([online("c", 40)], units, POLICY)
    kept = read_memory(units)
    assert {row.id: row.ended_at for row in kept.broadcasts.values()} == {1: at(40), 2: None, 3: at(120)}


@given(evening=some.evenings(), cuts=st.lists(st.integers(0, 40)), policy=some.policies())
async def test_it_does_not_matter_how_messages_are_batched(evening, cuts, policy):
    """One by one, all at once, or cut anywhere: the same is kept, and every invariant holds."""
    at_noon = [MemoryUnitOfWork(clock=lambda: at(720)) for _ in range(3)]
    one_by_one, at_once, cut = at_noon
    for entry in evening:
        await receive([entry], one_by_one, policy)
    await receive(evening, at_once, policy)
    places = [0, *sorted(cuts), len(evening)]
    for start, end in pairwise(places):
        await receive(evening[start:end], cut, policy)
    assert read_memory(at_once) == read_memory(one_by_one) == read_memory(cut)
    sent = {entry.id: entry for entry in reversed(evening)}
    check(read_memory(cut), sent)
    check_the_journal_replays(read_memory(cut), sent)
