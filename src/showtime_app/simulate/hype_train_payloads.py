"""The `event` of a hype train, version 2: version 1 was withdrawn in January 2026."""

from showtime_app.simulate import cast
from showtime_app.simulate.payloads import channel, identity, wished
from showtime_app.simulate.timestamps import shifted
from showtime_app.simulate.wishes import Json, Scene, Wishes

_FIRST_GOAL = 1_600
_GOAL_STEP = 800
_EXPIRES_SECONDS = 300
_COOLDOWN_SECONDS = 3_600
_RODE_SECONDS = 240


def begin(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.hype_train.begin`."""
    return {**_under_way(wishes, scene), "all_time_high_level": 9, "all_time_high_total": 38_400}


def progress(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.hype_train.progress`."""
    return _under_way(wishes, scene)


def end(wishes: Wishes, scene: Scene) -> Json:
    """Build `channel.hype_train.end`."""
    return {
        **_train(wishes, scene),
        "started_at": shifted(scene.timestamp, -_RODE_SECONDS),
        "ended_at": scene.timestamp,
        "cooldown_ends_at": shifted(scene.timestamp, _COOLDOWN_SECONDS),
    }


def _under_way(wishes: Wishes, scene: Scene) -> Json:
    goal = _FIRST_GOAL + _GOAL_STEP * (wished(wishes.level, 1) - 1)
    return {
        **_train(wishes, scene),
        "progress": scene.rng.randrange(goal),
        "goal": goal,
        "started_at": scene.timestamp,
        "expires_at": shifted(scene.timestamp, _EXPIRES_SECONDS),
    }


def _train(wishes: Wishes, scene: Scene) -> Json:
    return {
        "id": wished(wishes.train_id, scene.uuid()),
        **channel(wishes),
        "total": wished(wishes.total, scene.rng.randint(700, 9_000)),
        "level": wished(wishes.level, 1),
        "top_contributions": _top_contributions(scene),
        "shared_train_participants": None,
        "type": "regular",
        "is_shared_train": False,
    }


def _top_contributions(scene: Scene) -> list[Json]:
    by_bits, by_gifts = cast.crowd(scene.rng, 2)
    return [
        {**identity(by_bits), "type": "bits", "total": scene.rng.randint(200, 2_000)},
        {**identity(by_gifts), "type": "subscription", "total": 500 * scene.rng.randint(1, 5)},
    ]
