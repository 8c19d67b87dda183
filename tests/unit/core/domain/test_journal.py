"""What the journal admits as new, and what entries say of themselves."""

from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.journal import KnownEntries, Malformed, Unknown, admit
from showtime_core.domain.outbox import EffectStatus, PlannedEffect
from showtime_core.domain.points_and_ghosts.effects import CreditCheer
from showtime_core.testing.entries import MARGE, at, cheers, follows
from showtime_core.testing.strategies import entry

NOTHING = KnownEntries(ids=(), first_reports={})


def admitted(*entries, known=NOTHING):
    return admit(entries, ChannelState(), at(5), known)


def test_an_id_is_admitted_once():
    """Of one that is known nothing is new, nor of one that comes twice in a batch: the first counts."""
    first, again = cheers("m-1", bits=100), cheers("m-1", bits=5000)
    assert admitted(first, again, cheers("m-2"), known=KnownEntries({"m-2"}, {})).new_entries == (first,)


def test_a_fact_under_another_id_is_new_and_names_who_told_it_first():
    """Whether the journal knows it or this batch told it; two honest cheers are no fact twice told."""
    one, other = follows("f-1"), follows("f-2")
    assert one.dedup_key is not None
    within = admitted(one, other, cheers("c-1"), cheers("c-2"))
    assert [within.first_report(each) for each in within.new_entries] == [None, "f-1", None, None]
    before = admitted(other, known=KnownEntries((), {one.dedup_key: "f-1"}))
    assert before.first_report(other) == "f-1"


def test_an_entry_that_is_tried_again_does_not_repeat_itself():
    """The operator's command tells the fact of the entry that it is about."""
    follow = follows("f-1")
    assert isinstance(follow.content, ev.Follow)
    retried = entry("r-1", ev.EntryRetried("f-1", follow.content))
    assert retried.decided_id == "f-1"
    known = KnownEntries((), {str(follow.dedup_key): "f-1"}, frozenset({"f-1"}))
    assert admitted(retried, known=known).first_report(retried) is None


def test_an_entry_happened_when_it_says_or_when_the_database_says():
    """A command has no time of its own."""
    cheer = cheers("c-1")
    admission = admitted(cheer)
    assert admission.time_of(cheer) == cheer.sent_at
    assert admission.time_of(evolve(cheer, sent_at=None)) == at(5)


def test_what_is_not_understood_tells_no_fact():
    """Nobody can say whether it was told before."""
    for content in (Unknown(), Malformed("torn")):
        assert evolve(follows("f-1"), content=content).dedup_key is None


def test_an_effect_begins_due_unless_it_waits_or_is_off():
    """Off goes first: what is skipped waits for nothing."""
    due = PlannedEffect("m-1:credit-cheer", "m-1", CreditCheer(MARGE, 100, ""))
    assert due.status is EffectStatus.DUE
    assert evolve(due, after="m-0:credit-cheer").status is EffectStatus.WAITING
    assert evolve(due, after="m-0:credit-cheer", is_skipped=True).status is EffectStatus.SKIPPED
