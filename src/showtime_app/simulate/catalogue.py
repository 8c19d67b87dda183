"""Every event that can be simulated: its type, version, names, wishes and builder, in one table."""

from collections.abc import Callable
from random import Random

from attrs import evolve, field, frozen

from showtime_app.simulate import cast, chat_payloads, hype_train_payloads, payloads
from showtime_app.simulate.event_options import EventOptions, Json, Scene

Condition = Callable[[str], dict[str, str]]
"""Makes the condition of a subscription from the id of the broadcaster."""

GIFT = "channel.subscription.gift"
_POWER_UP_BITS = (50, 200, 500)
_GIFT_SIZES = (1, 1, 5, 5, 10)


def _of_channel(broadcaster_id: str) -> dict[str, str]:
    return {"broadcaster_user_id": broadcaster_id}


def _of_moderator(broadcaster_id: str) -> dict[str, str]:
    # The broadcaster may moderate the own channel, and does for showtime's subscription.
    return {"broadcaster_user_id": broadcaster_id, "moderator_user_id": broadcaster_id}


def _of_reader(broadcaster_id: str) -> dict[str, str]:
    return {"broadcaster_user_id": broadcaster_id, "user_id": broadcaster_id}


def _of_raided(broadcaster_id: str) -> dict[str, str]:
    return {"to_broadcaster_user_id": broadcaster_id}


@frozen
class EventType:
    """A type of EventSub event, and how to simulate it."""

    name: str
    about: str
    """One line for people."""
    aliases: tuple[str, ...]
    """Shorter names; those of Twitch's own tool among them."""
    build: Callable[[EventOptions, Scene], Json]
    takes: tuple[str, ...] = ()
    """The wishes that it has a place for, by name."""
    version: str = "1"
    condition: Condition = field(default=_of_channel)


_SUBSCRIPTION = ("from_user", "tier", "gift")
_TRAIN = ("level", "total", "train_id", "started_at")

EVENT_TYPES: tuple[EventType, ...] = (
    EventType(
        "stream.online",
        "the channel goes live",
        ("streamup", "online"),
        payloads.online,
        ("stream_id", "stream_type"),
    ),
    EventType(
        "stream.offline",
        "the channel goes off the air",
        ("streamdown", "offline"),
        payloads.offline,
        ("ended_stream_id",),
    ),
    EventType(
        "channel.update",
        "the title or category changes",
        ("stream-change", "update"),
        payloads.update,
        ("title", "language", "category_id", "category_name", "labels"),
        version="2",
    ),
    EventType(
        "channel.follow",
        "somebody follows",
        ("follow",),
        payloads.follow,
        ("from_user",),
        version="2",
        condition=_of_moderator,
    ),
    EventType(
        "channel.raid",
        "another channel brings its viewers",
        ("raid",),
        payloads.raid,
        ("from_user", "viewers"),
        condition=_of_raided,
    ),
    EventType(
        "channel.cheer",
        "bits with a message; `ghost of ...` and 200 bits make a ghost",
        ("cheer",),
        payloads.cheer,
        ("from_user", "bits", "message", "anonymous"),
    ),
    EventType(
        "channel.bits.use",
        "bits for a Power-up; `--bits-type cheer` repeats a cheer, from which nothing follows",
        ("power-up", "bits-use"),
        payloads.bits_use,
        ("from_user", "bits", "bits_type", "message"),
    ),
    EventType(
        "channel.custom_power_up_redemption.add",
        "a Power-up of the channel's own, whose bits are told by channel.bits.use",
        ("redeem-power-up",),
        payloads.power_up_redemption,
        ("from_user", "bits", "message", "event_status", "redemption_id"),
    ),
    EventType(
        "channel.ad_break.begin",
        "ads begin",
        ("ad-break",),
        payloads.ad_break,
        ("seconds",),
    ),
    EventType(
        "channel.subscribe",
        "a first subscription, or one received (`gift`)",
        ("subscribe", "gift"),
        payloads.subscribe,
        _SUBSCRIPTION,
    ),
    EventType(
        "channel.subscription.message",
        "a resubscription with a message",
        ("subscribe-message", "resub"),
        payloads.resubscribe,
        ("from_user", "tier", "months", "streak", "message"),
    ),
    EventType(
        GIFT,
        "a gift of N, followed by its N channel.subscribe",
        ("channel-gift", "gift-bomb"),
        payloads.gift,
        ("from_user", "tier", "total", "recipients", "cumulative_total", "anonymous"),
    ),
    EventType(
        "channel.subscription.end",
        "a subscription ends",
        ("unsubscribe", "subscribe-end"),
        payloads.subscribe,
        _SUBSCRIPTION,
    ),
    EventType(
        "channel.hype_train.begin",
        "a hype train departs",
        ("hype-train-begin",),
        hype_train_payloads.begin,
        _TRAIN,
        version="2",
    ),
    EventType(
        "channel.hype_train.progress",
        "a hype train moves on",
        ("hype-train-progress",),
        hype_train_payloads.progress,
        _TRAIN,
        version="2",
    ),
    EventType(
        "channel.hype_train.end",
        "a hype train arrives",
        ("hype-train-end",),
        hype_train_payloads.end,
        _TRAIN,
        version="2",
    ),
    EventType(
        "channel.channel_points_custom_reward_redemption.add",
        "channel points for a reward",
        ("add-redemption", "redeem"),
        payloads.redemption,
        (
            *("from_user", "message", "event_status", "cost"),
            *("reward_id", "reward_title", "reward_prompt", "redemption_id"),
        ),
    ),
    EventType(
        "channel.chat.message",
        "somebody writes in the chat",
        ("chat",),
        chat_payloads.message,
        ("from_user", "message", "bits", "color", "message_id", "message_type", "source"),
        condition=_of_reader,
    ),
    EventType(
        "channel.chat.notification",
        "an announcement in the chat, a watch streak ...",
        ("chat-notice", "announce"),
        chat_payloads.notification,
        ("from_user", "notice", "message", "streak", "color", "message_id", "source"),
        condition=_of_reader,
    ),
    EventType(
        "channel.chat.message_delete",
        "a moderator deletes one message",
        ("chat-delete",),
        chat_payloads.message_delete,
        ("from_user", "message_id"),
        condition=_of_reader,
    ),
    EventType(
        "channel.chat.clear",
        "a moderator clears the chat",
        ("chat-clear",),
        chat_payloads.clear,
        condition=_of_reader,
    ),
    EventType(
        "channel.chat.clear_user_messages",
        "somebody is banned or timed out",
        ("chat-ban",),
        chat_payloads.clear_user_messages,
        ("from_user",),
        condition=_of_reader,
    ),
)

_BY_NAME = {name: kind for kind in EVENT_TYPES for name in (kind.name, *kind.aliases)}


def event_type(name: str) -> EventType:
    """Look up a type by name or alias; raises KeyError for one that is neither."""
    return _BY_NAME[name]


def names() -> tuple[str, ...]:
    """List every name and alias."""
    return tuple(_BY_NAME)


def consequences(
    kind: EventType, options: EventOptions, rng: Random
) -> tuple[tuple[EventType, EventOptions], ...]:
    """Say which events one deed brings.

    A gift its recipients' subscriptions, a Power-up of the channel's own its redemption, any other itself.
    """
    if kind.name == "channel.bits.use" and options.bits_type == payloads.CUSTOM_POWER_UP:
        bits = payloads.chosen(options.bits, rng.choice(_POWER_UP_BITS))
        same = evolve(options, from_user=options.from_user or cast.someone(rng), bits=bits)
        return ((kind, same), (event_type("channel.custom_power_up_redemption.add"), same))
    if kind.name != GIFT:
        return ((kind, options),)
    total = payloads.chosen(options.total, rng.choice(_GIFT_SIZES))
    giver = options.from_user or cast.someone(rng)
    given = evolve(options, total=total, from_user=giver)
    count = min(total, payloads.chosen(options.recipients, total))
    others = [one for one in cast.crowd(rng, count + 1) if one.id != giver.id][:count]
    received = EventOptions(to_user=options.to_user, tier=options.tier, gift=True)
    subscribe = event_type("channel.subscribe")
    return ((kind, given), *((subscribe, evolve(received, from_user=one)) for one in others))
