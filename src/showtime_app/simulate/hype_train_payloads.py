"""The `event` of a hype train, version 2: version 1 was withdrawn in January 2026."""

from showtime_app.simulate import cast
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.payloads import channel, chosen, identity
from showtime_app.simulate.timestamps import shifted

_FIRST_GOAL = 1_600
_GOAL_STEP = 800
_EXPIRES_SECONDS = 300
_COOLDOWN_SECONDS = 3_600
_RODE_SECONDS = 240


def begin(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.hype_train.begin`."""
    return {**_under_way(options, scene), "all_time_high_level": 9, "all_time_high_total": 38_400}


def progress(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.hype_train.progress`."""
    return _under_way(options, scene)


def end(options: EventOptions, scene: Scene) -> Json:
    """Build `channel.hype_train.end`."""
    return {
        **_train(options, scene, shifted(scene.timestamp, -_RODE_SECONDS)),
        "ended_at": scene.timestamp,
        "cooldown_ends_at": shifted(scene.timestamp, _COOLDOWN_SECONDS),
    }


def _under_way(options: EventOptions, scene: Scene) -> Json:
    goal = _FIRST_GOAL + _GOAL_STEP * (chosen(options.level, 1) - 1)
    return {
        **_train(options, scene, scene.timestamp),
        "progress": scene.rng.randrange(goal),
        "goal": goal,
        "expires_at": shifted(scene.timestamp, _EXPIRES_SECONDS),
    }


def _train(options: EventOptions, scene: Scene, began_at: str) -> Json:
    """Tell of a train, which began at `began_at` unless something else is known of it."""
    train_id = chosen(options.train_id, scene.uuid())
    return {
        "id": train_id,
        "started_at": scene.began.setdefault(train_id, chosen(options.started_at, began_at)),
        **channel(options),
        "total": chosen(options.total, scene.rng.randint(700, 9_000)),
        "level": chosen(options.level, 1),
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
