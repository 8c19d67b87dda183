"""What a try has found turns a light to one colour: the rules, without anything that is tried."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from showtime_core.domain.chat import ChatHealth
from showtime_core.domain.health import Health
from showtime_core.domain.preflight.links import (
    Finding,
    LinkState,
)
from showtime_core.domain.preflight.rules import (
    NO_SPACE,
    judge_challenge,
    judge_chat,
    judge_chat_subscriptions,
    judge_clock,
    judge_consent,
    judge_disk,
    judge_overlay,
    judge_token,
    throw_away,
)
from showtime_core.domain.show.queue import OverlayReport, Show
from showtime_core.domain.subscriptions import (
    AUTOMOD_SCOPE,
    CHAT_TYPES,
    ENABLED,
    MISSING,
    PENDING,
    EventSubSubscription,
    SubscriptionFinding,
    WantedSubscription,
    wanted_subscriptions,
)

NOW = datetime(2026, 10, 30, 20, tzinfo=UTC)
OURS = "https://goldenvcr.com/api/showtime/callback"
WANTED = wanted_subscriptions("953753877")
SECOND = timedelta(seconds=1)


def there(wanted: WantedSubscription, status: str = ENABLED, url: str = OURS) -> EventSubSubscription:
    return EventSubSubscription(wanted.type, wanted.type, wanted.version, wanted.condition, status, url)


def consent(*changed: EventSubSubscription, without: str = "", **how: object) -> Finding:
    """Tell what is found where all is there, but for what is changed or left out."""
    others = {each.type for each in changed} | {without}
    existing = [*changed, *(there(each) for each in WANTED if each.type not in others)]
    return judge_consent(WANTED, existing, OURS, how.pop("refused", ()), **how)  # type: ignore[arg-type]


def wanted(kind: str) -> WantedSubscription:
    return next(each for each in WANTED if each.type == kind)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (ENABLED, LinkState.OK),
        (PENDING, LinkState.FAILED),
        ("webhook_callback_verification_failed", LinkState.FAILED),
        ("a_word_of_tomorrow", LinkState.FAILED),
    ],
)
def test_a_callback_is_well_once_its_subscription_is_enabled(status: str, state: LinkState):
    """The callback is ok if Twitch has enabled the throw-away subscription, and in no other case."""
    assert judge_challenge(there(throw_away("953753877"), status)).state is state


def test_the_throw_away_subscription_is_none_that_the_show_wants():
    """The throw-away subscription is of a type that nothing else is subscribed to."""
    assert throw_away("1").type not in {each.type for each in wanted_subscriptions("1", with_chat=True)}
    assert throw_away("1").scopes == frozenset()


def test_a_consent_is_proven_by_what_is_enabled():
    """The consent is ok if each scope is needed by a subscription that is enabled."""
    assert consent() == Finding(LinkState.OK, "5 of 5 scopes")


def test_a_scope_that_nothing_proves_is_unknown():
    """A scope whose only subscription is missing is unknown, unless Twitch has refused it for the consent."""
    found = consent(without="channel.follow")
    assert (found.state, "moderator:read:followers" in found.said) == (LinkState.UNKNOWN, True)
    refused = [SubscriptionFinding("channel.follow", False, MISSING, "no", lacks_consent=True)]
    found = consent(without="channel.follow", refused=refused)
    assert (found.state, "moderator:read:followers" in found.said) == (LinkState.FAILED, True)


def test_a_consent_that_was_taken_back_is_red():
    """A subscription that was revoked for its consent makes the light red, if the show needs its scopes."""
    found = consent(there(wanted("channel.follow"), "authorization_revoked"))
    assert (found.state, "lacks moderator:read:followers" in found.said) == (LinkState.FAILED, True)
    found = consent(there(wanted("channel.ad_break.begin"), "authorization_revoked"))
    assert (found.state, "lacks channel:read:ads" in found.said) == (LinkState.WARNING, True)


def test_a_scope_that_another_proves_is_not_lacking():
    """A finding of a former check says nothing of a scope that another subscription proves by now."""
    refused = [SubscriptionFinding("channel.bits.use", True, MISSING, "no", lacks_consent=True)]
    assert consent(without="channel.bits.use", refused=refused).state is LinkState.OK


def test_subscriptions_of_others_prove_nothing():
    """What calls another URL was made for another application's server, and proves nothing of ours."""
    found = judge_consent(WANTED, [there(each, url="https://others.example") for each in WANTED], OURS, ())
    assert found.state is LinkState.UNKNOWN


@pytest.mark.parametrize(("automod", "state"), [(True, LinkState.OK), (False, LinkState.FAILED)])
def test_automod_needs_a_scope_of_its_own(automod, state):
    """Where AutoMod is asked about ghosts, its answer proves its scope, and its refusal the lack of it."""
    found = consent(automod=automod)
    assert found.state is state
    assert ("6 of 6" in found.said, AUTOMOD_SCOPE in found.said) == (automod, not automod)


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (0.0, LinkState.OK),
        (2.0, LinkState.OK),
        (-2.0, LinkState.OK),
        (2.1, LinkState.WARNING),
        (-30.0, LinkState.WARNING),
        (30.1, LinkState.FAILED),
        (-3600.0, LinkState.FAILED),
    ],
)
def test_a_clock_is_well_within_two_seconds(seconds: float, state: LinkState):
    """A clock is ok up to 2 s off Twitch, on either side, and wrong from 30 s on."""
    assert judge_clock(seconds * SECOND).state is state


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (None, LinkState.UNKNOWN),
        (NO_SPACE - 1, LinkState.FAILED),
        (NO_SPACE, LinkState.WARNING),
        (2 * 1024**3 - 1, LinkState.WARNING),
        (2 * 1024**3, LinkState.OK),
    ],
)
def test_a_disk_needs_room(free: int | None, state: LinkState):
    """A disk is ok from 2 GiB on, and red from below 256 MiB; one that cannot be seen is unknown."""
    assert judge_disk(free).state is state


@pytest.mark.parametrize(
    ("life", "state", "said"),
    [
        (timedelta(hours=3, minutes=58, seconds=9), LinkState.OK, "token good for 3 h 58 min"),
        (timedelta(seconds=61), LinkState.OK, "token good for 1 min"),
        (timedelta(seconds=60), LinkState.WARNING, "a token came, good for 60 s only"),
    ],
)
def test_a_token_must_last_longer_than_it_is_kept(life: timedelta, state: LinkState, said: str):
    """A token that is renewed before it could be used is not green."""
    found = judge_token(life)
    assert (found.state, found.said) == (state, said)


@pytest.mark.parametrize(
    ("chat", "state"),
    [
        (ChatHealth(NOW - timedelta(minutes=2), None), LinkState.OK),
        (ChatHealth(NOW - timedelta(minutes=4), None), LinkState.FAILED),
        (ChatHealth(NOW, "chat is not connected"), LinkState.FAILED),
        (None, LinkState.UNKNOWN),
    ],
)
def test_chat_is_well_if_its_reader_says_so(chat: ChatHealth | None, state: LinkState):
    """Chat is ok while its reader reports that it has joined; a report that is old proves nothing."""
    assert judge_chat(Health(NOW, chat=chat), "irc", "GoldenVCR").state is state


def test_chat_that_is_off_is_unknown():
    """Where chat is off, its light is not green."""
    found = judge_chat(Health(NOW, chat=ChatHealth(NOW, None)), "off", None)
    assert (found.state, found.said.startswith("off: ")) == (LinkState.UNKNOWN, True)


def test_chat_by_eventsub_needs_all_its_subscriptions():
    """Chat by EventSub is ok if all of its subscriptions are enabled; the missing ones are named."""
    of_chat = [each for each in wanted_subscriptions("1", with_chat=True) if each.type in CHAT_TYPES]
    assert judge_chat_subscriptions(of_chat, map(there, of_chat), OURS).state is LinkState.OK
    found = judge_chat_subscriptions(of_chat, map(there, of_chat[1:]), OURS)
    assert (found.state, of_chat[0].type in found.said) == (LinkState.FAILED, True)


def show(**reports: OverlayReport) -> Show:
    return evolve(Show(NOW), cursor=0, overlays=reports)


def test_an_overlay_is_well_if_it_paints():
    """The light is green if one overlay has proved within 3 s that it paints, whatever others do."""
    painting = OverlayReport(60, NOW, NOW - 2 * SECOND)
    frozen = OverlayReport(60, NOW, NOW - timedelta(minutes=1))
    gone = OverlayReport(60, NOW - 3 * SECOND, NOW - 3 * SECOND)
    assert judge_overlay(show(obs=painting, other=frozen)).state is LinkState.OK
    found = judge_overlay(show(obs=frozen))
    assert (found.state, found.said) == (LinkState.FAILED, "an overlay is connected, and does not paint")
    for nobody in (show(), show(obs=gone)):
        found = judge_overlay(nobody)
        assert (found.state, found.said) == (LinkState.FAILED, "no overlay is connected")


def test_a_show_without_an_overlay_is_off():
    """Before an overlay has an address, its light is neither green nor red."""
    assert judge_overlay(evolve(show(), cursor=None)).state is LinkState.UNKNOWN
