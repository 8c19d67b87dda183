"""The `event` of each type of the stream, its viewers and their support, field by field."""

from typing import TypeVar

from showtime_app.simulate import cast
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.texts import emote_places, fragments
from showtime_core.domain.viewers import Viewer

CUSTOM_POWER_UP = "custom_power_up"
"""The type of bits that are told of twice."""
POWER_UP = "Rewind the tape"
_BITS = (100, 100, 150, 250, 500, 1000)
_T = TypeVar("_T")


def chosen(choice: _T | None, drawn: _T) -> _T:
    """Take the wish, or what was drawn where none was made."""
    return drawn if choice is None else choice


def identity(user: Viewer | None, prefix: str = "user") -> Json:
    """Name a user in three fields; nobody is three nulls."""
    if user is None:
        return dict.fromkeys((f"{prefix}_id", f"{prefix}_login", f"{prefix}_name"))
    return {f"{prefix}_id": user.id, f"{prefix}_login": user.login, f"{prefix}_name": user.display_name}


def channel(options: EventOptions) -> Json:
    """Name the channel that it happens to."""
    return identity(options.to_user, "broadcaster_user")


def actor(options: EventOptions, scene: Scene) -> Viewer:
    """Say who does it: who was wished for, or one of the regulars."""
    return options.from_user or cast.someone(scene.rng)


def update(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.update`."""
    return {
        **channel(options),
        "title": chosen(options.title, scene.rng.choice(cast.TITLES)),
        "language": options.language,
        "category_id": chosen(options.category_id, "27284"),
        "category_name": options.category_name,
        "content_classification_labels": list(options.labels),
    }


def online(options: EventOptions, scene: Scene) -> Json:
    """Build `stream.online`; the stream starts at the time of the message."""
    return {
        "id": chosen(options.stream_id, scene.number(11)),
        **channel(options),
        "type": options.stream_type,
        "started_at": scene.timestamp,
    }


def offline(options: EventOptions, _: Scene) -> Json:
    """Build `stream.offline`; without a wish it says no more than it did until June 2026."""
    ended = {"id": options.ended_stream_id} if options.ended_stream_id else {}
    return {**ended, **channel(options)}


def follow(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.follow`."""
    return {**identity(actor(options, scene)), **channel(options), "followed_at": scene.timestamp}


def raid(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.raid`."""
    raider = options.from_user or cast.viewer(scene.rng.choice(cast.RAIDERS))
    return {
        **identity(raider, "from_broadcaster_user"),
        **identity(options.to_user, "to_broadcaster_user"),
        "viewers": chosen(options.viewers, scene.rng.randint(4, 180)),
    }


def cheer(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.cheer`; an anonymous one names nobody."""
    bits = chosen(options.bits, scene.rng.choice(_BITS))
    return {
        "is_anonymous": options.anonymous,
        **identity(None if options.anonymous else actor(options, scene)),
        **channel(options),
        "message": chosen(options.message, f"Cheer{bits} {scene.rng.choice(cast.CHEERS)}"),
        "bits": bits,
    }


def bits_use(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.bits.use`: of a Power-up, unless bits are spent on something else."""
    kind, text = options.bits_type, options.message
    effect = {"type": "message_effect", "emote": None, "message_effect_id": "cosmic-abyss"}
    custom = {"title": POWER_UP, "reward_id": scene.uuid()}
    return {
        **identity(actor(options, scene)),
        **channel(options),
        "bits": chosen(options.bits, scene.rng.choice(_BITS)),
        "type": kind,
        "power_up": effect if kind == "power_up" else None,
        "custom_power_up": custom if kind == CUSTOM_POWER_UP else None,
        "message": None if text is None else {"text": text, "fragments": fragments(text)},
    }


def power_up_redemption(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.custom_power_up_redemption.add`."""
    cost = chosen(options.bits, scene.rng.choice(_BITS))
    return {
        "id": chosen(options.redemption_id, scene.uuid()),
        **channel(options),
        **identity(actor(options, scene)),
        "user_input": chosen(options.message, ""),
        "status": options.event_status,
        "custom_power_up": {"id": scene.uuid(), "title": POWER_UP, "bits": cost, "prompt": ""},
        "redeemed_at": scene.timestamp,
    }


def ad_break(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.ad_break.begin`: ads that were scheduled."""
    return {
        **channel(options),
        **identity(options.to_user, "requester_user"),
        "duration_seconds": chosen(options.seconds, 90),
        "started_at": scene.timestamp,
        "is_automatic": True,
    }


def subscribe(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.subscribe` or `channel.subscription.end`: they look the same."""
    return {
        **identity(actor(options, scene)),
        **channel(options),
        "tier": options.tier,
        "is_gift": options.gift,
    }


def gift(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.subscription.gift`; `total` must be decided, as the recipients depend on it."""
    total = chosen(options.total, 1)
    so_far = chosen(options.cumulative_total, total + scene.rng.randint(0, 40))
    return {
        **identity(None if options.anonymous else actor(options, scene)),
        **channel(options),
        "total": total,
        "tier": options.tier,
        "cumulative_total": None if options.anonymous else so_far,
        "is_anonymous": options.anonymous,
    }


def resubscribe(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.subscription.message`; the streak is null where the viewer keeps it private."""
    text = chosen(options.message, scene.rng.choice(cast.RESUBS))
    months = chosen(options.months, scene.rng.randint(2, 48))
    shared_streak = scene.rng.choice((None, scene.rng.randint(1, max(1, months))))
    return {
        **identity(actor(options, scene)),
        **channel(options),
        "tier": options.tier,
        "message": {"text": text, "emotes": emote_places(text)},
        "cumulative_months": months,
        "streak_months": shared_streak if options.streak is None else options.streak,
        "duration_months": 1,
    }


def redemption(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.channel_points_custom_reward_redemption.add`."""
    title, prompt, cost = scene.rng.choice(cast.REWARDS)
    return {
        "id": chosen(options.redemption_id, scene.uuid()),
        **channel(options),
        **identity(actor(options, scene)),
        "user_input": chosen(options.message, ""),
        "status": options.event_status,
        "reward": {
            "id": chosen(options.reward_id, scene.uuid()),
            "title": chosen(options.reward_title, title),
            "prompt": chosen(options.reward_prompt, prompt),
            "cost": chosen(options.cost, cost),
        },
        "redeemed_at": scene.timestamp,
    }
