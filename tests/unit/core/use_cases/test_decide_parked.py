"""The operator decides about what is parked: what follows from a message follows now, once, and replays."""

import json
from uuid import uuid4

import pytest
from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.alerts import CheerAlert, GhostAlert
from showtime_core.domain.journal import Entry, EntrySource, Malformed, Outcome, Unknown
from showtime_core.domain.outbox import EffectStatus, Settlement
from showtime_core.domain.parked import Decision
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotFound, Refused
from showtime_core.testing.contracts.outbox import SETTLE_AFTER
from showtime_core.testing.entries import MARGE, at, cheers, follows, offline, online
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import read_memory
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.outbox import MemoryOutboxTable, MemoryParkedItems
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.decide_parked import DecideParked
from showtime_core.use_cases.receive import receive


@frozen
class DecisionSetup:
    """The use case, and all that is decided with it; whoever reads may learn new words."""

    units: MemoryUnitOfWork
    table: MemoryOutboxTable
    use_case: DecideParked
    words: dict[str, ev.Event | Unknown]

    async def receive(self, *entries: Entry) -> None:
        await receive(entries, self.units, Policy())

    async def decide(self, decision: Decision, name: str) -> None:
        await self.use_case.decide(decision, name, uuid4())

    def outcomes(self):
        return {line.entry.id: line.outcome for line in self.units.memory.records}

    def feed(self):
        return [one.content for one in self.units.memory.feed_items]

    def check(self):
        """See that nothing is wrong, and that the journal alone gives all of it."""
        sent = {line.entry.id: line.entry for line in self.units.memory.records}
        check(read_memory(self.units), sent)
        check_the_journal_replays(read_memory(self.units), sent)


@pytest.fixture
def setup():
    units = MemoryUnitOfWork(clock=lambda: at(500))
    table, words = MemoryOutboxTable(units, SETTLE_AFTER), {}

    def read(parked: Entry) -> Entry:
        assert isinstance(parked.content, Unknown), "it is given unread"
        return evolve(parked, content=words.get(parked.id, Malformed("'bits' is missing")))

    setup = DecisionSetup(units, table, DecideParked(MemoryParkedItems(table), units, read), words)
    yield setup
    setup.check()


def malformed(name="torn", minutes=0):
    return entry(name, Malformed("'bits' is missing"), at(minutes))


async def test_a_message_that_is_understood_by_now_is_reacted_to(setup):
    """A parked message that is understood by now is reacted to in the present state, under its own name."""
    await setup.receive(malformed(), follows("f"))
    setup.words["torn"] = cheers("c", 200, "hello").content
    await setup.decide(Decision.RETRY, "torn")
    assert setup.feed()[1:] == [CheerAlert(MARGE.name, 200, "hello")]
    [planned] = setup.units.memory.effects.values()
    assert (planned.key, planned.effect) == ("torn:credit-cheer", CreditCheer(MARGE, 200, "hello"))
    assert [*setup.outcomes().values()] == [Outcome.RETRIED, Outcome.REACTED, Outcome.REACTED]
    command = setup.units.memory.records[-1].entry
    assert (command.source, command.type, command.body) == (
        EntrySource.HOST,
        "entry.retry",
        b'{"entryId": "torn"}',
    )


async def test_a_message_is_tried_again_under_its_own_policy(setup):
    """A retry has the policy under which the message came, so that nobody loses points by it."""
    off, all_on = Policy(features=frozenset()), Policy(alert_gift_recipients=True)
    for name, policy in (("early", off), ("late", all_on)):
        await receive([malformed(name)], setup.units, policy)
        setup.words[name] = cheers("c").content
        await setup.decide(Decision.RETRY, name)
        assert setup.units.memory.records[-1].policy == policy
    assert {key: one.is_skipped for key, one in setup.units.memory.effects.items()} == {
        "early:credit-cheer": True,
        "early:summon-ghost": True,
        "late:credit-cheer": False,
        "late:summon-ghost": False,
    }


async def test_a_message_is_tried_again_once(setup):
    """A message is tried again once, whatever Twitch repeats before and after."""
    await setup.receive(malformed())
    setup.words["torn"] = cheers("c").content
    await setup.decide(Decision.RETRY, "torn")
    await setup.receive(evolve(cheers("torn"), retry=3))
    for decision in Decision:
        with pytest.raises(NotFound, match="nothing of this name is parked"):
            await setup.decide(decision, "torn")
    assert len(setup.feed()) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (Malformed("'bits' is missing"), "it still cannot be understood: 'bits' is missing"),
        (Unknown(), "it can only be dismissed"),
        (ev.TapeStopped(), "no broadcast is currently live"),
    ],
)
async def test_a_message_that_fails_again_stays_parked(setup, content, reason):
    """The operator is told why, and nothing is left of it."""
    await setup.receive(malformed())
    setup.words["torn"] = content
    before = setup.units.memory
    with pytest.raises(Refused, match=reason):
        await setup.decide(Decision.RETRY, "torn")
    assert setup.units.memory is before


class Unwritable:
    """A unit of work whose database takes nothing of this kind."""

    async def record(self, *_):
        raise ValueError


async def test_a_message_that_cannot_be_written_says_so(setup):
    """A message that cannot be written says so, and stays parked."""
    await setup.receive(malformed())
    setup.words["torn"] = cheers("c").content
    with pytest.raises(Refused, match="it cannot be written: ValueError"):
        await evolve(setup.use_case, units=Unwritable()).decide(Decision.RETRY, "torn", uuid4())
    assert setup.outcomes() == {"torn": Outcome.PARKED}


async def test_a_message_that_is_dismissed_is_let_go(setup):
    """Nothing follows; that it was there, and why it was parked, stays in the journal."""
    await setup.receive(malformed())
    await setup.decide(Decision.DISMISS, "torn")
    assert [*setup.outcomes().values()] == [Outcome.DISMISSED, Outcome.REACTED]
    assert setup.units.memory.verdicts["torn"].remark == "'bits' is missing"
    assert setup.feed() == []


async def test_a_message_cannot_be_taken_as_done(setup):
    """Only what is done outside can."""
    await setup.receive(malformed())
    with pytest.raises(Refused, match="a message has no done: choose retry or dismiss"):
        await setup.decide(Decision.DONE, "torn")


async def test_a_night_that_has_ended_is_not_started_again(setup):
    """Its beginning, understood when all is over, is written down as a night that is over."""
    await setup.receive(malformed("begin", 0), offline(90))
    setup.words["begin"] = online("halloween", 0).content
    await setup.decide(Decision.RETRY, "begin")
    state = setup.units.memory.state
    assert state.timeline.live is None
    [night] = setup.units.memory.broadcasts.values()
    assert (night.started_at, night.ended_at) == (at(0), at(90))
    assert setup.feed() == []


async def test_what_is_older_than_the_settled_nights_is_refused(setup):
    """What it said can change nothing any more."""
    await setup.receive(malformed("begin", 0), online("later", 100), offline(200), online("latest", 300))
    await setup.receive(offline(400))
    setup.words["begin"] = online("halloween", 0).content
    with pytest.raises(Refused, match="the nights are settled until"):
        await setup.decide(Decision.RETRY, "begin")
    assert setup.outcomes()["begin"] is Outcome.PARKED


async def test_the_end_of_an_earlier_night_does_not_end_the_live_one(setup):
    """It happened before that began."""
    await setup.receive(online("first", 0), malformed("end", 60), online("second", 100))
    setup.words["end"] = offline(60).content
    await setup.decide(Decision.RETRY, "end")
    nights = [(night.started_at, night.ended_at) for night in setup.units.memory.broadcasts.values()]
    assert nights == [(at(0), at(60)), (at(100), None)]


async def test_news_of_our_own_can_be_read_again(setup):
    """A ghost that was paid and could not be shown can be read again from the journal."""
    user = {"id": "1", "login": "marge", "displayName": ""}
    body = json.dumps({"ghostId": "x", "user": user, "subject": "Bob", "url": "u"}).encode()
    news = Entry("ghost:x", EntrySource.RELAY, "ghost.paid", None, Malformed("it cannot be written"), body)
    await setup.receive(news)
    await setup.decide(Decision.RETRY, "ghost:x")
    assert setup.feed() == [GhostAlert("marge", "Bob", ("u",))]


async def test_an_effect_is_decided_by_its_key(setup):
    """An effect is decided by its key, as the rules for decisions say."""
    await setup.receive(cheers("c", 100, ""))
    outbox = setup.table.instance()
    [job] = await outbox.lease({"credit-cheer"}, 1)
    await outbox.settle(job, Settlement(EffectStatus.PARKED, "who knows"))
    await setup.decide(Decision.DONE, "c:credit-cheer")
    assert setup.table.rows["c:credit-cheer"].status is EffectStatus.DONE
    with pytest.raises(NotFound):
        await setup.decide(Decision.DONE, "c:credit-cheer")
