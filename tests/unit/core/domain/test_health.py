"""People are told how it stands in one sentence, and all instances tell the same."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.broadcasts.broadcast import ChannelState, Revocation
from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.chat import ChatHealth, ChatSource
from showtime_core.domain.health import Health, TwitchHealth, assess, is_check_due, open_revocations
from showtime_core.domain.subscriptions import ENABLED, MISSING, PENDING, SubscriptionFinding
from showtime_core.testing.entries import at

WELL = tuple(
    SubscriptionFinding(kind, is_optional=False, status=ENABLED)
    for kind in ("stream.online", "channel.follow")
)
TRAIN = SubscriptionFinding(
    "channel.hype_train.begin", is_optional=True, status=MISSING, problem="no consent"
)
CHECKED = TwitchHealth(at(0), (*WELL, TRAIN))
STATE = ChannelState()


def unwell(status: str, problem: str | None = None) -> TwitchHealth:
    return TwitchHealth(at(0), (evolve(WELL[0], status=status, problem=problem), *WELL[1:], TRAIN))


def say(
    health: Health,
    state: ChannelState = STATE,
    off=(),
    *,
    is_checked: bool = True,
    chat: ChatSource | None = None,
) -> tuple[bool, str]:
    """Tell it to people; chat is read by IRC if its reader has ever said anything."""
    chat = chat or ("irc" if health.chat else "off")
    standing = assess(health, state, off, is_checked=is_checked, chat=chat)
    return standing.is_ready, standing.message


def health(
    checked: TwitchHealth | None = CHECKED, chat: ChatHealth | None = None, minutes: float = 1
) -> Health:
    return Health(at(minutes), checked, chat)


@pytest.mark.parametrize(
    ("found", "is_ready", "message"),
    [
        (
            health(TwitchHealth(at(0), WELL)),
            True,
            "showtime is fully operational.",
        ),
        (
            health(),
            True,
            "showtime is fully operational. Without: channel.hype_train.begin.",
        ),
        (health(unwell(MISSING)), False, "Twitch subscriptions are missing: stream.online."),
        (
            health(unwell(MISSING, "no consent")),
            False,
            "Twitch subscriptions are missing: stream.online. (Error: no consent)",
        ),
        (
            health(unwell("notification_failures_exceeded")),
            False,
            "Twitch subscriptions are disabled: stream.online. (Error: notification_failures_exceeded)",
        ),
        (
            health(unwell("a_word_of_tomorrow")),
            False,
            "Twitch subscriptions are disabled: stream.online. (Error: a_word_of_tomorrow)",
        ),
        (health(unwell(PENDING)), False, "Twitch is about to verify subscriptions: stream.online."),
        (
            health(evolve(CHECKED, failure="Twitch cannot be reached: PoolTimeout")),
            False,
            "The subscriptions at Twitch cannot be checked. (Error: Twitch cannot be reached: PoolTimeout)",
        ),
        (health(None), False, "The subscriptions at Twitch have not been checked yet."),
        (
            health(minutes=31),
            False,
            "The subscriptions at Twitch were last checked at 2026-10-30T20:00:00Z.",
        ),
        (
            health(chat=ChatHealth(at(0.5), "the connection was lost")),
            False,
            "chat functionality is degraded. (Error: the connection was lost)",
        ),
        (
            health(chat=ChatHealth(at(-4))),
            False,
            "chat functionality is degraded. (Error: nothing was heard of it since 2026-10-30T19:56:00Z)",
        ),
        (
            health(unwell(MISSING), ChatHealth(at(0.5), "the connection was lost")),
            False,
            "Twitch subscriptions are missing: stream.online.",
        ),
    ],
)
def test_people_are_told(found, is_ready, message):
    """People are told of Twitch first, then of chat, with Twitch's own word for what is wrong."""
    assert say(found) == (is_ready, message)


def test_a_chat_that_ought_to_be_read_is_missed():
    """A chat that ought to be read and is not is told; one that nobody ought to read never is."""
    unread = (False, "chat functionality is degraded. (Error: it has not been read yet)")
    assert say(health(), chat="irc") == unread
    old = health(chat=ChatHealth(at(-500), "the connection was lost"))
    assert say(old, chat="off")[0]
    assert say(old, chat="eventsub")[0]


CHAT = SubscriptionFinding("channel.chat.message", is_optional=True, status=ENABLED)
TROUBLE = 20 / 60


@pytest.mark.parametrize(
    ("chat", "is_ready", "message"),
    [
        (CHAT, True, "showtime is fully operational."),
        (
            evolve(CHAT, status="authorization_revoked"),
            False,
            "chat functionality is degraded. (Error: channel.chat.message is authorization_revoked)",
        ),
        (
            evolve(CHAT, status=MISSING, problem="too many"),
            False,
            "chat functionality is degraded. (Error: too many)",
        ),
        (
            evolve(CHAT, status=MISSING, problem="no consent", lacks_consent=True),
            True,
            "chat functionality is degraded. (Error: no consent)",
        ),
    ],
)
def test_a_chat_by_eventsub_is_as_well_as_its_subscriptions(chat, is_ready, message):
    """Chat by EventSub is as healthy as its subscriptions, but a consent not asked for is no fault."""
    assert say(health(TwitchHealth(at(0), (*WELL, chat))), chat="eventsub") == (is_ready, message)


LATER_TYPES = ("chat.notification", "bits.use", "custom_power_up_redemption.add", "ad_break.begin")


@pytest.mark.parametrize("kind", [f"channel.{name}" for name in LATER_TYPES])
def test_the_show_is_ready_without_what_was_added_later(kind):
    """What was added later may be missing, broken or revoked, for whatever reason: the show is ready."""
    lost = SubscriptionFinding(kind, is_optional=True, status=MISSING, problem="too many")
    found = TwitchHealth(at(0), (*WELL, lost))
    assert not found.is_trouble
    is_ready, message = say(health(found), chat="eventsub")
    assert is_ready
    assert kind in message
    revoked = ChannelState(revocations=(Revocation(kind, "authorization_revoked", at(0.5)),))
    for is_checked in (True, False):
        assert say(health(CHECKED), revoked, chat="eventsub", is_checked=is_checked)[0]


def test_twitch_comes_before_chat():
    """What the show cannot do without is told first."""
    found = evolve(unwell(MISSING), findings=(*unwell(MISSING).findings, evolve(CHAT, status=MISSING)))
    assert say(health(found), chat="eventsub") == (False, "Twitch subscriptions are missing: stream.online.")


def test_what_is_off_is_said():
    """What is off is listed in order, and is no reason not to be ready."""
    assert say(health(TwitchHealth(at(0), WELL)), off=("points", "ghosts")) == (
        True,
        "showtime is fully operational. Off: ghosts, points.",
    )


def test_where_nobody_checks_the_messages_tell():
    """Twitch's revocations are all that is known; what was found before the check was off does not count."""
    revoked = ChannelState(revocations=(Revocation("stream.online", "user_removed", at(0)),))
    expected = "Twitch has revoked the subscription to stream.online. (Error: user_removed)"
    assert say(health(None), revoked, is_checked=False) == (False, expected)
    assert say(health(unwell(MISSING)), is_checked=False) == (True, "showtime is fully operational.")


def test_a_revocation_counts_until_it_was_checked():
    """What was repaired is well; one that has come since is not, unless the show goes on without it."""
    revoked = Revocation("stream.online", "authorization_revoked", at(-1))
    assert say(health(), ChannelState(revocations=(revoked,)))[0]
    later = evolve(revoked, sent_at=at(0.5))
    assert say(health(), ChannelState(revocations=(later,))) == (
        False,
        "Twitch has revoked the subscription to stream.online. (Error: authorization_revoked)",
    )
    assert say(health(), ChannelState(revocations=(evolve(later, type=TRAIN.type),)))[0]


@pytest.mark.parametrize("is_checked", [True, False])
def test_all_revocations_are_told(is_checked):
    """Each type that was revoked since the last check is named, with every reason; one is in the singular."""
    ended = [
        Revocation(kind, reason, at(0.5))
        for kind, reason in (
            ("stream.online", "user_removed"),
            (TRAIN.type, "user_removed"),
            ("channel.raid", "authorization_revoked"),
        )
    ]
    expected = (
        "Twitch has revoked the subscriptions to stream.online, channel.hype_train.begin, channel.raid."
        " (Error: authorization_revoked, user_removed)"
    )
    found = health(TwitchHealth(at(0), WELL))
    assert say(found, ChannelState(revocations=tuple(ended)), is_checked=is_checked) == (False, expected)
    chat = tuple(Revocation(f"channel.chat.{kind}", "user_removed", at(0.5)) for kind in ("message", "clear"))
    told = "channel.chat.message was revoked: user_removed, channel.chat.clear was revoked: user_removed"
    said = say(found, ChannelState(revocations=chat), chat="eventsub", is_checked=is_checked)
    assert said == (False, f"chat functionality is degraded. (Error: {told})")


def test_what_init_has_found_counts_where_nobody_checks():
    """A revocation that it has found to be repaired is over; one that has come since is not."""
    revoked = Revocation("stream.online", "user_removed", at(-1))
    assert say(health(), ChannelState(revocations=(revoked,)), is_checked=False)[0]
    later = evolve(revoked, sent_at=at(0.5))
    assert not say(health(), ChannelState(revocations=(later,)), is_checked=False)[0]


@pytest.mark.parametrize("is_checked", [True, False])
def test_a_revocation_of_what_is_optional_degrades_at_most_the_chat(is_checked):
    """That of chat is told at once, where chat comes that way; without hype trains nothing is amiss."""
    revoked = Revocation("channel.chat.message", "user_removed", at(0.5))
    train = evolve(revoked, type=TRAIN.type)
    both = ChannelState(revocations=(train, revoked))
    found = health(TwitchHealth(at(0), WELL))
    told = (False, "chat functionality is degraded. (Error: channel.chat.message was revoked: user_removed)")
    assert say(found, both, chat="eventsub", is_checked=is_checked) == told
    assert say(found, both, chat="off", is_checked=is_checked) == (True, "showtime is fully operational.")
    only_train = ChannelState(revocations=(train,))
    assert say(found, only_train, chat="eventsub", is_checked=is_checked)[0]


def test_a_revocation_is_told_to_the_host_until_it_was_repaired():
    """A revocation is told until a check that reached Twitch finds it repaired."""
    revoked = ChannelState(revocations=(Revocation("stream.online", "user_removed", at(-1)),))
    assert open_revocations(revoked, CHECKED) == ()
    for found in (None, evolve(CHECKED, failure="away"), unwell(MISSING), evolve(CHECKED, checked_at=at(-2))):
        assert open_revocations(revoked, found) == revoked.revocations


@pytest.mark.parametrize(
    ("checked", "minutes"),
    [
        (None, 0),
        (CHECKED, 10),
        (evolve(CHECKED, missing=MissingStream(1, at(0))), 5),
        (evolve(CHECKED, failure="away"), TROUBLE),
        (unwell(PENDING), TROUBLE),
        (unwell(MISSING), TROUBLE),
        (unwell("authorization_revoked"), TROUBLE),
        (evolve(unwell(MISSING), missing=MissingStream(1, at(0))), TROUBLE),
        (TwitchHealth(at(0), (*WELL, evolve(TRAIN, status=PENDING))), TROUBLE),
        (TwitchHealth(at(0), (*WELL, evolve(CHAT, status=MISSING))), TROUBLE),
        (TwitchHealth(at(0), (*WELL, evolve(CHAT, status=MISSING, lacks_consent=True))), 10),
    ],
)
def test_a_check_is_due(checked, minutes):
    """A check is due every ten minutes, sooner while a stream is missing, and within 30 s after a bad one."""
    assert is_check_due(health(checked, minutes=minutes), ())
    if minutes:
        moment = health(checked, minutes=minutes - 0.001)
        assert not is_check_due(moment, ())
        revoked = Revocation("stream.online", "user_removed", moment.now - timedelta(seconds=1))
        assert is_check_due(moment, [revoked])


@pytest.mark.parametrize(
    ("painted", "most", "message"),
    [
        (4, 5, "showtime is fully operational."),
        (5, 5, "showtime is fully operational. No more ghosts for now: 5 in 24 hours."),
        (6, 5, "showtime is fully operational. No more ghosts for now: 5 in 24 hours."),
        (6, None, "showtime is fully operational."),
    ],
)
def test_that_no_more_ghosts_are_made_is_told_and_is_no_fault(painted: int, most: int | None, message: str):
    """The limit was set by the operator, and the show goes on."""
    known = Health(at(1), TwitchHealth(at(0), WELL), painted=painted)
    standing = assess(known, STATE, (), is_checked=True, chat="off", most_painted=most)
    assert (standing.is_ready, standing.message) == (True, message)
