"""The `event` of each type of the chat, field by field."""

from showtime_app.simulate import cast
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.payloads import actor, channel, chosen, identity
from showtime_app.simulate.texts import fragments

_COLORS = ("", "#FF7F50", "#1E90FF", "#9ACD32", "#DAA520", "#B22222")
_SUBSCRIBER = {"set_id": "subscriber", "id": "3", "info": "3"}


def message(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.chat.message`, answering nobody."""
    return {
        **_written(options, scene, scene.rng.choice(cast.CHAT_LINES)),
        "message_type": options.message_type,
        "cheer": None if options.bits is None else {"bits": options.bits},
        "reply": None,
        "channel_points_custom_reward_id": None,
        "channel_points_animation_id": None,
    }


def notification(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.chat.notification`: what is announced in chat, and what is written with it."""
    streak = {"streak_count": chosen(options.streak, 5), "channel_points_awarded": 450}
    about = {"watch_streak": streak, "announcement": {"color": "PRIMARY"}}
    return {
        **_written(options, scene, ""),
        "chatter_is_anonymous": False,
        "system_message": "",
        "notice_type": options.notice,
        **{notice: said if notice == options.notice else None for notice, said in about.items()},
    }


def _written(options: EventOptions, scene: Scene, drawn: str) -> Json:
    text = chosen(options.message, drawn)
    return {
        **channel(options),
        **identity(actor(options, scene), "chatter_user"),
        "message_id": chosen(options.message_id, scene.uuid()),
        "message": {"text": text, "fragments": fragments(text)},
        "badges": [_SUBSCRIBER] if scene.rng.random() < 1 / 3 else [],
        "color": chosen(options.color, scene.rng.choice(_COLORS)),
        **identity(options.source, "source_broadcaster_user"),
        "source_message_id": scene.uuid() if options.source else None,
        "source_badges": [] if options.source else None,
        "is_source_only": False if options.source else None,
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
