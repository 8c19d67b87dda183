"""The `event` of each type of the chat, field by field."""

from showtime_app.simulate import cast
from showtime_app.simulate.payloads import actor, channel, identity, wished
from showtime_app.simulate.texts import fragments
from showtime_app.simulate.wishes import Json, Scene, Wishes

_COLORS = ("", "#FF7F50", "#1E90FF", "#9ACD32", "#DAA520", "#B22222")
_SUBSCRIBER = {"set_id": "subscriber", "id": "3", "info": "3"}


def message(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.chat.message`, of this channel alone (no shared chat), answering nobody."""
    text = wished(wishes.message, scene.rng.choice(cast.CHAT_LINES))
    return {
        **channel(wishes),
        **identity(actor(wishes, scene), "chatter_user"),
        "message_id": wished(wishes.message_id, scene.uuid()),
        "message": {"text": text, "fragments": fragments(text)},
        "message_type": wishes.message_type,
        "badges": [_SUBSCRIBER] if scene.rng.random() < 1 / 3 else [],
        "cheer": None if wishes.bits is None else {"bits": wishes.bits},
        "color": wished(wishes.color, scene.rng.choice(_COLORS)),
        "reply": None,
        "channel_points_custom_reward_id": None,
        "channel_points_animation_id": None,
        **identity(None, "source_broadcaster_user"),
        "source_message_id": None,
        "source_badges": None,
        "is_source_only": None,
    }


def message_delete(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.chat.message_delete`."""
    return {
        **channel(wishes),
        **identity(actor(wishes, scene), "target_user"),
        "message_id": wished(wishes.message_id, scene.uuid()),
    }


def clear(wishes: Wishes, _: Scene) -> Json:
    """Build `channel.chat.clear`."""
    return channel(wishes)


def clear_user_messages(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.chat.clear_user_messages`: somebody was banned or timed out."""
    return {**channel(wishes), **identity(actor(wishes, scene), "target_user")}
