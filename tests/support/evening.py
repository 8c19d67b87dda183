"""A busy evening: messages of many kinds, each with what must follow from it, told without our code."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from support.server import rows
from support.twitch import CHANNEL, Message, cheer, follow, message, viewer

_TEXTS = ("Cheer200 ghost of a fax machine", "Cheer100 bring back the laserdisc", "be kind, rewind 📼", "")


@frozen
class Happening:
    """A message, and what must follow from it."""

    message: Message
    alert: dict[str, Any] | None = None
    effects: tuple[str, ...] = ()
    """Kinds of the effects."""
    outcome: str = "reacted"


def evening(count: int, seed: int = 1986) -> list[Happening]:
    """Make up an evening; every viewer comes once, so that what follows names its message."""
    chance = random.Random(seed)
    kinds = [_cheer, _follow, _subscription, _resubscription, _gift, _raid, _anonymous, _train, _other]
    weights = [50, 15, 12, 5, 5, 4, 4, 3, 2]
    return [
        kind(f"Tapehead{seed}x{n:04}", chance)
        for n, kind in enumerate(chance.choices(kinds, weights, k=count))
    ]


def messages(happenings: Sequence[Happening]) -> list[Message]:
    return [each.message for each in happenings]


def _cheer(name: str, chance: random.Random) -> Happening:
    bits, text = chance.choice([1, 100, 200, 5000]), chance.choice(_TEXTS)
    effects = ["credit-cheer"] + ["summon-ghost"] * ("ghost of" in text and bits >= 200)
    data = {"username": name, "numBits": bits, "message": text}
    return Happening(cheer(name, bits, text), {"type": "cheer", "data": data}, tuple(effects))


def _anonymous(name: str, _: random.Random) -> Happening:
    # Twitch's nulls; the text tells whose it is.
    nobody = dict.fromkeys(viewer()) | CHANNEL | {"is_anonymous": True, "message": name, "bits": 5}
    data = {"username": "Anonymous", "numBits": 5, "message": name}
    return Happening(message("channel.cheer", nobody), {"type": "cheer", "data": data})


def _follow(name: str, _: random.Random) -> Happening:
    return Happening(follow(name), {"type": "follow", "data": {"username": name}})


def _subscription(name: str, chance: random.Random) -> Happening:
    is_gift = chance.random() < 0.5
    event = viewer(name) | CHANNEL | {"tier": chance.choice(["1000", "3000"]), "is_gift": is_gift}
    data = {"username": name, "isGift": False, "numCumulativeMonths": 1, "message": ""}
    alert = None if is_gift else {"type": "subscribe", "data": data}
    return Happening(message("channel.subscribe", event), alert, ("credit-subscription",))


def _resubscription(name: str, chance: random.Random) -> Happening:
    months = chance.randint(2, 90)
    event = viewer(name) | CHANNEL
    event |= {"tier": "1000", "message": {"text": "again!", "emotes": None}, "cumulative_months": months}
    data = {"username": name, "isGift": False, "numCumulativeMonths": months, "message": "again!"}
    alert = {"type": "subscribe", "data": data}
    return Happening(message("channel.subscription.message", event), alert, ("credit-subscription",))


def _gift(name: str, chance: random.Random) -> Happening:
    total = chance.choice([1, 5, 50])
    event = viewer(name) | CHANNEL | {"total": total, "tier": "1000", "is_anonymous": False}
    data = {"username": name, "numSubscriptions": total}
    alert = {"type": "gift-sub", "data": data}
    return Happening(message("channel.subscription.gift", event), alert, ("credit-gift-subs",))


def _raid(name: str, chance: random.Random) -> Happening:
    raider = {f"from_broadcaster_{key}": value for key, value in viewer(name).items()}
    event = (
        raider | {"to_" + key: value for key, value in CHANNEL.items()} | {"viewers": chance.randint(1, 999)}
    )
    data = {"username": name, "numViewers": event["viewers"]}
    return Happening(message("channel.raid", event), {"type": "raid", "data": data})


def _train(name: str, chance: random.Random) -> Happening:
    level = chance.randint(1, 5)
    event = CHANNEL | {"id": name, "level": level}
    alert = {"type": "hype-train", "data": {"level": level}}
    return Happening(message("channel.hype_train.begin", event), alert)


def _other(name: str, _: random.Random) -> Happening:
    return Happening(message("channel.goal.begin", viewer(name) | CHANNEL), outcome="kept")


def assert_exactly_once(conninfo: str, happenings: Sequence[Happening]) -> None:
    """Look in the database: each message is there once, and so is all that follows from it."""
    expected = {each.message.id: each for each in happenings}
    journal = rows(conninfo, "select id, outcome from showtime.journal where source <> 'host'")
    assert sorted(journal) == sorted((each.message.id, each.outcome) for each in happenings)

    feed = rows(conninfo, "select entry_id, payload from showtime.feed where stream = 'alerts' order by id")
    assert len(feed) == len({entry_id for entry_id, _ in feed})
    assert dict(feed) == {key: each.alert for key, each in expected.items() if each.alert}

    outbox = rows(conninfo, "select entry_id, kind from showtime.outbox")
    planned = [(key, kind) for key, each in expected.items() for kind in each.effects]
    assert sorted(outbox) == sorted(planned)

    [(last_id, count, newest)] = rows(
        conninfo,
        "select (select last_feed_id from showtime.channel), count(*), max(id) from showtime.feed",
    )
    assert last_id == count == newest, "the ids of the feed are without a gap"


def log_of_alerts(conninfo: str) -> list[tuple[object, object]]:
    """Tell what a client must see: every alert with its id, in order."""
    return rows(conninfo, "select id, payload from showtime.feed where stream = 'alerts' order by id")


def online_event(stream_id: str, started_at: datetime) -> dict[str, Any]:
    return CHANNEL | {"id": stream_id, "type": "live", "started_at": started_at.astimezone(UTC).isoformat()}
