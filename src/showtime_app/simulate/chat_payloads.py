"""The `event` of each type of the chat, field by field."""

from showtime_app.simulate import cast
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.payloads import actor, channel, chosen, identity
from showtime_app.simulate.texts import fragments

_COLORS = ("", "#FF7F50", "#1E90FF", "#9ACD32", "#DAA520", "#B22222")
_SUBSCRIBER = {"set_id": "subscriber", "id": "3", "info": "3"}


def message(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.chat.message`, of this channel alone (no shared chat), answering nobody."""
    text = chosen(options.message, scene.rng.choice(cast.CHAT_LINES))
    return {
        **channel(options),
        **identity(actor(options, scene), "chatter_user"),
        "message_id": chosen(options.message_id, scene.uuid()),
        "message": {"text": text, "fragments": fragments(text)},
        "message_type": options.message_type,
        "badges": [_SUBSCRIBER] if scene.rng.random() < 1 / 3 else [],
        "cheer": None if options.bits is None else {"bits": options.bits},
        "color": chosen(options.color, scene.rng.choice(_COLORS)),
        "reply": None,
        "channel_points_custom_reward_id": None,
        "channel_points_animation_id": None,
        **identity(None, "source_broadcaster_user"),
        "source_message_id": None,
        "source_badges": None,
        "is_source_only": None,
    }


def message_delete(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.chat.message_delete`."""
    return {
        **channel(options),
        **identity(actor(options, scene), "target_user"),
        "message_id": chosen(options.message_id, scene.uuid()),
    }


def clear(options: EventOptions, _: Scene) -> Json:
    """Build `channel.chat.clear`."""
    return channel(options)


def clear_user_messages(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.chat.clear_user_messages`: somebody was banned or timed out."""
    return {**channel(options), **identity(actor(options, scene), "target_user")}
