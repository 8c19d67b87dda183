"""A believable evening, planned as a list of steps; who comes and what is said depends on the seed."""

from collections.abc import Iterator
from random import Random
from typing import Any

from attrs import evolve, frozen

from showtime_app.simulate import cast
from showtime_app.simulate.cast import MATERIAL, Tape, crowd, someone
from showtime_app.simulate.catalogue import GIFT, consequences, event_type
from showtime_app.simulate.event_options import EventOptions, Scene
from showtime_core.domain.viewers import Viewer

_FIXED = cast.read_data("night")["steps"]
_MINUTE = 60
_ON_AIR = ((2 * _MINUTE, 34 * _MINUTE), (41 * _MINUTE, 67 * _MINUTE))
"""When viewers do something by themselves; seconds of the evening."""
_SHOWTIME_HOUR = 20


@frozen
class SimulatedEvent:
    """One event of a step."""

    name: str
    options: EventOptions = EventOptions()
    resend: int = 0


@frozen
class TapeChange:
    """The host changes the tape; None takes it off."""

    tape: Tape | None


@frozen
class NightStep:
    """What happens at one moment of the evening."""

    at: float
    """Seconds since the evening began."""
    said: str
    """What is told of it; nothing for small talk."""
    happenings: tuple[SimulatedEvent | TapeChange, ...]

    @property
    def clock(self) -> str:
        """The time on the wall of that evening."""
        hours, minutes = divmod(int(self.at // _MINUTE), 60)
        return f"{_SHOWTIME_HOUR + hours}:{minutes:02d}"


def plan(rng: Random, ids: Random, channel: Viewer) -> tuple[NightStep, ...]:
    """Plan an evening of a channel; `ids` names what several events refer to."""
    scene = Scene(rng, ids, timestamp="")
    steps = [*_every_evening(scene), _gift_bomb(rng), *_raid(rng), *_support(rng), *_small_talk(rng)]
    return tuple(_placed(step, channel) for step in sorted(steps, key=lambda step: step.at))


def _placed(step: NightStep, channel: Viewer) -> NightStep:
    happenings = (
        evolve(happening, options=evolve(happening.options, to_user=channel))
        if isinstance(happening, SimulatedEvent)
        else happening
        for happening in step.happenings
    )
    return evolve(step, happenings=tuple(happenings))


def _step(at: float, said: str, name: str, **options: object) -> NightStep:
    make: Any = EventOptions
    return NightStep(at, said, (SimulatedEvent(name, make(**options)),))


def _every_evening(scene: Scene) -> Iterator[NightStep]:
    drawn: dict[str, Any] = {
        "title": scene.rng.choice(MATERIAL["titles"]),
        "stream": scene.number(11),
        "returned": scene.number(11),
        "train": scene.uuid(),
        "level": scene.rng.randint(2, 4),
        "spammer": cast.viewer("BuyFollowersBot"),
        "spam": scene.uuid(),
        "tapes": [Tape(*tape) for tape in scene.rng.sample(MATERIAL["tapes"], 3)],
    }
    for row in _FIXED:
        at, said = row.get("at", _sometime(scene.rng)), row.get("said", "").format_map(drawn)
        if "tape" in row:
            yield NightStep(
                at, said, (TapeChange(drawn["tapes"][row["tape"]] if row["tape"] >= 0 else None),)
            )
            continue
        options = {
            name: drawn[value[1:]] if isinstance(value, str) and value.startswith("=") else value
            for name, value in row.get("options", {}).items()
        }
        yield _step(at, said, row["event"], **options)


def _gift_bomb(rng: Random) -> NightStep:
    giver, total = someone(rng), rng.choice((5, 10, 20))
    events = consequences(event_type(GIFT), EventOptions(from_user=giver, total=total), rng)
    happenings = [
        # Planned one by one: the gift is not to bring its recipients a second time.
        SimulatedEvent(kind.name, evolve(each, recipients=0) if kind.name == GIFT else each)
        for kind, each in events
    ]
    rng.shuffle(happenings)
    return NightStep(24 * _MINUTE, f"{giver.name} gives {total} subscriptions at once", tuple(happenings))


def _raid(rng: Random) -> Iterator[NightStep]:
    raider, viewers, at = someone(rng, "raiders"), rng.randint(12, 140), 51 * _MINUTE
    said = f"{raider.name} raids with {viewers} viewers"
    yield _step(at, said, "channel.raid", from_user=raider, viewers=viewers)
    for newcomer in crowd(rng, 40)[-rng.randint(4, 8) :]:
        at += rng.randint(4, 30)
        yield _step(at, f"{newcomer.name} follows", "channel.follow", from_user=newcomer)


def _support(rng: Random) -> Iterator[NightStep]:
    people = iter(crowd(rng, 60))
    for follower in [next(people) for _ in range(rng.randint(12, 18))]:
        yield _step(_sometime(rng), f"{follower.name} follows", "channel.follow", from_user=follower)
    for text in rng.sample(MATERIAL["cheers"], rng.randint(6, len(MATERIAL["cheers"]))):
        yield _cheer(rng, rng.choice((100, 150, 300)), text)
    for subject in rng.sample(MATERIAL["subjects"], 3):
        yield _cheer(rng, rng.choice((200, 200, 250)), f"a ghost of {subject} please")
    for subscriber in [next(people) for _ in range(rng.randint(2, 3))]:
        tier = rng.choice(("1000", "1000", "2000", "3000"))
        said = f"{subscriber.name} subscribes at tier {tier}"
        yield _step(_sometime(rng), said, "channel.subscribe", from_user=subscriber, tier=tier)
        user, months, text = someone(rng), rng.randint(2, 40), rng.choice(MATERIAL["resubs"])
        options = {"from_user": user, "months": months, "message": text}
        said = f"{user.name} resubscribes, month {months}: {text}"
        yield _step(_sometime(rng), said, "channel.subscription.message", **options)


def _cheer(rng: Random, bits: int, message: str) -> NightStep:
    user = someone(rng)
    # Twitch delivers at least once, so now and then one comes twice.
    resend = int(rng.random() < 1 / 4)
    said = f"{user.name} cheers {bits} bits: {message}{' (delivered twice)' if resend else ''}"
    options = EventOptions(from_user=user, bits=bits, message=message)
    happenings = (
        SimulatedEvent("channel.cheer", options, resend),
        SimulatedEvent("channel.bits.use", evolve(options, bits_type="cheer")),  # Twitch tells it twice
    )
    return NightStep(_sometime(rng), said, happenings)


def _small_talk(rng: Random) -> Iterator[NightStep]:
    lines = MATERIAL["chat_lines"]
    for line in (*lines, *rng.choices(lines, k=20)):
        yield _step(_sometime(rng), "", "channel.chat.message", message=line)


def _sometime(rng: Random) -> float:
    """Pick a moment on air, to the tenth of a second."""
    return round(rng.uniform(*rng.choice(_ON_AIR)), 1)
