"""What a simulated event says: the template of its type, filled with what was chosen and what is drawn."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from showtime_app.simulate.cast import MATERIAL, crowd, someone
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.texts import emote_places, written
from showtime_app.simulate.timestamps import shifted
from showtime_core.domain.viewers import Viewer

CUSTOM_POWER_UP = "custom_power_up"
"""The type of bits that are told of twice."""


@define
class Draft:
    """An event in the making: what is chosen of it, and what is drawn for the rest, each once."""

    options: EventOptions
    scene: Scene
    _known: dict[str, Any] = field(factory=dict)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as the options and the draws have it
        """Give what an option says, or what is drawn where it says nothing.

        `message:chat` is the option `message`, drawn as for the chat.
        """
        if name not in self._known:
            option = name.partition(":")[0]
            chosen = getattr(self.options, option, None)
            is_open = chosen is None and (name in _DRAWS or not hasattr(self.options, option))
            self._known[name] = _DRAWS[name](self) if is_open else chosen
        return self._known[name]

    def choice(self, material: str) -> Any:  # noqa: ANN401 - whatever the material is
        """Draw one of the material."""
        return self.scene.rng.choice(MATERIAL[material])


def fill(template: Mapping[str, Any], draft: Draft) -> Json:
    """Fill a template: `=name` is looked up, `*prefix` is a user, `name?` is left out where it is empty."""
    filled: Json = {}
    for name, value in template.items():
        found = draft[value[1:]] if isinstance(value, str) and value.startswith("=") else value
        if isinstance(value, dict):
            filled[name] = fill(value, draft)
        elif name.startswith("*"):
            filled |= identity(found, name[1:])
        elif not name.endswith("?"):
            filled[name] = found
        elif found:
            filled[name[:-1]] = found
    return filled


def identity(user: Viewer | None, prefix: str = "user") -> Json:
    """Name a user in three fields; nobody is three nulls."""
    if user is None:
        return dict.fromkeys((f"{prefix}_id", f"{prefix}_login", f"{prefix}_name"))
    return {f"{prefix}_id": user.id, f"{prefix}_login": user.login, f"{prefix}_name": user.display_name}


def _uuid(draft: Draft) -> str:
    return draft.scene.uuid()


def _contributions(draft: Draft) -> list[Json]:
    rng = draft.scene.rng
    by_bits, by_gifts = crowd(rng, 2)
    return [
        {**identity(by_bits), "type": "bits", "total": rng.randint(200, 2_000)},
        {**identity(by_gifts), "type": "subscription", "total": 500 * rng.randint(1, 5)},
    ]


def _if(draft: Draft, option: str, kind: str, said: Json) -> Json | None:
    return said if draft[option] == kind else None


def _began(draft: Draft, otherwise: str) -> str:
    """Say when a train began, which is the same in all that is told of it."""
    return draft.scene.began.setdefault(draft["train_id"], draft.options.started_at or otherwise)


_DRAWS: Mapping[str, Callable[[Draft], Any]] = {
    "nothing": lambda _: None,
    "now": lambda draft: draft.scene.timestamp,
    "in 5 minutes": lambda draft: shifted(draft.scene.timestamp, 300),
    "in an hour": lambda draft: shifted(draft.scene.timestamp, 3_600),
    **dict.fromkeys(("uuid", "message_id", "reward_id", "redemption_id", "train_id"), _uuid),
    "stream_id": lambda draft: draft.scene.number(11),
    "category_id": lambda _: "27284",
    # Who, and what they write.
    "from_user": lambda draft: someone(draft.scene.rng),
    "from_user:raider": lambda draft: someone(draft.scene.rng, "raiders"),
    "somebody": lambda draft: None if draft["anonymous"] else draft["from_user"],
    "title": lambda draft: draft.choice("titles"),
    "message:none": lambda _: "",
    "message:cheer": lambda draft: f"Cheer{draft['bits']} {draft.choice('cheers')}",
    "message:chat": lambda draft: draft.choice("chat_lines"),
    "message:resub": lambda draft: draft.choice("resubs"),
    "emotes": lambda draft: emote_places(draft["message:resub"]),
    "written": lambda draft: None if draft.options.message is None else written(draft.options.message),
    "written:chat": lambda draft: written(draft["message:chat"]),
    "written:notice": lambda draft: written(draft["message:none"]),
    "color": lambda draft: draft.choice("colors"),
    "badges": lambda draft: [MATERIAL["badge"]] if draft.scene.rng.random() < 1 / 3 else [],
    "cheer": lambda draft: None if draft.options.bits is None else {"bits": draft.options.bits},
    "source_id": lambda draft: draft["source"] and draft.scene.uuid(),
    "source_badges": lambda draft: [] if draft["source"] else None,
    "is_source_only": lambda draft: False if draft["source"] else None,
    "watch_streak": lambda draft: _if(
        draft,
        "notice",
        "watch_streak",
        {"streak_count": draft.options.streak or 5, "channel_points_awarded": 450},
    ),
    "announcement": lambda draft: _if(draft, "notice", "announcement", {"color": "PRIMARY"}),
    # How much, and how long.
    "bits": lambda draft: draft.choice("bits"),
    "power_up": lambda draft: _if(
        draft, "bits_type", "power_up", {**MATERIAL["message_effect"], "emote": None}
    ),
    "custom_power_up": lambda draft: _if(
        draft, "bits_type", CUSTOM_POWER_UP, {"title": MATERIAL["power_up"], "reward_id": draft.scene.uuid()}
    ),
    "viewers": lambda draft: draft.scene.rng.randint(4, 180),
    "seconds": lambda _: 90,
    "total:gift": lambda _: 1,
    "total:train": lambda draft: draft.scene.rng.randint(700, 9_000),
    "cumulative_total": lambda draft: draft["total:gift"] + draft.scene.rng.randint(0, 40),
    "gifts_so_far": lambda draft: None if draft["anonymous"] else draft["cumulative_total"],
    "months": lambda draft: draft.scene.rng.randint(2, 48),
    "streak": lambda draft: draft.scene.rng.choice((None, draft.scene.rng.randint(1, draft["months"]))),
    "reward": lambda draft: draft.choice("rewards"),
    "reward_title": lambda draft: draft["reward"][0],
    "reward_prompt": lambda draft: draft["reward"][1],
    "cost": lambda draft: draft["reward"][2],
    # A hype train, version 2: version 1 was withdrawn in January 2026.
    "level": lambda _: 1,
    "goal": lambda draft: 800 + 800 * draft["level"],
    "progress": lambda draft: draft.scene.rng.randrange(draft["goal"]),
    "began": lambda draft: _began(draft, draft["now"]),
    "began:earlier": lambda draft: _began(draft, shifted(draft["now"], -240)),
    "contributions": _contributions,
}
"""How to draw what no option says, by name."""
