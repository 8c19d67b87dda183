"""What simulated events say, held against Twitch's tables written down a second time."""

import hashlib
import hmac
import json
import re
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from showtime_app.simulate import cast
from showtime_app.simulate.catalogue import EVENT_TYPES, consequences, event_type, names
from showtime_app.simulate.deliveries import DeliveryContext, DeliveryOptions, deliveries
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.messages import Address
from showtime_app.simulate.options import EVENT_OPTIONS

SECRET = "be kind, rewind"
NOW = 1_795_000_000_123_456_780
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def nullable(check):
    return lambda value: value is None or check(value)


def text(value):
    return isinstance(value, str)


def number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def flag(value):
    return isinstance(value, bool)


def time(value):
    return text(value) and TIMESTAMP.fullmatch(value)


def list_of(check):
    return lambda value: isinstance(value, list) and all(map(check, value))


def shape(**fields):
    """An object with exactly these fields, each of its kind."""

    def check(value):
        return (
            isinstance(value, dict)
            and value.keys() == fields.keys()
            and all(check(value[name]) for name, check in fields.items())
        )

    return check


def who(prefix="user", check=text):
    return {f"{prefix}_{part}": check for part in ("id", "login", "name")}


B = who("broadcaster_user")
U = who()
SUB = {**U, **B, "tier": text, "is_gift": flag}
TRAIN = {
    **B,
    "id": text,
    "total": number,
    "level": number,
    "started_at": time,
    "type": text,
    "is_shared_train": flag,
    "top_contributions": list_of(
        shape(**U, type=lambda it: it in {"bits", "subscription", "other"}, total=number)
    ),
    "shared_train_participants": nullable(list_of(shape(**B))),
}
RIDING = {**TRAIN, "progress": number, "goal": number, "expires_at": time}
_FRAGMENT = {
    "type": text,
    "text": text,
    "cheermote": nullable(shape(prefix=text, bits=number, tier=number)),
    "emote": nullable(shape(id=text, emote_set_id=text, owner_id=text, format=list_of(text))),
    "mention": nullable(shape(**U)),
}


def FRAGMENT(value):  # noqa: N802 - named as the other shapes are
    """One part of a message; a GIF has a field more."""
    if value["type"] == "gif":
        return shape(**_FRAGMENT, gif=shape(gif_id=text, url=text))(value)
    return value["type"] in {"text", "cheermote", "emote", "mention"} and shape(**_FRAGMENT)(value)


WRITTEN = {
    **B,
    **who("chatter_user"),
    "message_id": text,
    "color": text,
    "message": shape(text=text, fragments=list_of(FRAGMENT)),
    "badges": list_of(shape(set_id=text, id=text, info=text)),
    **who("source_broadcaster_user", nullable(text)),
    "source_message_id": nullable(text),
    "source_badges": nullable(list_of(text)),
    "is_source_only": nullable(flag),
}
SUBSCRIPTION = shape(
    **dict.fromkeys(("id", "type", "version"), text),
    status=lambda it: it == "enabled",
    cost=lambda it: it == 0,
    condition=lambda it: all(map(text, it.values())),
    transport=lambda it: it == {"method": "webhook", "callback": "http://127.0.0.1:5001/callback"},
    created_at=time,
)

# type → version, names in the condition, fields of the event: twice written, so that a slip shows.
TABLE = {
    "channel.update": (
        "2",
        {"broadcaster_user_id"},
        {
            **B,
            "title": text,
            "language": text,
            "category_id": text,
            "category_name": text,
            "content_classification_labels": list_of(text),
        },
    ),
    "stream.online": ("1", {"broadcaster_user_id"}, {**B, "id": text, "type": text, "started_at": time}),
    "stream.offline": ("1", {"broadcaster_user_id"}, B),
    "channel.follow": (
        "2",
        {"broadcaster_user_id", "moderator_user_id"},
        {**U, **B, "followed_at": time},
    ),
    "channel.raid": (
        "1",
        {"to_broadcaster_user_id"},
        {**who("from_broadcaster_user"), **who("to_broadcaster_user"), "viewers": number},
    ),
    "channel.cheer": (
        "1",
        {"broadcaster_user_id"},
        {**who(check=nullable(text)), **B, "is_anonymous": flag, "message": text, "bits": number},
    ),
    "channel.bits.use": (
        "1",
        {"broadcaster_user_id"},
        {
            **U,
            **B,
            "bits": number,
            "type": text,
            "power_up": nullable(shape(type=text, emote=nullable(shape(id=text)), message_effect_id=text)),
            "custom_power_up": nullable(shape(title=text, reward_id=text)),
            "message": nullable(shape(text=text, fragments=list_of(FRAGMENT))),
        },
    ),
    "channel.custom_power_up_redemption.add": (
        "1",
        {"broadcaster_user_id"},
        {
            **B,
            **U,
            "id": text,
            "user_input": text,
            "status": text,
            "redeemed_at": time,
            "custom_power_up": shape(id=text, title=text, bits=number, prompt=text),
        },
    ),
    "channel.ad_break.begin": (
        "1",
        {"broadcaster_user_id"},
        {
            **B,
            **who("requester_user"),
            "duration_seconds": number,
            "started_at": time,
            "is_automatic": flag,
        },
    ),
    "channel.subscribe": ("1", {"broadcaster_user_id"}, SUB),
    "channel.subscription.end": ("1", {"broadcaster_user_id"}, SUB),
    "channel.subscription.gift": (
        "1",
        {"broadcaster_user_id"},
        {
            **who(check=nullable(text)),
            **B,
            "total": number,
            "tier": text,
            "cumulative_total": nullable(number),
            "is_anonymous": flag,
        },
    ),
    "channel.subscription.message": (
        "1",
        {"broadcaster_user_id"},
        {
            **U,
            **B,
            "tier": text,
            "message": shape(text=text, emotes=nullable(list_of(shape(begin=number, end=number, id=text)))),
            "cumulative_months": number,
            "streak_months": nullable(number),
            "duration_months": number,
        },
    ),
    "channel.hype_train.begin": (
        "2",
        {"broadcaster_user_id"},
        {**RIDING, "all_time_high_level": number, "all_time_high_total": number},
    ),
    "channel.hype_train.progress": ("2", {"broadcaster_user_id"}, RIDING),
    "channel.hype_train.end": (
        "2",
        {"broadcaster_user_id"},
        {**TRAIN, "ended_at": time, "cooldown_ends_at": time},
    ),
    "channel.channel_points_custom_reward_redemption.add": (
        "1",
        {"broadcaster_user_id"},
        {
            **B,
            **U,
            "id": text,
            "user_input": text,
            "status": text,
            "redeemed_at": time,
            "reward": shape(id=text, title=text, prompt=text, cost=number),
        },
    ),
    "channel.chat.message": (
        "1",
        {"broadcaster_user_id", "user_id"},
        {
            **WRITTEN,
            "message_type": text,
            "cheer": nullable(shape(bits=number)),
            "reply": lambda it: it is None,
            "channel_points_custom_reward_id": nullable(text),
            "channel_points_animation_id": nullable(text),
        },
    ),
    "channel.chat.notification": (
        "1",
        {"broadcaster_user_id", "user_id"},
        {
            **WRITTEN,
            "chatter_is_anonymous": flag,
            "system_message": text,
            "notice_type": text,
            "watch_streak": nullable(shape(streak_count=number, channel_points_awarded=number)),
            "announcement": nullable(shape(color=text)),
        },
    ),
    "channel.chat.message_delete": (
        "1",
        {"broadcaster_user_id", "user_id"},
        {**B, **who("target_user"), "message_id": text},
    ),
    "channel.chat.clear": ("1", {"broadcaster_user_id", "user_id"}, B),
    "channel.chat.clear_user_messages": (
        "1",
        {"broadcaster_user_id", "user_id"},
        {**B, **who("target_user")},
    ),
}

viewers = st.builds(cast.viewer, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=25))
words = st.text(max_size=40)
amounts = st.integers(0, 50_000)
sizes = st.integers(1, 60)
VALUES = {
    **dict.fromkeys(("from_user", "source"), viewers),
    "bits_type": st.sampled_from(("power_up", "custom_power_up", "cheer", "combo")),
    "notice": st.sampled_from(("announcement", "watch_streak", "resub")),
    "started_at": st.just("2026-11-27T20:00:00.000000000Z"),
    **dict.fromkeys(("anonymous", "gift"), st.booleans()),
    **dict.fromkeys(("bits", "viewers", "cost", "recipients"), amounts),
    **dict.fromkeys(("months", "streak", "total", "cumulative_total", "level", "seconds"), sizes),
    "labels": st.lists(words, max_size=3).map(tuple),
}
everything = st.fixed_dictionaries(
    {"to_user": viewers}, optional={name: VALUES.get(name, words) for name in EVENT_OPTIONS}
).map(lambda given: EventOptions(**given))


def source(seed=1, now=NOW):
    return DeliveryContext.seeded(Address("http://127.0.0.1:5001/callback", SECRET), seed, lambda: now)


sources = st.integers(0, 2**32).map(source)


def bodies(name, options=None, delivery=None):
    made = deliveries(event_type(name), options or EventOptions(), delivery or DeliveryOptions(), source())
    return [json.loads(request.body) for request in made]


def event(name, **options):
    return bodies(name, EventOptions(**options))[0]["event"]


@pytest.mark.parametrize("name", [kind.name for kind in EVENT_TYPES])
@settings(max_examples=30)
@given(options=everything, source=sources)
def test_every_type_with_every_option_is_a_valid_envelope(name, options, source):
    """Whatever is chosen, a message has Twitch's envelope and its type's fields, no more and no less."""
    for request in deliveries(event_type(name), options, DeliveryOptions(), source):
        headers = dict(request.headers)
        body = json.loads(request.body)
        subscription = body["subscription"]
        version, condition, fields = TABLE[subscription["type"]]
        if subscription["type"] == "stream.offline" and options.ended_stream_id:
            fields = {"id": text, **fields}
        assert body.keys() == {"subscription", "event"}
        assert SUBSCRIPTION(subscription)
        assert (subscription["version"], subscription["condition"].keys()) == (version, condition)
        assert shape(**fields)(body["event"])
        assert headers["Twitch-Eventsub-Subscription-Type"] == body["subscription"]["type"]
        assert headers["Twitch-Eventsub-Subscription-Version"] == version


@pytest.mark.parametrize("name", [kind.name for kind in EVENT_TYPES])
@settings(max_examples=30)
@given(options=everything, source=sources)
def test_every_signature_verifies(name, options, source):
    """The signature is the HMAC-SHA256 of id, timestamp and raw body, as any receiver computes it."""
    for request in deliveries(event_type(name), options, DeliveryOptions(), source):
        headers = {key.lower(): value for key, value in request.headers}
        signed = headers["twitch-eventsub-message-id"] + headers["twitch-eventsub-message-timestamp"]
        expected = hmac.digest(SECRET.encode(), signed.encode() + request.body, hashlib.sha256).hex()
        assert headers["twitch-eventsub-message-signature"] == f"sha256={expected}"
        assert TIMESTAMP.fullmatch(headers["twitch-eventsub-message-timestamp"])
        assert headers["twitch-eventsub-message-retry"] == "0"
        assert headers["twitch-eventsub-message-type"] == "notification"
        assert headers["content-type"] == "application/json"


def test_the_table_of_types_is_whole():
    """Every type that can be simulated is checked against a table that was written independently."""
    assert {kind.name for kind in EVENT_TYPES} == TABLE.keys()


def test_the_names_of_twitchs_own_tool_are_known():
    """People who know Twitch's command line find their names here."""
    theirs = (
        "streamup streamdown follow raid cheer subscribe gift unsubscribe subscribe-end channel-gift "
        "subscribe-message add-redemption stream-change hype-train-begin hype-train-progress hype-train-end"
    )
    assert set(theirs.split()) <= set(names())
    assert len(names()) == len(set(names()))


def test_every_option_of_a_type_can_be_given():
    """No type has a place for an option that cannot be given."""
    assert {option for kind in EVENT_TYPES for option in kind.takes} == EVENT_OPTIONS.keys()


def test_what_is_chosen_is_sent():
    """What is asked for is what is sent."""
    vera = cast.viewer("VHSVera")
    cheer = event("cheer", from_user=vera, bits=200, message="a ghost of a baby seal please")
    assert (cheer["bits"], cheer["message"]) == (200, "a ghost of a baby seal please")
    assert (cheer["user_login"], cheer["user_name"]) == ("vhsvera", "VHSVera")
    assert event("raid", viewers=4096, from_user=vera)["viewers"] == 4096
    assert event("resub", months=17, streak=3, tier="3000")["cumulative_months"] == 17
    assert event("stream-change", title="Tape night", labels=("MatureGame",))["title"] == "Tape night"
    assert event("redeem", message="tape 44", cost=5000)["user_input"] == "tape 44"
    assert event("streamup", stream_id="42", stream_type="rerun")["type"] == "rerun"


def test_anonymous_names_nobody():
    """An anonymous cheer or gift has nulls where the viewer would be, and the gift tells no history."""
    for name in ("cheer", "channel-gift"):
        said = event(name, anonymous=True, from_user=cast.viewer("VHSVera"))
        assert said["is_anonymous"] is True
        assert [said[f"user_{part}"] for part in ("id", "login", "name")] == [None, None, None]
    assert event("channel-gift", anonymous=True)["cumulative_total"] is None


def test_the_moderator_of_a_follow_is_the_broadcaster():
    """The condition of a follow names a moderator, not the follower as Twitch's own tool does."""
    (body,) = bodies("follow")
    assert body["subscription"]["condition"]["moderator_user_id"] == body["event"]["broadcaster_user_id"]


@given(total=st.integers(1, 700), recipients=st.none() | st.integers(0, 800), seed=st.integers())
def test_a_gift_brings_its_subscriptions(total, recipients, seed):
    """A gift of N is followed by N gifted subscriptions of N other viewers, or by as many as are asked."""
    giver = cast.viewer("VHSVera")
    options = EventOptions(from_user=giver, total=total, recipients=recipients, tier="2000")
    (gift, given), *rest = consequences(event_type("channel-gift"), options, Random(seed))
    assert (gift.name, given.total) == ("channel.subscription.gift", total)
    assert len(rest) == (total if recipients is None else min(total, recipients))
    assert len({one.from_user for _, one in rest} - {giver}) == len(rest)
    assert all(kind.name == "channel.subscribe" for kind, _ in rest)
    assert all(one.gift and one.tier == "2000" and one.to_user == options.to_user for _, one in rest)


def test_a_gift_without_a_size_still_adds_up():
    """Where the size of a gift is left to chance, the gift says the number of subscriptions that follow."""
    gift, *rest = bodies("channel-gift")
    assert gift["event"]["total"] == len(rest)
    assert gift["event"]["cumulative_total"] >= gift["event"]["total"]


def test_a_custom_power_up_is_told_twice_with_one_price():
    """Bits for a custom Power-up are told of with its redemption, of one viewer and one price."""
    used, redeemed = bodies("power-up", EventOptions(bits_type="custom_power_up"))
    assert used["subscription"]["type"] == "channel.bits.use"
    assert redeemed["subscription"]["type"] == "channel.custom_power_up_redemption.add"
    assert used["event"]["user_id"] == redeemed["event"]["user_id"]
    assert used["event"]["bits"] == redeemed["event"]["custom_power_up"]["bits"]


def test_a_train_began_once():
    """All that is told of one train has one beginning; of another train, another."""
    clock = iter(range(NOW, NOW + 10**12, 10**10))
    context = evolve(source(), clock=lambda: next(clock))

    def began(phase, **options):
        of = EventOptions(**options)
        [made] = deliveries(event_type(f"hype-train-{phase}"), of, DeliveryOptions(), context)
        return json.loads(made.body)["event"]["started_at"]

    told = [began(phase, train_id="choo-1") for phase in ("begin", "progress", "end")]
    assert len(set(told)) == 1
    assert began("begin", train_id="choo-2") not in told
    given = "2026-11-27T20:00:00.000000000Z"
    assert began("end", train_id="choo-3", started_at=given) == given


def test_a_gif_is_a_part_of_the_text():
    """A GIF is a fragment with its word, id and address, and the fragments together are the message."""
    said = event("chat", message="look RewindGif Kappa")["message"]
    assert "".join(part["text"] for part in said["fragments"]) == "look RewindGif Kappa"
    [gif] = [part for part in said["fragments"] if part["type"] == "gif"]
    assert gif["gif"] == {"gif_id": "rewind-the-tape", "url": "https://gifs.example/rewind-the-tape.gif"}


def test_a_seed_repeats_all_but_times_and_ids():
    """With one seed the same happens again; at another time under other ids, or it would be duplicates."""

    def night(seed, now):
        made = deliveries(event_type("chat"), EventOptions(), DeliveryOptions(repeat=20), source(seed, now))
        return [json.loads(request.body)["event"] for request in made]

    assert night(7, NOW) == night(7, NOW)
    later, first = night(7, NOW + 1), night(7, NOW)
    assert {one["message_id"] for one in first}.isdisjoint(one["message_id"] for one in later)
    assert [one | {"message_id": ""} for one in first] == [one | {"message_id": ""} for one in later]
    assert night(8, NOW) != night(7, NOW)


def test_display_names_differ_from_logins():
    """Logins are lower case and ASCII, names are as people write them; a name is always the same user."""
    for user in cast.crowd(Random(3), 300):
        assert user.login == user.display_name.lower() != user.display_name
        assert re.fullmatch(r"[a-z0-9_]{4,25}", user.login)
        assert cast.viewer(user.display_name) == user
    assert cast.viewer("おばけ").login.isascii()
    assert evolve(cast.viewer("VHSVera"), display_name="") != cast.viewer("VHSVera")
