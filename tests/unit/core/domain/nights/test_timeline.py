"""The timeline of a night: what happened when, each thing once."""

from datetime import timedelta
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given

from showtime_core.domain import events as ev
from showtime_core.domain.journal import PRUNED, Entry, JournalRecord, Malformed, Outcome
from showtime_core.domain.nights.recorded import RecordedGhost, RecordedNight
from showtime_core.domain.nights.timeline import Giver, Moment, MomentKind, NightFigures, night_timeline
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import BOB, LARRY, MARGE, REWIND, at, offline, online
from showtime_core.testing.strategies import entry
from support.looked_back import EVENINGS, one_played, played


def said(name: str, content: ev.Event, minutes: float) -> Entry:
    return entry(name, content, at(minutes))


CROWD = [
    said("f1", ev.Follow(MARGE, at(5)), 5),
    said("f1 again", ev.Follow(MARGE, at(5)), 5.1),
    said("c1", ev.Cheer(LARRY, 200, "keep it"), 10),
    said("c2", ev.PowerUp(LARRY, 30, ""), 11),
    said("c3", ev.Cheer(None, 500, "guess who"), 12),
    said("s1", ev.SubscriptionStart(BOB, "1000", is_gift=False, sent_at=at(14)), 14),
    said("s1 shared", ev.Resubscription(BOB, "1000", 1, "hello", at(15)), 15),
    said("s2", ev.Resubscription(REWIND, "2000", 14, "still here", at(16)), 16),
    said("g1", ev.GiftedSubscriptions(MARGE, "1000", 2), 18),
    said("g1 a", ev.SubscriptionStart(REWIND, "1000", is_gift=True, sent_at=at(18)), 18),
    said("h1", ev.HypeTrainUpdate("t", ev.HypeTrainPhase.BEGIN, 1, started_at=at(19)), 19.1),
    said("h2", ev.HypeTrainUpdate("t", ev.HypeTrainPhase.PROGRESS, 3, started_at=at(19)), 20),
    said("h3", ev.HypeTrainUpdate("t", ev.HypeTrainPhase.END, 3, started_at=at(19)), 22),
    said("r1", ev.Raid(BOB, 80), 30),
    said("a1", ev.AdBreak(at(32), at(33.5), is_automatic=True), 32),
    said("ghost:1", ev.GhostPaid(LARRY, "a walrus", "https://g.example.com/1.jpg"), 35),
]


async def test_each_thing_is_told_once():
    """What Twitch tells twice, or in several messages, is one moment: follows, payments, trains, gifts."""
    night = await one_played([online("41", 0), *CROWD, offline(60)])
    told = [(one.kind.value, one.at, one.username, one.number) for one in night.moments]
    assert told == [
        ("follow", at(5), "Marge_on_Mute", 0),
        ("bits", at(10), "レーザーラリー", 200),
        ("bits", at(11), "レーザーラリー", 30),
        ("bits", at(12), "Anonymous", 500),
        ("sub", at(14), "BetamaxBob", 1),
        ("sub", at(16), "be_kind_rewind", 14),
        ("gift", at(18), "Marge_on_Mute", 2),
        ("hype-train", at(19), "", 3),
        ("raid", at(30), "BetamaxBob", 80),
        ("ad-break", at(32), "", 0),
        ("ghost", at(35), "レーザーラリー", 0),
    ]
    untils = {one.kind: one.until for one in night.moments if one.until}
    assert untils == {MomentKind.HYPE_TRAIN: at(22), MomentKind.AD_BREAK: at(33.5)}
    assert (night.loudest, night.kindest) == (Giver("レーザーラリー", 230), Giver("Marge_on_Mute", 2))
    assert night.unknown == ()


async def test_a_night_is_counted():
    """The figures of a night add up what its moments tell; an anonymous viewer is nobody in particular."""
    entries = [
        online("41", 0),
        *CROWD,
        offline(40, "41"),
        online("42", 45),
        offline(60, "42"),
    ]
    night = await one_played(entries, [(1, 31), (20, 80)])
    assert night.figures == NightFigures(
        seconds=3600,
        tapes=2,
        ghosts=1,
        drop_outs=1,
        follows=1,
        bits=730,
        subs=2,
        gift_subs=2,
        raids=1,
        raiders=80,
        viewers=4,
    )
    assert [(on.tape_id, on.started_at, on.ended_at) for on in night.screenings] == [
        (31, at(1), at(20)),
        (80, at(20), at(60)),
    ]


async def test_what_happened_on_another_night_is_not_told():
    """A moment belongs to the night in whose time it was; what was in no night's time belongs to none."""
    before, after = said("f0", ev.Follow(MARGE, at(-5)), -5), said("f9", ev.Follow(BOB, at(70)), 70)
    late = said("f2", ev.Follow(LARRY, at(59)), 59)
    entries = [before, online("41", 0), offline(60), late, after, online("42", 90)]
    second, first = await played(entries)
    assert [one.username for one in first.moments] == ["レーザーラリー"]
    assert second.moments == ()


async def test_a_night_on_the_air_is_told_until_now():
    """A night that is under way has a timeline too: until now, with the last recording open."""
    night = await one_played([online("41", 0), *CROWD], [(1, 31)])
    assert (night.ended_at, night.until, night.figures.seconds) == (None, at(35), 35 * 60)
    assert (night.recordings[-1].ended_at, night.screenings[-1].ended_at) == (None, None)


async def test_what_is_parked_is_said_to_be_missing():
    """A message that nobody can read is not counted, and the timeline says that something is parked."""
    bad = evolve(CROWD[0], content=Malformed("nobody can read it"))
    night = await one_played([online("41", 0), bad])
    assert night.moments == ()
    assert night.unknown == ("1 entries around this night are parked: what they tell is not in here.",)


GHOST = RecordedGhost(UUID(int=1), "4201", "Marge_on_Mute", "a fax machine", at(20))
OLD = RecordedNight(7, at(0), at(90), "", at(500), ghosts=(GHOST, evolve(GHOST, id=UUID(int=2), username="")))


def test_a_night_of_the_predecessor_is_told_as_far_as_it_is_known():
    """Of a night without a journal ghosts and tapes are told; what is not known is said, and is no zero."""
    night = night_timeline(OLD)
    assert night.moments == (
        Moment(MomentKind.GHOST, at(20), "Marge_on_Mute", words="a fax machine", viewer_id="4201"),
        Moment(MomentKind.GHOST, at(20), "User 4201", words="a fax machine", viewer_id="4201"),
    )
    assert night.figures == NightFigures(5400, 0, 2)
    assert (night.figures.follows, night.figures.bits, night.figures.viewers) == (None, None, None)
    assert night.unknown == (
        "The journal has nothing of this night: only its tapes and their ghosts are known.",
    )


def test_a_journal_that_begins_during_a_night_says_so():
    """Of a night that was on the air when the journal began, it is said since when it is known."""
    follow = JournalRecord(said("f", ev.Follow(MARGE, at(50)), 50), at(50), Policy(), Outcome.REACTED)
    night = night_timeline(evolve(OLD, entries=(follow,), journal_since=at(45)))
    assert night.figures.follows == 1
    [unknown] = night.unknown
    assert unknown.startswith("The journal begins at 2026-10-30T20:45:00Z: of the time before, only tapes")


def test_what_was_pruned_is_said_to_be_missing():
    """Bodies that were pruned are counted, and nothing is guessed from them."""
    pruned = evolve(said("f", ev.Follow(MARGE, at(50)), 50), content=PRUNED)
    night = night_timeline(
        evolve(
            OLD, entries=(JournalRecord(pruned, at(50), Policy(), Outcome.REACTED),), journal_since=at(-99)
        )
    )
    assert (night.figures.follows, night.figures.ghosts) == (None, 2)
    assert night.unknown == (
        "The bodies of 1 messages were pruned for their age: what they told is not in here.",
    )


def test_a_ghost_is_paid_within_its_night():
    """A ghost that was paid after the end of its night stands at the end."""
    [late, _] = night_timeline(
        evolve(OLD, ghosts=(evolve(GHOST, paid_at=at(95)), evolve(GHOST, id=UUID(int=2), paid_at=at(96))))
    ).moments
    assert late.at == at(90)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.REACTED, Outcome.RETRIED}))
def test_only_what_was_reacted_to_is_told(outcome):
    """What was told before, is parked, dismissed or not understood is not on the timeline."""
    follow = JournalRecord(said("f", ev.Follow(MARGE, at(50)), 50), at(50), Policy(), outcome)
    retried = evolve(follow, outcome=Outcome.RETRIED)
    known = evolve(OLD, ghosts=(), journal_since=at(-99))
    assert night_timeline(evolve(known, entries=(follow,))).moments == ()
    assert len(night_timeline(evolve(known, entries=(retried,))).moments) == 1


@given(evening=EVENINGS)
async def test_moments_lie_within_their_night_and_agree_with_the_alerts(evening):
    """Whatever comes in whatever order, each moment lies within its night, in order, and figures add up."""
    for night in await played(evening):
        times = [one.at for one in night.moments]
        assert times == sorted(times)
        assert all(night.started_at <= time <= night.until for time in times)
        bits = sum(one.number for one in night.moments if one.kind is MomentKind.BITS)
        # None, where all that is known of a night was told long after it.
        assert (night.figures.bits or 0) == bits
        assert night.until >= night.started_at + timedelta(seconds=night.figures.seconds)
