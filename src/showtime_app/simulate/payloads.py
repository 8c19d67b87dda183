"""The `event` of each type of the stream, its viewers and their support, field by field."""

from typing import TypeVar

from showtime_app.simulate import cast
from showtime_app.simulate.texts import emote_places
from showtime_app.simulate.wishes import Json, Scene, Wishes
from showtime_core.domain.viewers import Viewer

_BITS = (100, 100, 150, 250, 500, 1000)
_T = TypeVar("_T")


def wished(wish: _T | None, drawn: _T) -> _T:
    """Take the wish, or what was drawn where none was made."""
    return drawn if wish is None else wish


def identity(user: Viewer | None, prefix: str = "user") -> Json:
    """Name a user in three fields; nobody is three nulls."""
    if user is None:
        return dict.fromkeys((f"{prefix}_id", f"{prefix}_login", f"{prefix}_name"))
    return {f"{prefix}_id": user.id, f"{prefix}_login": user.login, f"{prefix}_name": user.display_name}


def channel(wishes: Wishes) -> Json:
    """Name the channel that it happens to."""
    return identity(wishes.to_user, "broadcaster_user")


def actor(wishes: Wishes, scene: Scene) -> Viewer:
    """Say who does it: who was wished for, or one of the regulars."""
    return wishes.from_user or cast.someone(scene.rng)


def update(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.update`."""
    return {
        **channel(wishes),
        "title": wished(wishes.title, scene.rng.choice(cast.TITLES)),
        "language": wishes.language,
        "category_id": wished(wishes.category_id, "27284"),
        "category_name": wishes.category_name,
        "content_classification_labels": list(wishes.labels),
    }


def online(wishes: Wishes, scene: Scene) -> Json:
    """Build `stream.online`; the stream starts at the time of the message."""
    return {
        "id": wished(wishes.stream_id, scene.number(11)),
        **channel(wishes),
        "type": wishes.stream_type,
        "started_at": scene.timestamp,
    }


def offline(wishes: Wishes, _: Scene) -> Json:
    """Build `stream.offline`; without a wish it says no more than it did until June 2026."""
    ended = {"id": wishes.ended_stream_id} if wishes.ended_stream_id else {}
    return {**ended, **channel(wishes)}


def follow(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.follow`."""
    return {**identity(actor(wishes, scene)), **channel(wishes), "followed_at": scene.timestamp}


def raid(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.raid`."""
    raider = wishes.from_user or cast.viewer(scene.rng.choice(cast.RAIDERS))
    return {
        **identity(raider, "from_broadcaster_user"),
        **identity(wishes.to_user, "to_broadcaster_user"),
        "viewers": wished(wishes.viewers, scene.rng.randint(4, 180)),
    }


def cheer(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.cheer`; an anonymous one names nobody."""
    bits = wished(wishes.bits, scene.rng.choice(_BITS))
    return {
        "is_anonymous": wishes.anonymous,
        **identity(None if wishes.anonymous else actor(wishes, scene)),
        **channel(wishes),
        "message": wished(wishes.message, f"Cheer{bits} {scene.rng.choice(cast.CHEERS)}"),
        "bits": bits,
    }


def subscribe(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.subscribe` or `channel.subscription.end`: they look the same."""
    return {
        **identity(actor(wishes, scene)),
        **channel(wishes),
        "tier": wishes.tier,
        "is_gift": wishes.gift,
    }


def gift(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.subscription.gift`; `total` must be decided, as the recipients depend on it."""
    total = wished(wishes.total, 1)
    so_far = wished(wishes.cumulative_total, total + scene.rng.randint(0, 40))
    return {
        **identity(None if wishes.anonymous else actor(wishes, scene)),
        **channel(wishes),
        "total": total,
        "tier": wishes.tier,
        "cumulative_total": None if wishes.anonymous else so_far,
        "is_anonymous": wishes.anonymous,
    }


def resubscribe(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.subscription.message`; the streak is null where the viewer keeps it private."""
    text = wished(wishes.message, scene.rng.choice(cast.RESUBS))
    months = wished(wishes.months, scene.rng.randint(2, 48))
    shared_streak = scene.rng.choice((None, scene.rng.randint(1, max(1, months))))
    return {
        **identity(actor(wishes, scene)),
        **channel(wishes),
        "tier": wishes.tier,
        "message": {"text": text, "emotes": emote_places(text)},
        "cumulative_months": months,
        "streak_months": shared_streak if wishes.streak is None else wishes.streak,
        "duration_months": 1,
    }


def redemption(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.channel_points_custom_reward_redemption.add`."""
    title, prompt, cost = scene.rng.choice(cast.REWARDS)
    return {
        "id": wished(wishes.redemption_id, scene.uuid()),
        **channel(wishes),
        **identity(actor(wishes, scene)),
        "user_input": wished(wishes.message, ""),
        "status": wishes.event_status,
        "reward": {
            "id": wished(wishes.reward_id, scene.uuid()),
            "title": wished(wishes.reward_title, title),
            "prompt": wished(wishes.reward_prompt, prompt),
            "cost": wished(wishes.cost, cost),
        },
        "redeemed_at": scene.timestamp,
    }
