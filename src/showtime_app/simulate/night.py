"""A believable evening, written down as a list of steps; who comes and what is said depends on the seed."""

from collections.abc import Iterator
from random import Random

from attrs import evolve, frozen

from showtime_app.simulate import cast
from showtime_app.simulate.cast import Tape
from showtime_app.simulate.catalogue import GIFT, consequences, event_type
from showtime_app.simulate.event_options import EventOptions, Scene
from showtime_core.domain.viewers import Viewer

MINUTE = 60
DROP_OUT_SECONDS = 5 * MINUTE
"""Shorter than the 15 minutes within which a broadcast is resumed."""
_DROPS_AT = 35 * MINUTE
_RESUMES_AT = _DROPS_AT + DROP_OUT_SECONDS
_ENDS_AT = 70 * MINUTE
_ON_AIR = ((2 * MINUTE, 34 * MINUTE), (41 * MINUTE, 67 * MINUTE))
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
        minutes = int(self.at // MINUTE)
        return f"{_SHOWTIME_HOUR + minutes // 60}:{minutes % 60:02d}"


def plan(rng: Random, ids: Random, channel: Viewer) -> tuple[NightStep, ...]:
    """Plan an evening of a channel; `ids` names what several events refer to."""
    scene = Scene(rng, ids, timestamp="")
    steps = [*_host(scene), *_gift_bomb_and_train(scene), *_raid(rng), *_support(rng), *_small_talk(scene)]
    return tuple(_placed(step, channel) for step in sorted(steps, key=lambda step: step.at))


def _placed(step: NightStep, channel: Viewer) -> NightStep:
    happenings = (
        evolve(happening, options=evolve(happening.options, to_user=channel))
        if isinstance(happening, SimulatedEvent)
        else happening
        for happening in step.happenings
    )
    return evolve(step, happenings=tuple(happenings))


def _host(scene: Scene) -> Iterator[NightStep]:
    first, second, third = scene.rng.sample(cast.TAPES, 3)
    title = scene.rng.choice(cast.TITLES)
    yield NightStep(
        0, f'the title is "{title}"', (SimulatedEvent("channel.update", EventOptions(title=title)),)
    )
    stream, returned = scene.number(11), scene.number(11)
    yield _stream(10, "the channel goes live", "online", EventOptions(stream_id=stream))
    yield _tape(90, first)
    yield _tape(20 * MINUTE, second)
    dropped = "the stream drops out, for five minutes"
    yield _stream(_DROPS_AT, dropped, "offline", EventOptions(ended_stream_id=stream))
    resumed = "the stream is back: the broadcast is resumed"
    yield _stream(_RESUMES_AT, resumed, "online", EventOptions(stream_id=returned))
    yield _tape(54 * MINUTE, third)
    yield _tape(68 * MINUTE, None)
    ended = EventOptions(ended_stream_id=returned)
    yield _stream(_ENDS_AT, "good night: the channel goes off the air", "offline", ended)


def _stream(at: float, said: str, state: str, options: EventOptions) -> NightStep:
    return NightStep(at, said, (SimulatedEvent(f"stream.{state}", options),))


def _tape(at: float, tape: Tape | None) -> NightStep:
    said = f"tape {tape.id} is on: {tape.title}" if tape else "the last tape is over"
    return NightStep(at, said, (TapeChange(tape),))


def _gift_bomb_and_train(scene: Scene) -> Iterator[NightStep]:
    giver = cast.someone(scene.rng)
    total = scene.rng.choice((5, 10, 20))
    options = EventOptions(from_user=giver, total=total)
    happenings = [
        # Planned one by one: the gift is not to bring its recipients a second time.
        SimulatedEvent(
            kind.name, EventOptions(from_user=giver, total=total, recipients=0) if kind.name == GIFT else each
        )
        for kind, each in consequences(event_type(GIFT), options, scene.rng)
    ]
    scene.rng.shuffle(happenings)
    yield NightStep(24 * MINUTE, f"{giver.name} gives {total} subscriptions at once", tuple(happenings))
    train = scene.uuid()
    level = scene.rng.randint(2, 4)
    for at, what, reached in (
        (24 * MINUTE + 5, "begin", 1),
        (26 * MINUTE, "progress", level),
        (29 * MINUTE, "end", level),
    ):
        said = "" if what == "progress" else f"hype train, level {reached}: {what}"
        yield NightStep(
            at,
            said,
            (SimulatedEvent(f"channel.hype_train.{what}", EventOptions(train_id=train, level=reached)),),
        )


def _raid(rng: Random) -> Iterator[NightStep]:
    raider = cast.viewer(rng.choice(cast.RAIDERS))
    viewers = rng.randint(12, 140)
    at = 51 * MINUTE
    raid = SimulatedEvent("channel.raid", EventOptions(from_user=raider, viewers=viewers))
    yield NightStep(at, f"{raider.name} raids with {viewers} viewers", (raid,))
    for newcomer in cast.crowd(rng, 40)[-rng.randint(4, 8) :]:
        at += rng.randint(4, 30)
        yield _follow(at, newcomer.name)


def _follow(at: float, name: str) -> NightStep:
    return NightStep(
        at, f"{name} follows", (SimulatedEvent("channel.follow", EventOptions(from_user=cast.viewer(name))),)
    )


def _support(rng: Random) -> Iterator[NightStep]:
    people = iter(cast.crowd(rng, 60))
    for _ in range(rng.randint(12, 18)):
        yield _follow(_sometime(rng), next(people).name)
    for _ in range(rng.randint(6, 9)):
        yield _cheer(rng, rng.choice((100, 150, 300)), rng.choice(cast.CHEERS))
    for subject in rng.sample(cast.SUBJECTS, 3):
        yield _cheer(rng, rng.choice((200, 200, 250)), f"a ghost of {subject} please")
    yield NightStep(
        _sometime(rng),
        "somebody cheers 100 bits",
        (SimulatedEvent("channel.cheer", EventOptions(anonymous=True, bits=100)),),
    )
    for _ in range(rng.randint(2, 3)):
        yield _subscription(rng, next(people).name)
        yield _resubscription(rng)
    for name, options in (
        ("channel.bits.use", EventOptions(bits=200, message="ghost of a tape that was never rewound")),
        ("channel.bits.use", EventOptions(bits_type="custom_power_up", bits=50)),
        ("channel.chat.notification", EventOptions(notice="watch_streak", streak=7, message="seven tapes")),
        ("channel.chat.notification", EventOptions(message="be kind, rewind")),
        ("channel.ad_break.begin", EventOptions()),
        ("channel.subscription.end", EventOptions()),
    ):
        yield NightStep(_sometime(rng), "", (SimulatedEvent(name, options),))
    yield NightStep(
        _sometime(rng), "", (SimulatedEvent("channel.channel_points_custom_reward_redemption.add"),)
    )


def _cheer(rng: Random, bits: int, message: str) -> NightStep:
    user = cast.someone(rng)
    # Twitch delivers at least once, so now and then one comes twice.
    resend = int(rng.random() < 1 / 4)
    twice = " (delivered twice)" if resend else ""
    options = EventOptions(from_user=user, bits=bits, message=message)
    happenings = (
        SimulatedEvent("channel.cheer", options, resend),
        SimulatedEvent("channel.bits.use", evolve(options, bits_type="cheer")),  # Twitch tells it twice
    )
    return NightStep(_sometime(rng), f"{user.name} cheers {bits} bits: {message}{twice}", happenings)


def _subscription(rng: Random, name: str) -> NightStep:
    tier = rng.choice(("1000", "1000", "2000", "3000"))
    happening = SimulatedEvent("channel.subscribe", EventOptions(from_user=cast.viewer(name), tier=tier))
    return NightStep(_sometime(rng), f"{name} subscribes at tier {tier}", (happening,))


def _resubscription(rng: Random) -> NightStep:
    user, months, text = cast.someone(rng), rng.randint(2, 40), rng.choice(cast.RESUBS)
    options = EventOptions(from_user=user, months=months, message=text)
    said = f"{user.name} resubscribes, month {months}: {text}"
    return NightStep(_sometime(rng), said, (SimulatedEvent("channel.subscription.message", options),))


def _small_talk(scene: Scene) -> Iterator[NightStep]:
    for line in (*cast.CHAT_LINES, *scene.rng.choices(cast.CHAT_LINES, k=20)):
        yield NightStep(
            _sometime(scene.rng), "", (SimulatedEvent("channel.chat.message", EventOptions(message=line)),)
        )
    rude, spam = cast.viewer("BuyFollowersBot"), scene.uuid()
    for at, name, options in (
        (
            31 * MINUTE,
            "message",
            EventOptions(from_user=rude, message="cheap viewers at my site", message_id=spam),
        ),
        (31 * MINUTE + 20, "message_delete", EventOptions(from_user=rude, message_id=spam)),
        (31 * MINUTE + 30, "clear_user_messages", EventOptions(from_user=rude)),
    ):
        yield NightStep(at, "", (SimulatedEvent(f"channel.chat.{name}", options),))


def _sometime(rng: Random) -> float:
    """Pick a moment on air, to the tenth of a second."""
    return round(rng.uniform(*rng.choice(_ON_AIR)), 1)
