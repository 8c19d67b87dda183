"""The table of what follows from what happens, row by row."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given

from showtime_core.domain import events as ev
from showtime_core.domain.alerts import (
    CheerAlert,
    FollowAlert,
    GhostAlert,
    GiftSubAlert,
    HypeTrainAlert,
    RaidAlert,
    SubscribeAlert,
    WatchStreakAlert,
)
from showtime_core.domain.broadcasts.broadcast import ChannelState, HypeTrainProgress, Revocation, snapshot_of
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    Feature,
    SummonGhost,
    effect_key,
    effect_lane,
    required_features,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import Denial
from showtime_core.domain.points_and_ghosts.ghosts import GhostRequest, GhostTask
from showtime_core.domain.reactions import Policy, Reaction, ViewerUpdate, react
from showtime_core.errors import LimitReached, Refused
from showtime_core.testing import strategies as some
from showtime_core.testing.entries import BOB, MARGE, TRACKING, at

EMPTY = ChannelState()
TAPE = UUID(int=1984)


def reaction(event, state=EMPTY, policy=Policy()):  # noqa: B008 - frozen
    return react(event, state, at(0), policy)


def live():
    return reaction(ev.StreamOnline("a", "live", at(0), at(1))).state


def test_what_is_tried_again_is_reacted_to_as_it_was():
    """A retried entry has the reaction of what it retries: at the same time, under the same policy."""
    cheer = ev.Cheer(MARGE, 200, "ghost of Bob")
    denial = Denial("too many", "viewer")
    gift = ev.SubscriptionStart(MARGE, "1000", is_gift=True, sent_at=at(1))
    policy = Policy(alert_gift_recipients=True)
    for event in (cheer, gift, ev.TapeStarted(TAPE, 7)):
        first = react(event, live(), at(5), policy, denial)
        assert react(ev.EntryRetried("m-1", event), live(), at(5), policy, denial) == first


# --- the stream --------------------------------------------------------------------------------------


def test_a_stream_that_is_live_begins_a_broadcast():
    """A broadcast begins at the stream's start, numbered after the last."""
    after = reaction(ev.StreamOnline("a", "live", at(0), at(1)), evolve(EMPTY, last_broadcast_id=7))
    assert (after.state.timeline.live.id, after.state.timeline.live.started_at) == (8, at(0))
    assert after.state.last_broadcast_id == 8
    assert not after.alerts


@pytest.mark.parametrize("sort", ["rerun", "premiere", "watch_party", "playlist", ""])
def test_a_stream_of_another_kind_is_no_broadcast(sort):
    """Reruns are not hosted; the operator is told."""
    after = reaction(ev.StreamOnline("a", sort, at(0), at(1)))
    assert after == Reaction(EMPTY, remark=f"a stream of kind {sort} is no broadcast")


def test_a_stream_that_is_listed_as_live_begins_a_broadcast_unless_it_is_known():
    """What Twitch's API shows stands for a message that was lost, and the operator is told which it was."""
    found = ev.StreamFound("a", at(0), at(9))
    after = reaction(found)
    assert after.state.timeline.live.started_at == at(0)
    assert after.remark == "the stream was listed as live: the message of its beginning was lost"
    assert reaction(found, live()) == Reaction(live(), remark="the stream was listed as live, as is known")


def test_an_offline_ends_the_broadcast():
    """An offline ends the broadcast by Twitch's clock."""
    after = reaction(ev.StreamOffline(at(90)), live())
    assert after.state.timeline.nights[0].ended_at == at(90)
    assert after.remark is None


def test_an_offline_while_nothing_is_live_is_remembered_with_a_remark():
    """Its online may come late."""
    after = reaction(ev.StreamOffline(at(90)))
    assert after.remark == "the stream ended, but no broadcast was live"
    late = reaction(ev.StreamOnline("a", "live", at(0), at(91)), after.state)
    assert late.state.timeline.nights[0].ended_at == at(90)


@pytest.mark.parametrize(
    ("ended", "remark"),
    [
        ("b", None),
        (None, None),
        ("a", "a ended, an earlier stream: the broadcast goes on with b"),
        ("x", "x ended, a stream whose beginning is not known: the broadcast goes on with b"),
    ],
)
def test_only_the_end_of_the_stream_on_the_air_ends_the_broadcast(ended, remark):
    """Why another end ends nothing is said to the operator."""
    on = reaction(ev.StreamOnline("b", "live", at(60), at(60)), live()).state
    after = reaction(ev.StreamOffline(at(90), ended), on)
    assert after.remark == remark
    assert bool(after.state.timeline.live) == bool(remark)


def test_the_title_and_category_are_remembered():
    """Title and category are remembered for the console."""
    after = reaction(ev.ChannelUpdate("Ghosts on tape", "Retro")).state
    assert (after.title, after.category) == ("Ghosts on tape", "Retro")


# --- viewers -----------------------------------------------------------------------------------------


def test_a_follower_is_remembered_and_shown():
    """A follower is remembered, and shown under the name that people see."""
    assert reaction(ev.Follow(TRACKING, at(3))) == Reaction(
        EMPTY, (ViewerUpdate(TRACKING, followed_at=at(3)),), (FollowAlert("tracking_error"),)
    )


def test_a_raid_is_shown():
    """A raid is shown, and nothing else follows."""
    assert reaction(ev.Raid(BOB, 300)) == Reaction(EMPTY, alerts=(RaidAlert("BetamaxBob", 300),))


def test_a_cheer_is_credited_and_shown():
    """A cheer is shown, and credited with one point for a bit."""
    assert reaction(ev.Cheer(MARGE, 150, "play it again")) == Reaction(
        EMPTY,
        alerts=(CheerAlert("Marge_on_Mute", 150, "play it again"),),
        credit=CreditCheer(MARGE, 150, "play it again"),
    )


@pytest.mark.parametrize(("bits", "is_enough"), [(199, False), (200, True), (201, True), (5000, True)])
def test_a_cheer_of_200_bits_or_more_may_ask_for_a_ghost(bits, is_enough):
    """Exactly 200 was asked once; whoever gives more must not get less."""
    after = reaction(ev.Cheer(MARGE, bits, "ghost of Vincent Price"))
    assert after.credit == CreditCheer(MARGE, bits, "ghost of Vincent Price")
    assert after.ghost_request == (GhostRequest(MARGE, "Vincent Price", None) if is_enough else None)


def test_an_anonymous_cheer_is_shown_and_nothing_else():
    """Nobody is credited, and nobody's ghost appears."""
    assert reaction(ev.Cheer(None, 500, "ghost of nobody")) == Reaction(
        EMPTY, alerts=(CheerAlert("Anonymous", 500, "ghost of nobody"),)
    )


@pytest.mark.parametrize(("tier", "times"), [("1000", 1), ("2000", 2), ("3000", 5)])
def test_a_subscription_is_remembered_credited_and_shown(tier, times):
    """A subscription earns six hundred points a month, times the tier."""
    assert reaction(ev.SubscriptionStart(MARGE, tier, is_gift=False, sent_at=at(4))) == Reaction(
        EMPTY,
        (ViewerUpdate(MARGE, subscribed_at=at(4)),),
        (SubscribeAlert("Marge_on_Mute", is_gift=False, num_cumulative_months=1, message=""),),
        CreditSubscription(MARGE, 600, times, is_initial=True, is_gift=False, message=""),
    )


@pytest.mark.parametrize("is_wanted", [False, True])
def test_a_gifts_recipient_is_credited_and_shown_only_if_wanted(is_wanted):
    """Fifty alerts of ten seconds would bury the show: the giver's stands for all."""
    policy = Policy(alert_gift_recipients=is_wanted)
    after = reaction(ev.SubscriptionStart(BOB, "1000", is_gift=True, sent_at=at(4)), policy=policy)
    alert = SubscribeAlert("BetamaxBob", is_gift=True, num_cumulative_months=1, message="")
    assert after.viewer_updates == (ViewerUpdate(BOB, subscribed_at=at(4)),)
    assert after.alerts == ((alert,) if is_wanted else ())
    assert after.credit == CreditSubscription(BOB, 600, 1, is_initial=True, is_gift=True, message="")


def test_a_resubscription_is_credited_with_its_message_and_shown_with_its_months():
    """The viewer is met, but this is not when the subscription began."""
    assert reaction(ev.Resubscription(MARGE, "3000", 24, "two years of tapes")) == Reaction(
        EMPTY,
        (ViewerUpdate(MARGE),),
        (
            SubscribeAlert(
                "Marge_on_Mute", is_gift=False, num_cumulative_months=24, message="two years of tapes"
            ),
        ),
        CreditSubscription(MARGE, 600, 5, is_initial=False, is_gift=False, message="two years of tapes"),
    )


def test_a_gift_credits_its_giver_for_each_and_shows_one_alert():
    """A gift earns its giver 200 points for each subscription, times the tier, and one alert."""
    assert reaction(ev.GiftedSubscriptions(MARGE, "2000", 50)) == Reaction(
        EMPTY,
        alerts=(GiftSubAlert("Marge_on_Mute", 50),),
        credit=CreditGiftSubs(MARGE, 200, 2, 50),
    )


def test_an_anonymous_gift_is_shown_and_nothing_else():
    """The giver has no name, and the gift is shown all the same."""
    assert reaction(ev.GiftedSubscriptions(None, "1000", 5)) == Reaction(
        EMPTY, alerts=(GiftSubAlert("Anonymous", 5),)
    )


@pytest.mark.parametrize(
    "event",
    [
        ev.SubscriptionStart(MARGE, "4000", is_gift=False, sent_at=at(0)),
        ev.Resubscription(MARGE, "4000", 2, ""),
        ev.GiftedSubscriptions(MARGE, "4000", 2),
        ev.GiftedSubscriptions(None, "4000", 2),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_unknown_tier_is_shown_reported_and_credited_nothing(event):
    """The viewer must not suffer on the screen for what we do not know."""
    after = reaction(event)
    assert len(after.alerts) == 1
    assert after.credit is None
    assert after.remark == "tier '4000' is not known: nothing was credited"


@pytest.mark.parametrize("phase", ev.HypeTrainPhase)
def test_a_hype_train_is_shown_when_it_begins_and_ends(phase):
    """A hype train is shown with its level when it begins and ends, and with nothing in between."""
    shown = () if phase is ev.HypeTrainPhase.PROGRESS else (HypeTrainAlert(4),)
    assert reaction(ev.HypeTrainUpdate("choo", phase, 4)).alerts == shown


BEGIN, PROGRESS, END = ev.HypeTrainPhase


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_hype_train_goes_on_in_whatever_order_it_is_told(order):
    """The furthest that a hype train came is remembered, and that it is over, in any order."""
    told = [
        ev.HypeTrainUpdate("choo", BEGIN, 1, 137, 500),
        ev.HypeTrainUpdate("choo", PROGRESS, 1, 480, 500),
        ev.HypeTrainUpdate("choo", PROGRESS, 2, 30, 800),
        ev.HypeTrainUpdate("choo", END, 2),
    ]
    state = EMPTY
    for place in order:
        state = react(told[place], state, at(0), Policy()).state
        if 3 not in order[: order.index(place) + 1]:
            so_far = [told[each] for each in order[: order.index(place) + 1]]
            furthest = max(so_far, key=lambda event: (event.level, event.progress))
            assert state.hype_train == HypeTrainProgress(
                "choo", furthest.level, furthest.progress, furthest.goal
            )
    assert state.hype_train == HypeTrainProgress("choo", 2, 0, 0, is_over=True)


def test_another_hype_train_takes_the_place_of_the_last():
    """Another hype train takes the place of the last, however far that one came."""
    state = react(ev.HypeTrainUpdate("choo", END, 5), EMPTY, at(0), Policy()).state
    state = react(ev.HypeTrainUpdate("chug", BEGIN, 1, 10, 500), state, at(90), Policy()).state
    assert state.hype_train == HypeTrainProgress("chug", 1, 10, 500)


@pytest.mark.parametrize("late", [BEGIN, PROGRESS, END])
def test_what_is_told_late_of_an_earlier_hype_train_changes_nothing(late):
    """The hype train that began last stays, whatever is told of an earlier one, which has its alert still."""
    state = react(ev.HypeTrainUpdate("chug", BEGIN, 1, 10, 500, at(90)), EMPTY, at(90), Policy()).state
    after = react(ev.HypeTrainUpdate("choo", late, 5, 20, 900, at(0)), state, at(91), Policy())
    assert after.state == state
    assert after.alerts == (() if late is PROGRESS else (HypeTrainAlert(5),))
    later = react(ev.HypeTrainUpdate("chuff", late, 1, started_at=at(95)), state, at(96), Policy()).state
    assert later.hype_train == HypeTrainProgress("chuff", 1, 0, 0, late is END, at(95))


@pytest.mark.parametrize(("known", "told"), [(None, 0), (90, None), (90, 90)])
def test_of_hype_trains_that_do_not_say_which_began_first_the_last_one_told_stays(known, told):
    """Where a beginning is missing, or two are the same, the order of arrival decides."""
    known, told = (None if each is None else at(each) for each in (known, told))
    state = react(ev.HypeTrainUpdate("choo", BEGIN, 5, started_at=known), EMPTY, at(0), Policy()).state
    state = react(ev.HypeTrainUpdate("chug", BEGIN, 1, started_at=told), state, at(1), Policy()).state
    assert state.hype_train == HypeTrainProgress("chug", 1, 0, 0, started_at=told)


@pytest.mark.parametrize(
    "event",
    [
        ev.SubscriptionEnd(MARGE),
        ev.Redemption("r", MARGE),
        ev.ChatMessageSent("m", MARGE, "", "be kind"),
        ev.ChatMessageDeleted("m"),
        ev.ChatUserSilenced(MARGE.id),
        ev.ChatCleared(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_some_events_are_recorded_and_nothing_else(event):
    """Nothing follows from them."""
    assert reaction(event) == Reaction(EMPTY)


# --- ours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stream.online", "stream.offline"])
def test_a_revocation_has_no_effect_on_the_broadcast(kind):
    """It is remembered for the status, the newest of each type, and starts and ends nothing."""
    for state in (EMPTY, live()):
        once = reaction(ev.SubscriptionRevoked(kind, "user_removed", at(5)), state).state
        twice = reaction(ev.SubscriptionRevoked(kind, "moon_phase", at(6)), once).state
        assert twice.timeline == state.timeline
        assert twice.revocations == (Revocation(kind, "moon_phase", at(6)),)


def test_the_host_puts_a_tape_on_and_takes_it_off():
    """A tape command takes effect at the database's time, since it has no time of its own."""
    on = reaction(ev.TapeStarted(TAPE, 31), live()).state
    assert snapshot_of(on).screening_tape_id == 31
    assert snapshot_of(on).screening_started_at == at(0)
    assert snapshot_of(reaction(ev.TapeStopped(), on).state).screening_tape_id is None


@pytest.mark.parametrize("command", [ev.TapeStarted(TAPE, 31), ev.TapeStopped()])
def test_the_host_is_refused_while_nothing_is_live(command):
    """There is nothing to put a tape on."""
    with pytest.raises(Refused):
        reaction(command)


def test_a_viewer_asks_for_a_ghost_without_a_cheer():
    """It is paid with what the viewer has, and belongs to the tape that is on."""
    on = reaction(ev.TapeStarted(TAPE, 31), live()).state
    request = ev.GhostRequested(MARGE, "Vincent Price")
    assert reaction(request, on) == Reaction(on, ghost_request=GhostRequest(MARGE, "Vincent Price", TAPE))
    off = reaction(ev.StreamOffline(at(90)), on).state
    assert reaction(request, off).ghost_request == GhostRequest(MARGE, "Vincent Price", None), (
        "the broadcast is over"
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Cheer200 ghost of Vincent Price", "Cheer200"),
        ("boo!  GHOST OF Bob, the ghost of Larry", "boo!"),
        ("ghost of Bob", ""),
    ],
)
def test_a_cheer_whose_ghost_is_not_made_is_shown_without_it(message, shown):
    """Its points are credited with all that was written, and the operator is told why there is no ghost."""
    cheer = ev.Cheer(MARGE, 200, message)
    told = react(cheer, EMPTY, at(0), Policy(), Denial("too many"))
    assert told.alerts == (CheerAlert(MARGE.name, 200, shown),)
    assert told.credit == CreditCheer(MARGE, 200, message)
    assert (told.denial, told.remark) == (Denial("too many"), "no ghost: too many")


def test_a_request_for_a_ghost_that_is_not_made_is_refused():
    """With the words for the viewer, which limit it is, and how long it lasts."""
    denial = Denial("too many", "day", timedelta(hours=3))
    with pytest.raises(LimitReached, match="too many") as refused:
        react(ev.GhostRequested(MARGE, "Bob"), EMPTY, at(0), Policy(), denial)
    assert (refused.value.limit, refused.value.retry_after) == ("day", timedelta(hours=3))


def test_a_ghost_is_shown_once_it_is_paid():
    """A paid ghost is shown under the viewer's name, with the bare subject."""
    paid = ev.GhostPaid(TRACKING, "Vincent Price", "https://ghosts.example/1.jpg")
    alert = GhostAlert("tracking_error", "Vincent Price", ("https://ghosts.example/1.jpg",))
    assert reaction(paid) == Reaction(EMPTY, alerts=(alert,))


# --- effects -----------------------------------------------------------------------------------------

GHOST = UUID(int=1313)
CREDITS = (
    CreditCheer(MARGE, 100, ""),
    CreditSubscription(MARGE, 600, 1, is_initial=True, is_gift=False, message=""),
    CreditGiftSubs(MARGE, 200, 1, 5),
)
GHOSTLY = (
    SummonGhost(GHOST, MARGE, "Bela Lugosi", None),
    *(AdvanceGhost(GHOST, MARGE, t) for t in GhostTask),
)


def test_every_effect_has_a_key_of_its_own():
    """Every effect has a key of its own, so that no entry is credited and no step taken twice."""
    assert len({effect_key("message", effect) for effect in (*CREDITS, *GHOSTLY)}) == len(CREDITS + GHOSTLY)


def test_the_ledger_calls_of_a_viewer_share_a_lane():
    """Only the ledger calls of a viewer share a lane, so that painting never delays a credit."""
    outside = {GhostTask.PAINT, GhostTask.STORE, GhostTask.SHOW, GhostTask.POST}
    for effect in (*CREDITS, *GHOSTLY):
        is_outside = isinstance(effect, AdvanceGhost) and effect.task in outside
        assert effect_lane(effect) == (None if is_outside else MARGE.id)


def test_a_ghost_needs_points():
    """It is paid with them."""
    assert {required_features(credit) for credit in CREDITS} == {frozenset({Feature.POINTS})}
    assert {required_features(effect) for effect in GHOSTLY} == {frozenset(Feature)}


# --- of all ------------------------------------------------------------------------------------------


@given(event=some.messages(), policy=some.policies())
def test_every_message_has_a_reaction(event, policy):
    """Each message has one reaction, always the same, and only known viewers get points or ghosts."""
    first, second = reaction(event, policy=policy), reaction(event, policy=policy)
    assert first == second
    assert first.ghost_request is None or first.credit
    if first.credit:
        assert first.credit.viewer == event.viewer


@given(event=some.messages(), policy=some.policies())
def test_a_reaction_does_not_depend_on_what_is_performed(event, policy):
    """What is off is planned all the same, and skipped elsewhere."""
    assert reaction(event, policy=policy) == reaction(event, policy=evolve(policy, features=frozenset()))


@pytest.mark.parametrize("bits", [1, 199, 200, 1000])
def test_a_power_up_is_credited_and_shown_as_a_cheer_is(bits):
    """Bits are bits: what follows from a Power-up is what follows from a cheer, and its alert says so."""
    for viewer in (MARGE, None):
        said = (viewer, bits, "ghost of a fax machine")
        cheer, power_up = (react(kind(*said), EMPTY, at(0), Policy()) for kind in (ev.Cheer, ev.PowerUp))
        [alert], [shown] = cheer.alerts, power_up.alerts
        assert (alert.power_up, shown.power_up) == (None, True)
        assert evolve(power_up, alerts=(evolve(shown, power_up=None),)) == cheer


def test_the_latest_ad_break_is_known():
    """An ad break is kept until one begins that is no earlier; nothing is shown of it."""
    first, second = (ev.AdBreak(at(minute), at(minute + 1), is_automatic=False) for minute in (1, 2))
    for told in ((first, second), (second, first), (second, second)):
        state = EMPTY
        for each in told:
            reaction = react(each, state, at(0), Policy())
            assert (reaction.alerts, reaction.credit) == ((), None)
            state = reaction.state
        assert state.ad_break == second


def test_a_watch_streak_is_shown():
    """A watch streak has an alert of its own, with what was written, and nothing besides."""
    reaction = react(ev.WatchStreak("s", MARGE, "", "seven tapes", streak=7), EMPTY, at(0), Policy())
    assert reaction == Reaction(EMPTY, alerts=(WatchStreakAlert(MARGE.name, 7, "seven tapes"),))
