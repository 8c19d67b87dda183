"""The operator decides about what is parked: what follows from a message follows now, once, and replays."""

import json
from uuid import uuid4

import pytest
from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.alerts import CheerAlert, GhostAlert
from showtime_core.domain.journal import Entry, Malformed, Outcome, Source, Unknown
from showtime_core.domain.outbox import Settlement, Status
from showtime_core.domain.parked import Decision
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotFound, Refused
from showtime_core.testing.contracts.outbox import SETTLE_AFTER
from showtime_core.testing.entries import MARGE, at, cheers, follows, offline, online
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import recall
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.outbox import MemoryParking, Shelf
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.decide_parked import Desk
from showtime_core.use_cases.perform import read_news
from showtime_core.use_cases.receive import receive


@frozen
class Office:
    """A desk, and all that is decided at it; whoever reads may learn new words."""

    units: MemoryUnitOfWork
    shelf: Shelf
    desk: Desk
    words: dict[str, ev.Event | Unknown]

    async def receive(self, *entries: Entry) -> None:
        await receive(entries, self.units, Policy())

    async def take(self, decision: Decision, name: str) -> None:
        await self.desk.take(decision, name, uuid4())

    def outcomes(self):
        return {line.entry.id: line.outcome for line in self.units.memory.reacted}

    def shown(self):
        return [one.what for one in self.units.memory.shown]

    def check(self):
        """See that nothing is wrong, and that the journal alone gives all of it."""
        sent = {line.entry.id: line.entry for line in self.units.memory.reacted}
        check(recall(self.units), sent)
        check_the_journal_replays(recall(self.units), sent)


@pytest.fixture
def office():
    units = MemoryUnitOfWork(clock=lambda: at(500))
    shelf, words = Shelf(units, SETTLE_AFTER), {}

    def read(parked: Entry) -> Entry:
        assert isinstance(parked.content, Unknown), "it is given unread"
        return evolve(parked, content=words.get(parked.id, Malformed("'bits' is missing")))

    office = Office(units, shelf, Desk(MemoryParking(shelf), units, read), words)
    yield office
    office.check()


def torn(name="torn", minutes=0):
    return entry(name, Malformed("'bits' is missing"), at(minutes))


async def test_a_message_that_is_understood_by_now_is_reacted_to(office):
    """In the present state, under its own name, by a command in the journal."""
    await office.receive(torn(), follows("f"))
    office.words["torn"] = cheers("c", 200, "hello").content
    await office.take(Decision.RETRY, "torn")
    assert office.shown()[1:] == [CheerAlert(MARGE.name, 200, "hello")]
    [planned] = office.units.memory.effects.values()
    assert (planned.key, planned.effect) == ("torn:credit-cheer", CreditCheer(MARGE, 200, "hello"))
    assert [*office.outcomes().values()] == [Outcome.RETRIED, Outcome.REACTED, Outcome.REACTED]
    command = office.units.memory.reacted[-1].entry
    assert (command.source, command.type, command.body) == (
        Source.HOST,
        "entry.retry",
        b'{"entryId": "torn"}',
    )


async def test_a_message_is_tried_again_under_its_own_policy(office):
    """Whoever decides, and however the channel is set by then: nobody loses points by it."""
    off, all_on = Policy(features=frozenset()), Policy(alert_gift_recipients=True)
    for name, policy in (("early", off), ("late", all_on)):
        await receive([torn(name)], office.units, policy)
        office.words[name] = cheers("c").content
        await office.take(Decision.RETRY, name)
        assert office.units.memory.reacted[-1].policy == policy
    assert {key: one.skipped for key, one in office.units.memory.effects.items()} == {
        "early:credit-cheer": True,
        "early:summon-ghost": True,
        "late:credit-cheer": False,
        "late:summon-ghost": False,
    }


async def test_a_message_is_tried_again_once(office):
    """Twitch's own repetitions count for nothing, before and after."""
    await office.receive(torn())
    office.words["torn"] = cheers("c").content
    await office.take(Decision.RETRY, "torn")
    await office.receive(evolve(cheers("torn"), retry=3))
    for decision in Decision:
        with pytest.raises(NotFound, match="nothing of this name is parked"):
            await office.take(decision, "torn")
    assert len(office.shown()) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (Malformed("'bits' is missing"), "it still cannot be understood: 'bits' is missing"),
        (Unknown(), "it can only be dismissed"),
        (ev.TapeStopped(), "no broadcast is currently live"),
    ],
)
async def test_a_message_that_fails_again_stays_parked(office, content, reason):
    """The operator is told why, and nothing is left of it."""
    await office.receive(torn())
    office.words["torn"] = content
    before = office.units.memory
    with pytest.raises(Refused, match=reason):
        await office.take(Decision.RETRY, "torn")
    assert office.units.memory is before


class Unwritable:
    """A unit of work whose database takes nothing of this kind."""

    async def record(self, *_):
        raise ValueError


async def test_a_message_that_cannot_be_written_says_so(office):
    """It stays parked."""
    await office.receive(torn())
    office.words["torn"] = cheers("c").content
    with pytest.raises(Refused, match="it cannot be written: ValueError"):
        await evolve(office.desk, units=Unwritable()).take(Decision.RETRY, "torn", uuid4())
    assert office.outcomes() == {"torn": Outcome.PARKED}


async def test_a_message_that_is_dismissed_is_let_go(office):
    """Nothing follows; that it was there, and why it was parked, stays in the journal."""
    await office.receive(torn())
    await office.take(Decision.DISMISS, "torn")
    assert [*office.outcomes().values()] == [Outcome.DISMISSED, Outcome.REACTED]
    assert office.units.memory.verdicts["torn"].remark == "'bits' is missing"
    assert office.shown() == []


async def test_a_message_cannot_be_taken_as_done(office):
    """Only what is done outside can."""
    await office.receive(torn())
    with pytest.raises(Refused, match="a message has no done: choose retry or dismiss"):
        await office.take(Decision.DONE, "torn")


async def test_a_night_that_has_ended_is_not_started_again(office):
    """Its beginning, understood when all is over, is written down as a night that is over."""
    await office.receive(torn("begin", 0), offline(90))
    office.words["begin"] = online("halloween", 0).content
    await office.take(Decision.RETRY, "begin")
    state = office.units.memory.state
    assert state.timeline.live is None
    [night] = office.units.memory.broadcasts.values()
    assert (night.started_at, night.ended_at) == (at(0), at(90))
    assert office.shown() == []


async def test_what_is_older_than_the_settled_nights_is_refused(office):
    """What it said can change nothing any more."""
    await office.receive(torn("begin", 0), online("later", 100), offline(200), online("latest", 300))
    await office.receive(offline(400))
    office.words["begin"] = online("halloween", 0).content
    with pytest.raises(Refused, match="the nights are settled until"):
        await office.take(Decision.RETRY, "begin")
    assert office.outcomes()["begin"] is Outcome.PARKED


async def test_the_end_of_an_earlier_night_does_not_end_the_live_one(office):
    """It happened before that began."""
    await office.receive(online("first", 0), torn("end", 60), online("second", 100))
    office.words["end"] = offline(60).content
    await office.take(Decision.RETRY, "end")
    nights = [(night.started_at, night.ended_at) for night in office.units.memory.broadcasts.values()]
    assert nights == [(at(0), at(60)), (at(100), None)]


async def test_news_of_our_own_can_be_read_again(office):
    """A ghost that was paid, and could not be shown."""
    user = {"id": "1", "login": "marge", "displayName": ""}
    body = json.dumps({"ghostId": "x", "user": user, "subject": "Bob", "url": "u"}).encode()
    news = Entry("ghost:x", Source.RELAY, "ghost.paid", None, Malformed("it cannot be written"), body)
    await office.receive(news)
    await office.take(Decision.RETRY, "ghost:x")
    assert office.shown() == [GhostAlert("marge", "Bob", ("u",))]
    assert read_news(news).viewer.id == "1"


async def test_an_effect_is_decided_by_its_key(office):
    """As its rules say: see `domain.parked`."""
    await office.receive(cheers("c", 100, ""))
    outbox = office.shelf.instance()
    [job] = await outbox.lease({"credit-cheer"}, 1)
    await outbox.settle(job, Settlement(Status.PARKED, "who knows"))
    await office.take(Decision.DONE, "c:credit-cheer")
    assert office.shelf.rows["c:credit-cheer"].status is Status.DONE
    with pytest.raises(NotFound):
        await office.take(Decision.DONE, "c:credit-cheer")
