"""What an entry says in the feed of the night."""

import pytest

from showtime_core.domain import events as ev
from showtime_core.domain.alert_tests import ALERT_TESTS
from showtime_core.domain.events import HypeTrainPhase, ShowCommandName
from showtime_core.domain.journal import PRUNED, Outcome
from showtime_core.domain.night_feed.descriptions import describe, types_of
from showtime_core.domain.night_feed.rows import NightEntry, NightKind
from showtime_core.domain.own_entries import alert_test_entry, show_command_entry
from showtime_core.testing.entries import BOB, MARGE, at
from showtime_core.testing.strategies import entry

ONE = "11111111-1111-1111-1111-111111111111"


def said(content, outcome=Outcome.REACTED, remark=None):
    return describe(NightEntry(1, entry("e", content, at(0)), at(0), outcome, remark))


@pytest.mark.parametrize(
    ("content", "kind", "who", "what", "words"),
    [
        (ev.Follow(BOB, at(0)), "follow", BOB.name, "follow", None),
        (ev.Cheer(None, 1, "hi"), "bits", "Anonymous", "1 bit", "hi"),
        (ev.PowerUp(BOB, 2000, ""), "bits", BOB.name, "2,000 bits, a Power-up", ""),
        (ev.SubscriptionStart(BOB, "2000", False, at(0)), "sub", BOB.name, "new member, tier 2", None),
        (ev.SubscriptionStart(BOB, "1000", True, at(0)), "sub", BOB.name, "received a gift sub", None),
        (
            ev.Resubscription(BOB, "1000", 14, "still here"),
            "sub",
            BOB.name,
            "14 months",
            "still here",
        ),
        (ev.GiftedSubscriptions(None, "Prime", 1), "gift", "Anonymous", "1 gift sub, tier Prime", None),
        (ev.Raid(MARGE, 1), "raid", MARGE.name, "raid, 1 person", None),
        (ev.WatchStreak("m", BOB, "", "hey", streak=5), "streak", BOB.name, "5 nights in a row", "hey"),
        (
            ev.HypeTrainUpdate("t", HypeTrainPhase.BEGIN, 2),
            "train",
            None,
            "hype train begins at level 2",
            None,
        ),
        (ev.GhostPaid(BOB, "a moose", "https://x"), "ghost", BOB.name, "ghost", "a moose"),
        (ev.TapeStopped(), "tape", None, "tape out", None),
        (ev.ChannelUpdate("New <b>", "Retro"), "stream", None, "new title, Retro", "New <b>"),
        (ev.AdBreak(at(0), at(1.5), True), "stream", None, "ads, 90 s", None),
        (
            ev.SubscriptionRevoked("channel.follow", "user_removed", at(0)),
            "trouble",
            None,
            None,
            "user_removed",
        ),
    ],
)
def test_an_entry_is_described(content, kind, who, what, words):
    """Each kind of entry says who did what, in a few words, and what was typed."""
    told = said(content)
    assert (told.kind, told.who, told.words) == (kind, who, words)
    assert told.what == (what or "Twitch has revoked channel.follow")


@pytest.mark.parametrize(
    "content",
    [ev.SubscriptionEnd(BOB), ev.HypeTrainUpdate("t", HypeTrainPhase.PROGRESS, 2), ev.ChatCleared(), PRUNED],
)
def test_what_is_of_no_account_has_no_row(content):
    """What only moves a number, what belongs to chat and what nobody can read any more has no row."""
    assert said(content) is None


def test_what_is_parked_is_trouble():
    """An entry that is parked says so, whatever it tells of."""
    told = said(ev.Follow(BOB, at(0)), Outcome.PARKED, "the reaction failed")
    assert (told.kind, told.what, told.words) == (
        "trouble",
        "channel.follow is parked",
        "the reaction failed",
    )


@pytest.mark.parametrize("name", ShowCommandName)
def test_every_command_has_words(name):
    """Whatever the host commands has a row of its own kind, which its type is asked for by."""
    told = describe(NightEntry(1, show_command_entry(ev.ShowCommanded(ONE, name)), at(0), Outcome.REACTED))
    assert told.kind is NightKind.HOST
    assert told.what
    assert f"show.{name}" in types_of([NightKind.HOST])


@pytest.mark.parametrize("kind", ALERT_TESTS)
def test_every_test_is_of_its_kind(kind):
    """What is tried out stands among its kind, marked, and is asked for with every kind."""
    told = describe(NightEntry(1, alert_test_entry(ev.AlertTested(ONE, kind)), at(0), Outcome.REACTED))
    assert told.is_test
    assert told.kind is not NightKind.HOST
    assert "show.test" in types_of([told.kind])
