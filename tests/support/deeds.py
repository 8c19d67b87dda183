"""What viewers do in a storm, and what it earns them, told without our code."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from support.twitch import CHANNEL, Message, cheer, message, viewer

_TEXTS = ("", "be kind, rewind 📼", "Cheer100 the tracking is off again")
_TIMES = {"1000": 1, "2000": 2, "3000": 5}
_SHARED_TIER = "3000"
"""Tier → how many times the points of the first."""


@frozen
class Deed:
    """A message, whose it is, and the points that it earns."""

    message: Message
    viewer_id: str
    points: int


def deeds(viewers: list[str], count: int, chance: random.Random) -> list[Deed]:
    """Make up what viewers do; much of it looks alike, and every tenth wants a ghost."""
    kinds = chance.choices(
        [_cheer, _ghost, _subscription, _resubscription, _gift], [50, 12, 14, 14, 10], k=count
    )
    return [kind(chance.choice(viewers), number, chance) for number, kind in enumerate(kinds)]


def earned(done: Iterable[Deed]) -> Counter[str]:
    """Add up what each viewer has earned."""
    points: Counter[str] = Counter()
    for deed in done:
        points[deed.viewer_id] += deed.points
    return points


def _cheer(name: str, _: int, chance: random.Random) -> Deed:
    bits = chance.choice([1, 100, 250, 1000])
    return _deed(name, bits, cheer(name, bits, chance.choice(_TEXTS)))


def _ghost(name: str, number: int, chance: random.Random) -> Deed:
    bits = chance.choice([200, 250])
    # OpenAI refuses what is forbidden: its points must come back.
    subject = chance.choice(["a fax machine", "a forbidden tape", "the last video store clerk"])
    return _deed(name, bits, cheer(name, bits, f"Cheer{bits} ghost of {subject} {number}"))


def _subscription(name: str, _: int, chance: random.Random) -> Deed:
    tier = chance.choice(list(_TIMES))
    # No month is told twice: what a viewer pays for and what a viewer shares are of different tiers.
    event = {"tier": tier, "is_gift": tier == _SHARED_TIER or chance.random() < 0.5}
    return _event(name, 600 * _TIMES[tier], "channel.subscribe", event)


def _resubscription(name: str, _: int, chance: random.Random) -> Deed:
    tier = _SHARED_TIER
    said = {"text": chance.choice(_TEXTS), "emotes": None}
    event = {"tier": tier, "message": said, "cumulative_months": chance.randint(2, 90)}
    return _event(name, 600 * _TIMES[tier], "channel.subscription.message", event)


def _gift(name: str, _: int, chance: random.Random) -> Deed:
    tier, total = chance.choice(list(_TIMES)), chance.choice([1, 5, 50])
    event = {"tier": tier, "total": total, "is_anonymous": False}
    return _event(name, 200 * total * _TIMES[tier], "channel.subscription.gift", event)


def _event(name: str, points: int, kind: str, event: dict[str, Any]) -> Deed:
    return _deed(name, points, message(kind, viewer(name) | CHANNEL | event))


def _deed(name: str, points: int, sent: Message) -> Deed:
    return Deed(sent, viewer(name)["user_id"], points)
